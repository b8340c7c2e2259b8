"""A server's answer to a call, as text that a model can read."""

from __future__ import annotations

import msgspec
from mcp_types import (
    AudioContent,
    BlobResourceContents,
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
)

from jackfield.contracts.tools import ToolResult

NOTHING = "(The tool answered with nothing.)"


def result_of(answer: CallToolResult) -> ToolResult:
    """All parts in order; structured content where there is no text that says the same."""
    parts = [_described(part) for part in answer.content]
    if answer.structured_content is not None and not any(isinstance(part, TextContent) for part in answer.content):
        parts.append(msgspec.json.encode(answer.structured_content).decode())
    return ToolResult(text="\n".join(parts) or NOTHING, error=answer.is_error, provenance="remote")


def _described(part: ContentBlock) -> str:
    match part:
        case TextContent():
            return part.text
        case ImageContent():
            return f"[an image, {part.mime_type}, {_size(part.data)}; it cannot be shown here]"
        case AudioContent():
            return f"[a sound, {part.mime_type}, {_size(part.data)}; it cannot be played here]"
        case ResourceLink():
            return f"[a link to {part.uri}{_told(part.title or part.name, part.description, part.mime_type)}]"
        case EmbeddedResource():
            return _described_file(part.resource)


def _described_file(file: TextResourceContents | BlobResourceContents) -> str:
    if isinstance(file, TextResourceContents):
        return f"[the file {file.uri}]\n{file.text}"
    kind = file.mime_type or "of an unknown kind"
    return f"[the file {file.uri}, {kind}, {_size(file.blob)}; it cannot be shown here]"


def _told(*facts: str | None) -> str:
    said = [fact for fact in facts if fact]
    return f" ({'; '.join(said)})" if said else ""


def _size(base64: str) -> str:
    """How many bytes stand in Base64, without reading them."""
    return f"{len(base64.rstrip('=')) * 3 // 4:,} bytes"
