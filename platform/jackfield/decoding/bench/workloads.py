"""What the loop is asked in a bench, as data: who says what, and when. Nothing here runs anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

import msgspec

from jackfield.decoding.bench.texts import prose, source_code

Tokens = tuple[int, ...]
Tokenize = Callable[[str], list[int]]


class Turn(msgspec.Struct, frozen=True):
    """What a client adds to its history, and how many tokens it has written to that."""

    said: Tokens
    answer: int


class Client(msgspec.Struct, frozen=True):
    """One conversation, a turn at a time; it begins when those who begin at once have written `after` tokens each."""

    turns: tuple[Turn, ...]
    after: int = 0

    @property
    def tokens(self) -> int:
        """The whole history, answers included."""
        return sum(len(turn.said) + turn.answer for turn in self.turns)


class Workload(msgspec.Struct, frozen=True):
    """Clients that are served at the same time."""

    name: str
    clients: tuple[Client, ...]

    @property
    def longest(self) -> int:
        """The context that its longest conversation needs, in tokens."""
        return max(client.tokens for client in self.clients)


class Composer:
    """Writes prompts of exact lengths in one model's tokens, from one seed; every length is multiplied by `scale`."""

    def __init__(self, tokenize: Tokenize, begin_token: int | None, *, seed: str, scale: float = 1.0) -> None:
        self.begin: Tokens = () if begin_token is None else (begin_token,)
        self._tokenize = tokenize
        self._random = Random(seed)  # noqa: S311 - text, not a secret
        self._scale = scale

    def scaled(self, tokens: int) -> int:
        """A length on this scale, at least 1."""
        return max(1, round(tokens * self._scale))

    def text(self, text: str) -> Tokens:
        """A given text."""
        return tuple(self._tokenize(text))

    def prose(self, tokens: int) -> Tokens:
        """That many tokens, scaled, of English that was never written before."""
        return self._cut(prose(self._random), self.scaled(tokens))

    def code(self, tokens: int) -> Tokens:
        """That many tokens, scaled, of Python."""
        return self._cut(source_code(self._random), self.scaled(tokens))

    def _cut(self, pieces: Iterator[str], length: int) -> Tokens:
        text = ""
        while len(tokens := self._tokenize(text)) < length:
            text += "".join(next(pieces) for _ in range(1 + length // 16))
        return tuple(tokens[:length])


def shared_burst(composer: Composer, *, prefix: int = 512, name: str = "shared-burst") -> Workload:
    """Eight clients at once whose prompts begin alike."""
    shared = (*composer.begin, *composer.prose(prefix))
    return Workload(name, tuple(_one(composer, (*shared, *composer.prose(32)), 64) for _ in range(8)))


def unrelated_burst(composer: Composer, *, prompt: int = 544, name: str = "unrelated-burst") -> Workload:
    """Eight clients at once that have nothing in common."""
    prompts = [(*composer.begin, *composer.prose(prompt)) for _ in range(8)]
    return Workload(name, tuple(_one(composer, each, 64) for each in prompts))


def single(composer: Composer) -> Workload:
    """One client alone."""
    return Workload("single", (_one(composer, (*composer.begin, *composer.prose(544)), 128),))


def copy(composer: Composer) -> Workload:
    """One client that has a file of 400 tokens written again with one change."""
    code = composer.code(400)
    task = "Here is a Python file:\n\n```python\n"
    change = "\n```\n\nHere is the file again, with the first function renamed and nothing else changed:\n\n```python\n"
    prompt = (*composer.begin, *composer.text(task), *code, *composer.text(change))
    return Workload("copy", (_one(composer, prompt, 400),))


def mixed(composer: Composer) -> Workload:
    """Four clients that are being answered when a fifth comes with 2,000 tokens to read."""
    answered = [_one(composer, (*composer.begin, *composer.prose(64)), 192) for _ in range(4)]
    late = _one(composer, (*composer.begin, *composer.prose(2000)), 16)
    return Workload("mixed", (*answered, Client(late.turns, after=composer.scaled(16))))


def agents(composer: Composer) -> Workload:
    """Eight agents whose first prompts are a tree; in five turns each history grows by an answer and an observation.

    All have one system prompt, four each one document, two each one task, and a little is each one's own.
    """
    begin, answer = composer.begin, composer.scaled(48)
    clients = []
    system = composer.prose(512)
    for _ in range(2):
        document = composer.prose(384)
        for _ in range(2):
            task = composer.prose(96)
            for _ in range(2):
                first = Turn((*begin, *system, *document, *task, *composer.prose(32)), answer)
                clients.append(Client((first, *(Turn(composer.prose(64), answer) for _ in range(4)))))
    return Workload("agents", tuple(clients))


def _one(composer: Composer, prompt: Tokens, answer: int) -> Client:
    return Client((Turn(prompt, composer.scaled(answer)),))


LONG_SHARED, LONG_UNSHARED, SHORT_SHARED = "prefix-1024", "prefix-1024-unshared", "prefix-128"

WORKLOADS: dict[str, tuple[Callable[[Composer], Workload], ...]] = {
    "shared-burst": (shared_burst,),
    "unrelated-burst": (unrelated_burst,),
    "single": (single,),
    "copy": (copy,),
    "mixed": (mixed,),
    "agents": (agents,),
    "prefix": (
        lambda composer: shared_burst(composer, prefix=1024, name=LONG_SHARED),
        lambda composer: unrelated_burst(composer, prompt=1024 + 32, name=LONG_UNSHARED),
        lambda composer: shared_burst(composer, prefix=128, name=SHORT_SHARED),
    ),
}
"""By name, each in one part or several that are compared with each other."""
