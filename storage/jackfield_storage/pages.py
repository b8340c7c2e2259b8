"""Lists by the page: the newest first, by identifiers, which sort by the time they were made."""

from __future__ import annotations

from typing import Any, TypeVar

from sqlalchemy import Select

T = TypeVar("T")


def page_of(chosen: Select[T], identifier: Any, *, limit: int, before: str | None) -> Select[T]:
    """A SELECT's newest rows, or those older than the one `before`, even if that is gone."""
    older = chosen if before is None else chosen.where(identifier < before)
    return older.order_by(identifier.desc()).limit(limit)
