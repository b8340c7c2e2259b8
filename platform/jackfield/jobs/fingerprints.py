"""What conversations have in common, told in few bytes: a hash of every beginning, at each 256th character."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from itertools import takewhile

from jackfield.contracts.runs import RunRequest
from jackfield.messages import transcript

STEP = 256
"""Characters between two hashes."""
HASH_BYTES = 8
MOST_STEPS = 512
"""A longer conversation is told by its first 128 thousand characters."""


def fingerprints(request: RunRequest) -> tuple[bytes, ...]:
    """A hash of each beginning of what a model is to read, the shortest first; each is made from the one before."""
    text = canonical_text(request)
    whole = min(len(text) // STEP, MOST_STEPS)
    chain = [blake2b(f"{request.model}\0{request.adapter or ''}".encode(), digest_size=HASH_BYTES).digest()]
    for step in range(whole):
        piece = text[step * STEP : (step + 1) * STEP].encode("utf-8", "surrogatepass")
        chain.append(blake2b(chain[-1] + piece, digest_size=HASH_BYTES).digest())
    return tuple(chain[1:])


def canonical_text(request: RunRequest) -> str:
    """What a model is to read, as one text in the order that a prompt has: tools, then turns."""
    if isinstance(request.prompt, str):
        return request.prompt
    if request.prompt is not None:
        return " ".join(map(str, request.prompt))
    use = request.tools
    names = [] if use is None else [*use.names, *(tool.name for tool in use.callers)]
    return "\n".join([*names, transcript(request.messages)])


def shared_steps(chain: Sequence[bytes], known: frozenset[bytes]) -> int:
    """How many beginnings of a conversation are known, counted until the first that is not."""
    return sum(1 for _ in takewhile(known.__contains__, chain))


class PrefixBook:
    """The beginnings that a worker has read lately; the least lately used are forgotten first."""

    def __init__(self, limit: int = 2048) -> None:
        self._limit = limit
        self._known: OrderedDict[bytes, None] = OrderedDict()

    def remember(self, chain: Iterable[bytes]) -> None:
        """Count a conversation's beginnings as read now."""
        for mark in chain:
            self._known[mark] = None
            self._known.move_to_end(mark)
        while len(self._known) > self._limit:
            self._known.popitem(last=False)

    def packed(self) -> bytes:
        """All of them, one behind the other."""
        return b"".join(self._known)


def unpacked(packed: bytes) -> frozenset[bytes]:
    """The same as a set."""
    return frozenset(packed[start : start + HASH_BYTES] for start in range(0, len(packed), HASH_BYTES))
