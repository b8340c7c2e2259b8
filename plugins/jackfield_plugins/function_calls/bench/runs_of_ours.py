"""Cases answered by runs of our own workbench, as any caller's would be."""

from __future__ import annotations

import time
from contextlib import aclosing

import msgspec

from jackfield.contracts.runs import RunRequest, ToolUse
from jackfield.errors import Unavailable
from jackfield.events import CallRefused, CallWritten, Cancelled, Failed, Finished, RunEventBody, TextDelta
from jackfield.workbench import Workbench
from jackfield_plugins.function_calls.bench.answers import Answer, digest
from jackfield_plugins.function_calls.bench.cases import Case
from jackfield_plugins.function_calls.bench.functions import OfferedTools


class OurRuns:
    """A workbench whose runs answer cases; the tools are the caller's, so that a run ends with the calls written."""

    name = "jackfield"

    def __init__(self, workbench: Workbench, model: str, protocol: str, max_tokens: int) -> None:
        self._workbench = workbench
        self._model = model
        self._protocol = protocol
        self._max_tokens = max_tokens
        self.conditions = f"{model} {protocol} {max_tokens}"

    async def answer(self, case: Case, offered: OfferedTools) -> Answer:
        """A run's answer; one that fails is a failed answer, and what is refused to the end is a broken call."""
        began = time.perf_counter()
        run = await self._workbench.start(self._request(case, offered))
        answer = Answer(case=case.id, server=self.name, conditions=digest(self, case))
        async with aclosing(self._workbench.watch(run.id)) as events:
            async for event in events:
                answer = _with(answer, event.body)
        broken = () if answer.calls else answer.refused
        return msgspec.structs.replace(answer, broken=broken, seconds=time.perf_counter() - began)

    def _request(self, case: Case, offered: OfferedTools) -> RunRequest:
        return RunRequest(
            model=self._model,
            messages=case.messages,
            sampling={"temperature": 0},
            max_tokens=self._max_tokens,
            client="bench",
            tools=ToolUse(callers=offered.tools, protocol=self._protocol),
        )


def _with(answer: Answer, body: RunEventBody) -> Answer:
    """An answer with what one more event adds; raises Unavailable where somebody stopped the run."""
    match body:
        case TextDelta(text=text):
            return msgspec.structs.replace(answer, text=answer.text + text)
        case CallWritten(call=call):
            return msgspec.structs.replace(answer, calls=(*answer.calls, call))
        case CallRefused(reason=reason):
            return msgspec.structs.replace(answer, refused=(*answer.refused, reason))
        case Finished(usage=usage):
            return msgspec.structs.replace(answer, tokens=usage.completion_tokens)
        case Failed(code=code, message=message):
            return msgspec.structs.replace(answer, failed=f"{code}: {message}")
        case Cancelled():
            raise Unavailable("A run of the bench was cancelled, so the bench ends here.")
        case _:
            return answer
