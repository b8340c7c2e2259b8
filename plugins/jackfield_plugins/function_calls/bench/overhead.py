"""What calling costs those who call nothing: the same chat as a plain run, and as one that could call meanwhile."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing

import msgspec

from jackfield.contracts.protocols import CallProtocol
from jackfield.contracts.runs import RunRequest, ToolUse
from jackfield.contracts.tools import ToolChoice, ToolDescription
from jackfield.errors import EngineFailure, error_from_code
from jackfield.events import Failed, Finished, TextDelta
from jackfield.messages import Message
from jackfield.workbench import Workbench
from jackfield_plugins.function_calls.bench.equipment import CLIENT

QUESTION = Message.of("user", "Describe an old lighthouse and its keeper in one long paragraph.")
TOKENS = 96


class Overhead(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds of the same answer, medians; `share` is the median over pairs of what async takes longer.

    `same` says whether both wrote the same text; where they did not, the times are not of the same work.
    """

    protocol: str
    pairs: int
    tokens: float
    plain: float
    with_calls: float
    share: float
    same: bool


class _Chat(msgspec.Struct, frozen=True):
    seconds: float
    tokens: int
    text: str


async def overhead(
    workbench: Workbench,
    model: str,
    protocol: CallProtocol,
    tools: Sequence[ToolDescription],
    rounds: int,
    say: Callable[[str], None],
) -> Overhead:
    """Ask the same in turns, the first time unmeasured.

    The plain run reads the tools as the protocol words them, so that both have one prompt; that takes a protocol which
    leaves nothing to the model's template.
    """
    shown = protocol.presentation(
        (QUESTION,), tools, choice=ToolChoice(), several=True, mode="async", template_shows_tools=False
    )
    plain = RunRequest(
        model=model, messages=shown.messages, sampling={"temperature": 0}, max_tokens=TOKENS, client=CLIENT
    )
    use = ToolUse(names=tuple(tool.name for tool in tools), protocol=protocol.name, mode="async")
    calling = msgspec.structs.replace(plain, messages=(QUESTION,), tools=use)
    pairs: list[tuple[_Chat, _Chat]] = []
    for number in range(rounds + 1):
        order = (plain, calling) if number % 2 else (calling, plain)
        chats = {id(request): await _chat(workbench, request) for request in order}
        pairs.append((chats[id(plain)], chats[id(calling)]))
        if number:
            ours = pairs[-1]
            say(f"tool-free chat, round {number} of {rounds}: plain {ours[0].seconds:.2f} s, {ours[1].seconds:.2f} s")
    return _overhead(protocol.name, pairs[1:])


def _overhead(protocol: str, pairs: Sequence[tuple[_Chat, _Chat]]) -> Overhead:
    return Overhead(
        protocol=protocol,
        pairs=len(pairs),
        tokens=statistics.median(plain.tokens for plain, _ in pairs),
        plain=statistics.median(plain.seconds for plain, _ in pairs),
        with_calls=statistics.median(calling.seconds for _, calling in pairs),
        share=statistics.median(calling.seconds / plain.seconds for plain, calling in pairs) - 1,
        same=all(plain.text == calling.text for plain, calling in pairs),
    )


async def _chat(workbench: Workbench, request: RunRequest) -> _Chat:
    began = time.perf_counter()
    run = await workbench.start(request)
    texts: list[str] = []
    async with aclosing(workbench.watch(run.id)) as events:
        async for event in events:
            match event.body:
                case TextDelta(text=text):
                    texts.append(text)
                case Finished(usage=usage):
                    return _Chat(time.perf_counter() - began, usage.completion_tokens, "".join(texts))
                case Failed(code=code, message=message):
                    raise error_from_code(code, message)
    raise EngineFailure("A chat of the bench was stopped before its end.")
