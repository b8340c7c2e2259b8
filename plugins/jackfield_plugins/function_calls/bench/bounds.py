"""How soon all results can be there: AsyncLM's closed forms of n calls, in seconds."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from jackfield.contracts.tools import CallMode


def bound(mode: CallMode, decode: Sequence[float], execution: Sequence[float]) -> float:
    """From the start of decoding to the last result, where nothing but decoding and execution takes time.

    `decode` and `execution` are of each call, in the order they are written; async's is the least there is where the
    longest are written first.
    """
    match mode:
        case "sync":
            return sum(decode) + sum(execution)
        case "parallel":
            return sum(decode) + max(execution)
        case "async":
            return max(written + runs for written, runs in zip(accumulate(decode), execution, strict=True))
