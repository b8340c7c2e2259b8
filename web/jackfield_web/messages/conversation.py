"""A conversation in Anthropic's turns, as Jackfield has it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from jackfield.messages import Call, Message, Role, Span
from jackfield_web.call_ledger import CallLedger
from jackfield_web.messages.blocks import (
    Block,
    TextBlock,
    ToolResultBlock,
    ToolUseBlock,
    Turn,
    blocks_of,
    check_last,
    texts_of,
)

NOT_CALLED = "no assistant turn before it makes that call; send the turn with its 'tool_use' block too."
BETWEEN_TURNS = "\n\n"


def conversation(system: str | list[TextBlock] | None, turns: list[Turn]) -> tuple[Message, ...]:
    """The system's words, then the turns; a turn with results comes apart into one message for each, and its text.

    Raises InvalidRequest; a result must answer a call that stands before it and was not answered yet.
    """
    check_last(turns)
    ledger = CallLedger()
    said = [message for index, turn in enumerate(turns) for message in _messages(turn, f"messages[{index}]", ledger)]
    instructions = texts_of(system)
    leading = [_said("system", instructions)] if any(instructions) else []
    return tuple(_joined([*leading, *said]))


def _messages(turn: Turn, place: str, ledger: CallLedger) -> Iterator[Message]:
    blocks = blocks_of(turn, place)
    for index, block in enumerate(blocks):
        if isinstance(block, ToolResultBlock):
            yield _result(block, f"{place}.content[{index}]", ledger)
    calls = _calls(blocks, place, ledger)
    texts = tuple(block.text for block in blocks if isinstance(block, TextBlock))
    if texts or calls:
        yield msgspec.structs.replace(_said(turn.role, texts), calls=calls)


def _calls(blocks: Sequence[Block], place: str, ledger: CallLedger) -> tuple[Call, ...]:
    return tuple(
        ledger.write(Call(identifier=block.id, tool=block.name, arguments=block.input), f"{place}.content[{index}].id")
        for index, block in enumerate(blocks)
        if isinstance(block, ToolUseBlock)
    )


def _result(block: ToolResultBlock, place: str, ledger: CallLedger) -> Message:
    tool = ledger.answer(block.tool_use_id, f"{place}.tool_use_id", resend=NOT_CALLED)
    texts = texts_of(block.content)
    message = _said("tool", ("Error: ", *texts) if block.is_error else texts)
    return msgspec.structs.replace(message, name=tool, answers=block.tool_use_id)


def _said(role: Role, texts: Sequence[str]) -> Message:
    return Message(role=role, spans=tuple(Span(text, role) for text in texts))


def _joined(messages: Sequence[Message]) -> Iterator[Message]:
    """Neighbours of one role as one message, as models' templates want them; calls end an assistant's."""
    held: Message | None = None
    for message in messages:
        if held and held.role == message.role and message.role in ("user", "assistant") and not held.calls:
            spans = (*held.spans, Span(BETWEEN_TURNS, held.role), *message.spans)
            held = msgspec.structs.replace(message, spans=spans)
            continue
        if held:
            yield held
        held = message
    if held:
        yield held
