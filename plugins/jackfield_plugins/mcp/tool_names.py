"""Names that models can call a server's tools by: `server__tool`, valid, and the same at every start."""

from __future__ import annotations

import hashlib
import re

LONGEST = 64
_OTHERS = re.compile(r"[^a-zA-Z0-9_.-]")


def tool_name(server: str, tool: str) -> str:
    """`server__tool`; where that is too long, not valid or not clear, a digest of both makes it so."""
    name = f"{server}__{tool}"
    valid = _OTHERS.sub("_", name)
    if valid == name and len(name) <= LONGEST and "__" not in server and not server.endswith("_"):
        return name
    digest = hashlib.blake2b(f"{server}\0{tool}".encode(), digest_size=4).hexdigest()
    return f"{valid[: LONGEST - len(digest) - 1]}-{digest}"
