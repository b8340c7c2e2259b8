"""What a server's tool may do, from what the server says of it; a word of the configuration outweighs that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from jackfield.contracts.tools import Permission

if TYPE_CHECKING:
    from mcp_types import Tool, ToolAnnotations

ANY_TOOL = "*"
"""In the configuration, stands for every tool that is not named."""


def permission_of(tool: Tool, configured: Mapping[str, Permission]) -> Permission:
    """What the configuration says, else what the annotations come to."""
    return configured.get(tool.name) or configured.get(ANY_TOOL) or annotated_permission(tool.annotations)


def annotated_permission(annotations: ToolAnnotations | None) -> Permission:
    """Annotations are claims: only a claim to change nothing and to stay within the server makes a tool `read`."""
    if annotations is None or not annotations.read_only_hint:
        return "write"
    return "read" if annotations.open_world_hint is False else "network"
