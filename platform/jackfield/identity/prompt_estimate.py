"""How long a prompt will be, before anything that holds its model's tokenizer has seen it.

The processes that take requests load no model, so they count UTF-8 bytes.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from jackfield.contracts.runs import RunRequest, ToolUse
from jackfield.contracts.tools import ToolDescription
from jackfield.messages import Message

PER_PROMPT = 64
"""What chat templates say by themselves, begin tokens included."""

PER_MESSAGE = 16
"""The control tokens and line breaks around a turn."""

PER_TOOL = 32
"""The words around a tool's description."""

BYTES_PER_TOKEN = 4
"""In running text; bytes beyond it are what the upper estimate is too high by."""


def most_prompt_tokens(request: RunRequest) -> int:
    """An upper estimate: no tokenizer makes more than one token of a byte.

    Templates that say more than is allowed for here are met with the true count before anything is decoded.
    """
    return _around(request) + _bytes(request)


def likely_prompt_tokens(request: RunRequest) -> int:
    """What a prompt of running text comes to."""
    return _around(request) // 2 + -(-_bytes(request) // BYTES_PER_TOKEN)


def most_text_tokens(texts: Sequence[str]) -> int:
    """An upper estimate for texts that are embedded, each with a token before and behind it."""
    return sum(len(text.encode()) + 2 for text in texts)


def likely_text_tokens(texts: Sequence[str]) -> int:
    """What texts that are embedded come to."""
    return sum(-(-len(text.encode()) // BYTES_PER_TOKEN) + 2 for text in texts)


def _around(request: RunRequest) -> int:
    """Tokens that are nobody's text."""
    if isinstance(request.prompt, tuple):
        return len(request.prompt) + 1
    if request.prompt is not None:
        return 1
    use = request.tools or ToolUse()
    return PER_PROMPT + PER_MESSAGE * len(request.messages) + PER_TOOL * (len(use.callers) + len(use.names))


def _bytes(request: RunRequest) -> int:
    if request.prompt is not None:
        return len(request.prompt.encode()) if isinstance(request.prompt, str) else 0
    tools = request.tools.callers if request.tools else ()
    return sum(map(_message_bytes, request.messages)) + sum(map(_tool_bytes, tools))


def _message_bytes(message: Message) -> int:
    calls = len(msgspec.json.encode(message.calls)) if message.calls else 0
    return len(message.text.encode()) + len((message.name or "").encode()) + calls


def _tool_bytes(tool: ToolDescription) -> int:
    return len(msgspec.json.encode((tool.name, tool.description, tool.parameters)))
