"""What Alembic runs to set itself up: our tables, and the connection that whoever called handed in."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import TypeDecorator

from jackfield_storage.tables import Base


def plain_type(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """How a drafted revision writes a column's type: as the plain one beneath ours, which may change or go."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl_instance!r}"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    render_item=plain_type,
)
with context.begin_transaction():
    context.run_migrations()
