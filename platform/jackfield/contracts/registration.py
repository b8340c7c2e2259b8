"""How a plugin offers a thing: a name now, the object when it is first needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")


class Provided(msgspec.Struct, Generic[T], frozen=True):
    """One registration: `build` is called at most once, on first use, so heavy imports belong inside it."""

    name: str
    build: Callable[[], T]
    summary: str = ""
