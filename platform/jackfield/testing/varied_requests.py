"""Short requests of every kind through a whole workbench, some at a time: to see what is left when all have ended."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing
from random import Random

import msgspec

from jackfield.contracts.models import InstalledModel
from jackfield.contracts.runs import RunRequest
from jackfield.contracts.sampling import Constraint
from jackfield.decoding.request import PRIORITIES
from jackfield.messages import Message
from jackfield.workbench import Workbench

AT_ONCE = 8
SHORTEST, LONGEST = 20, 200
MOST_WRITTEN = 8

Look = Callable[[int], Awaitable[None]]
"""What to do when so many requests have ended and none runs."""


class VariedRequests:
    """The same requests for a seed: prompts of 20 to `longest` tokens, half of which begin with one of a few prefixes.

    Some are chats, constrained, penalized or cancelled; every fiftieth is refused, being too long for the context.
    """

    def __init__(self, model: InstalledModel, *, longest: int = LONGEST, seed: int = 0) -> None:
        self._random = Random(seed)  # noqa: S311 - the same for a seed
        self._longest = longest
        self._size = model.description.vocabulary_size
        self._context = model.description.context_length
        self._prefixes = [self._tokens(longest * percent // 100) for percent in (15, 30, 50, 75)]
        self.ends: Counter[str] = Counter()

    async def serve(self, workbench: Workbench, count: int, *, every: int, then: Look) -> None:
        """Serve so many requests, some at a time, stopping for a look after `every` so many."""
        for done in range(0, count, every):
            numbers = iter(range(done, min(done + every, count)))
            await asyncio.gather(*(self._serve_each(workbench, numbers) for _ in range(AT_ONCE)))
            await then(min(done + every, count))

    async def _serve_each(self, workbench: Workbench, numbers: Iterator[int]) -> None:
        for number in numbers:
            self.ends[await self._answered(workbench, number)] += 1

    async def _answered(self, workbench: Workbench, number: int) -> str:
        run = await workbench.start(self.request(number))
        patience = self._random.randint(1, 4) if number % 9 == 4 and not _is_refused(number) else None
        async with aclosing(workbench.watch(run.id)) as events:
            async for event in events:
                if event.number == patience:
                    await workbench.cancel(run.id)
        return (await workbench.run(run.id)).state

    def request(self, number: int) -> RunRequest:
        """One request; what differs between two of one kind is drawn."""
        if _is_refused(number):
            return RunRequest(model="", prompt=self._tokens(self._context + 1))
        asked = RunRequest(
            model="",
            prompt=self._prompt(),
            max_tokens=self._random.randint(1, MOST_WRITTEN),
            client=f"client {number}",
            priority=self._random.choice(PRIORITIES),
        )
        return _as_kind(asked, number)

    def _prompt(self) -> tuple[int, ...]:
        begin = self._random.choice(self._prefixes) if self._random.random() < 0.5 else ()
        length = self._random.randint(max(SHORTEST, len(begin) + 1), self._longest)
        return begin + self._tokens(length - len(begin))

    def _tokens(self, count: int) -> tuple[int, ...]:
        """Any tokens of a vocabulary's second half, where no control tokens are."""
        return tuple(self._random.randrange(self._size // 2, self._size) for _ in range(count))


def _is_refused(number: int) -> bool:
    return number % 50 == 49


def _as_kind(asked: RunRequest, number: int) -> RunRequest:
    """A request made one of ten kinds; constraints are new ones every time, as those of tools with data in them are."""
    match number % 10:
        case 0:
            return msgspec.structs.replace(asked, prompt=None, messages=(Message.of("user", f"cat {number}"),))
        case 1:
            shape = Constraint(kind="choice", value=f'["the cat {number}", "the dog {number}"]')
            return msgspec.structs.replace(asked, constraint=shape)
        case 2:
            return msgspec.structs.replace(asked, constraint=Constraint(kind="regex", value=f"[a-f]+ {number}[0-9]*"))
        case 3:
            shape = Constraint(kind="json_schema", value=f'{{"type": "object", "properties": {{"n{number}": {{}}}}}}')
            return msgspec.structs.replace(asked, constraint=shape)
        case 4:
            return msgspec.structs.replace(asked, sampling={"repeat_penalty": 1.2, "presence_penalty": 0.5})
        case 5:
            return msgspec.structs.replace(asked, sampling={"logit_bias": {10: -5.0}, "seed": number}, logprobs=3)
        case 6:
            return msgspec.structs.replace(asked, stop=("e", f"{number}"))
        case 7:
            return msgspec.structs.replace(asked, sampling={"temperature": 0.0})
        case _:
            return asked
