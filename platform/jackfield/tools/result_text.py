"""Results as a model may be shown them: text, no longer than allowed, and nothing hidden about what is missing."""

from __future__ import annotations

import re
from typing import Any

import structlog

from jackfield.contracts.tools import ToolDescription, ToolResult
from jackfield.errors import JackfieldError
from jackfield.events import Source
from jackfield.messages import Provenance

log = structlog.get_logger()

OF_TOOLS: tuple[Provenance, ...] = ("tool", "file", "remote")
"""What a tool may say of where its result comes from; any other origin could command, which is not its to say."""

UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
BINARY_SHARE = 0.1
"""Of a text's characters: with more that cannot be printed it is no text at all; with fewer, each is escaped."""


def presentable(result: Any, tool: ToolDescription) -> ToolResult:
    """What a tool gave, fit to be read by a model."""
    if not isinstance(result, ToolResult):
        return _unfit(tool, f"gave a {type(result).__name__} where a ToolResult was expected")
    text: Any = result.text
    if isinstance(text, bytes):
        try:
            text = text.decode()
        except UnicodeDecodeError:
            return _unfit(tool, f"returned {len(text):,} bytes that are not text")
    if not isinstance(text, str):
        return _unfit(tool, f"gave a {type(text).__name__} where text was expected")
    if not _are_sources(result.sources):
        return _unfit(tool, "names sources that are none")
    shown = text[: tool.result_limit]
    if _is_binary(shown):
        return _unfit(tool, f"returned {len(text.encode(errors='surrogatepass')):,} bytes that are not text")
    return ToolResult(
        text=UNPRINTABLE.sub(_escaped, shown) + _cut_notice(len(shown), len(text)),
        error=result.error,
        provenance=_provenance(result, tool),
        sources=() if result.error else tuple(result.sources),
    )


def failure_result(tool: str, error: Exception) -> ToolResult:
    """Why a call gave nothing; what nobody expected is logged."""
    if isinstance(error, JackfieldError):
        return ToolResult(text=error.message, error=True)
    log.error("a tool failed", tool=tool, exc_info=error)
    return ToolResult(text=f"Tool '{tool}' failed: {type(error).__name__}: {error}", error=True)


def _unfit(tool: ToolDescription, what: str) -> ToolResult:
    log.warning("a tool's result cannot be shown", tool=tool.name, reason=what)
    return ToolResult(text=f"Tool '{tool.name}' {what}.", error=True)


def _are_sources(sources: Any) -> bool:
    return isinstance(sources, tuple | list) and all(isinstance(source, Source) for source in sources)


def _is_binary(text: str) -> bool:
    return len(UNPRINTABLE.findall(text)) > BINARY_SHARE * len(text)


def _escaped(character: re.Match[str]) -> str:
    number = ord(character[0])
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"


def _cut_notice(shown: int, whole: int) -> str:
    if shown == whole:
        return ""
    return f"\n[Cut: these are the first {shown:,} of {whole:,} characters; {whole - shown:,} were left out.]"


def _provenance(result: ToolResult, tool: ToolDescription) -> Provenance:
    if tool.derived and result.provenance == "tool":
        return "assistant"
    if result.provenance in OF_TOOLS:
        return result.provenance
    log.warning("a tool's result claims an origin that could command", tool=tool.name, origin=result.provenance)
    return "tool"
