"""Taking facts from what people say, beside everything else: no answer ever waits for it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

import structlog

from jackfield.contracts.identity import Account
from jackfield.contracts.memory import Asker, Memory, MemoryUnit
from jackfield.contracts.runs import RunRecord
from jackfield.errors import JackfieldError
from jackfield.identifiers import new_identifier
from jackfield.memory.facts import Fact, facts_in
from jackfield.messages import Message

log = structlog.get_logger()

MOST_WAITING = 1000
"""Runs whose facts are still to be taken; beyond them a server is too busy to remember, which is logged."""

MOST_TOLD = 100
"""Units that are kept in mind for whoever asks what was remembered."""

CLOSING_SECONDS = 10.0


def asker_of(account: Account | None) -> Asker:
    """Whose memory an account is."""
    return Asker(id=account.user_id, team_id=account.team_id) if account else Asker()


class MemoryTaker:
    """Remembers the facts of runs that were begun with memory on; each run's newest words only, in their order."""

    def __init__(self, memory: Callable[[], Memory], *, keep_days: int = 0) -> None:
        self._memory = memory
        self._keeps = timedelta(days=keep_days) if keep_days else None
        self._waiting: asyncio.Queue[RunRecord] = asyncio.Queue(MOST_WAITING)
        self._task: asyncio.Task[None] | None = None
        self._kept: deque[MemoryUnit] = deque(maxlen=MOST_TOLD)

    def take(self, run: RunRecord) -> None:
        """Have a run's facts remembered soon. Never waits, and never fails."""
        if not run.request.memory or not told(run.request.messages):
            return
        if self._waiting.full():
            log.warning("too much to remember at once; a run's facts are not taken", run=run.id)
            return
        self._waiting.put_nowait(run)
        if self._task is None:
            self._task = asyncio.create_task(self._work(), name="memory")

    def newly_kept(self) -> tuple[MemoryUnit, ...]:
        """What was remembered since this was last asked; the newest of it, where that is very much."""
        kept = tuple(self._kept)
        self._kept.clear()
        return kept

    async def settled(self) -> None:
        """Wait until everything that was taken so far is remembered."""
        await self._waiting.join()

    async def close(self) -> None:
        """Remember what waits, if that takes no longer than some seconds."""
        if self._task is None:
            return
        try:
            async with asyncio.timeout(CLOSING_SECONDS):
                await self.settled()
        except TimeoutError:
            log.warning("some facts were not remembered in time", runs=self._waiting.qsize())
        self._task.cancel()
        await asyncio.wait({self._task})
        self._task = None

    async def _work(self) -> None:
        while True:
            run = await self._waiting.get()
            try:
                await self._remember(run)
            except JackfieldError as error:
                log.warning("a run's facts could not be remembered", run=run.id, reason=str(error))
            except Exception:
                log.exception("a run's facts could not be remembered", run=run.id)
            finally:
                self._waiting.task_done()

    async def _remember(self, run: RunRecord) -> None:
        memory = self._memory()
        for fact in facts_in(told(run.request.messages)):
            unit = self._unit(fact, run)
            kept = await memory.remember(unit)
            if kept.changed_at == unit.changed_at:  # not known already
                self._kept.append(kept)

    def _unit(self, fact: Fact, run: RunRecord) -> MemoryUnit:
        now, asker = datetime.now(UTC), asker_of(run.account)
        lasts = min(filter(None, (fact.lasts, self._keeps)), default=None)
        return MemoryUnit(
            id=_slot_id(asker, fact.slot) if fact.slot else new_identifier("mem"),
            text=fact.text,
            provenance="user",
            owner_id=asker.id,
            team_id=asker.team_id,
            remembered_at=now,
            changed_at=now,
            source=run.id,
            expires_at=now + lasts if lasts else None,
        )


def told(messages: tuple[Message, ...]) -> str:
    """What a person said last themselves."""
    last = next((message for message in reversed(messages) if message.role == "user"), None)
    return "".join(span.text for span in last.spans if span.provenance == "user").strip() if last else ""


def _slot_id(asker: Asker, slot: str) -> str:
    """One identifier for what somebody can have only one of, such as a name, so that the newest takes its place."""
    return f"mem_{blake2b(f'{asker.id}/{slot}'.encode(), digest_size=11).hexdigest()}"
