"""Identifiers that sort by the time they were made."""

from __future__ import annotations

import secrets
import time


def new_identifier(kind: str) -> str:
    """`kind_` + 11 hexadecimal digits of milliseconds since 1970 + 12 random ones."""
    return f"{kind}_{time.time_ns() // 1_000_000:011x}{secrets.token_hex(6)}"
