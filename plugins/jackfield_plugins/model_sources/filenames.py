"""What files and models are called, from what their origin calls them."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

SUFFIX = ".gguf"


def model_filename(raw: str) -> str:
    """A file name that is safe on any file system, from the last part of a path; ends in `.gguf`."""
    last = PurePosixPath(raw.replace("\\", "/")).name
    stem = last[: -len(SUFFIX)] if last.lower().endswith(SUFFIX) else last
    return (_plain(stem)[:120] or "model") + SUFFIX


def model_name(raw: str) -> str:
    """What to call the model that a file holds: its name without the suffix."""
    return model_filename(raw)[: -len(SUFFIX)].rstrip(".")


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip(".-_")
