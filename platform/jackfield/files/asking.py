"""What a chat model answers to a request of the platform's own, such as for a summary."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Protocol

import msgspec

from jackfield.contracts.identity import Principal
from jackfield.contracts.runs import RunRecord, RunRequest
from jackfield.errors import JackfieldError, LimitReached, RunCancelled, error_from_code
from jackfield.events import Cancelled, Failed, Finished, Rewritten, RunEvent, Source, SourcesFound, Started, TextDelta


class Runs(Protocol):
    """What starts runs and tells of them; the workbench is one."""

    async def start(self, request: RunRequest, *, principal: Principal | None = None) -> RunRecord: ...

    def watch(self, run_id: str, *, after: int = 0) -> AsyncGenerator[RunEvent]: ...

    async def cancel(self, run_id: str) -> bool: ...


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer, by which model, in which run, from which sources; `whole` is false where it was cut."""

    text: str
    model: str
    run_id: str
    sources: tuple[Source, ...] = ()
    notice: str = ""
    whole: bool = True


class ChatModel:
    """An installed model that somebody may ask."""

    def __init__(self, runs: Runs, *, name: str = "", principal: Principal | None = None) -> None:
        self.name = name
        self._runs = runs
        self._principal = principal

    async def reply(self, request: RunRequest) -> Reply:
        """The answer to a request, whose model is this one; raises what the run ended with.

        A run whose reader is cancelled is cancelled too.
        """
        request = msgspec.structs.replace(request, model=self.name)
        run = await self._runs.start(request, principal=self._principal)
        try:
            return await self._followed(run.id)
        except BaseException:
            await self._runs.cancel(run.id)
            raise

    async def _followed(self, run_id: str) -> Reply:
        text, model, reason = "", "", None
        found: SourcesFound | None = None
        async with aclosing(self._runs.watch(run_id)) as events:
            async for event in events:
                match event.body:
                    case Started(model=name):
                        model = name
                    case SourcesFound() as sources:
                        found = sources.behind(found)
                    case TextDelta(text=more):
                        text += more
                    case Rewritten(keeps=keeps):
                        text = text[:keeps]
                    case Finished() as finished:
                        reason = finished.reason
                    case Failed(code=code, message=message):
                        raise error_from_code(code, message)
                    case Cancelled():
                        raise RunCancelled(f"Run '{run_id}' was cancelled before its answer was whole.")
        if reason is None:
            raise JackfieldError(f"Run '{run_id}' ended without a last event; `jackfield doctor` may tell why.")
        return Reply(
            text=text.strip(),
            model=model,
            run_id=run_id,
            sources=found.sources if found else (),
            notice=found.notice if found else "",
            whole=reason != "length",
        )

    async def whole_reply(self, request: RunRequest) -> Reply:
        """The same; raises LimitReached for an answer that was cut."""
        reply = await self.reply(request)
        if not reply.whole:
            raise LimitReached(f"The answer of '{reply.model}' came to the end of its tokens before it was whole.")
        return reply
