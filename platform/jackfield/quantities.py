"""Numbers as people say them."""

from __future__ import annotations


def readable_bytes(count: float) -> str:
    """A size in the decimal unit that reads best: 98.4 MB."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} bytes" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
