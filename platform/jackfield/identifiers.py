"""Identifiers that sort by the time they were made."""

from __future__ import annotations

import random
import time

_random = random.Random()  # noqa: S311 - seeded by the system, and asked several times a request


def new_identifier(kind: str) -> str:
    """`kind_` + 11 hexadecimal digits of milliseconds since 1970 + 12 random ones; no secret."""
    return f"{kind}_{time.time_ns() // 1_000_000:011x}{_random.getrandbits(48):012x}"
