"""How far a run has come, and where it is stopped."""

from __future__ import annotations

import time
from collections import Counter

from jackfield.contracts.runs import RunLimits
from jackfield.contracts.tools import ToolResult
from jackfield.errors import LimitReached, LoopDetected
from jackfield.events import Usage
from jackfield.identity.budgets import Allowance
from jackfield.messages import Call
from jackfield.runs.replay import CallKey, call_key

SAME_AGAIN = 2
"""So often may a call give the same result before the model is told that it does."""

SAME_TOO_OFTEN = 4
"""So often, and LoopDetected ends the run, or its agent thinks of something else."""

SAME_CALL_TOO_OFTEN = 12
"""So often may a call be made at all, whatever it gives."""

REMARK = "\n(You have made this very call before. Answer with what it gave, or do something else.)"
"""Without figures: small models take any for what they are to calculate with."""

NOTHING = Usage(prompt_tokens=0, completion_tokens=0)

Price = tuple[float, float]
"""What a million tokens cost to read, and to write."""


class RunMeter:
    """Counts one run's answers, tokens, time and money; raises LimitReached where one is used up."""

    def __init__(
        self,
        limits: RunLimits,
        price: Price = (0.0, 0.0),
        *,
        worked: float = 0.0,
        allowance: Allowance | None = None,
        longest_answer: int | None = None,
    ) -> None:
        """`worked` is for how many seconds the run was worked on before it was resumed.

        `longest_answer` holds for answers to which nobody set an end.
        """
        self._limits = limits
        self._price = price
        self._allowance = allowance
        self.longest_answer = longest_answer
        self._began = time.monotonic() - worked
        self._steps = 0
        self._same: Counter[tuple[CallKey, str]] = Counter()
        self._made: Counter[CallKey] = Counter()
        self.usage = NOTHING
        self._now = NOTHING
        self._covered = NOTHING

    @property
    def usage_now(self) -> Usage:
        """What was used so far, the answers under way included."""
        return sum_of(self.usage, self._now)

    @property
    def written(self) -> int:
        """Tokens that were written so far, those of the answers under way included."""
        return self.usage_now.completion_tokens

    @property
    def seconds_left(self) -> float | None:
        """Until the run is stopped; None where it is not."""
        if self._limits.seconds is None:
            return None
        return max(0.0, self._limits.seconds - (time.monotonic() - self._began))

    def begin_answer(self) -> None:
        """Count a step, and refuse it where a limit is used up."""
        limits = self._limits
        if limits.steps is not None and self._steps >= limits.steps:
            raise LimitReached(
                f"The run was stopped after {limits.steps} model answers, its limit; "
                "'limits.steps' or --max-steps sets it."
            )
        self.check_tokens()
        self._check_spend()
        self._steps += 1

    @property
    def tokens_left(self) -> int | None:
        """How many more may be written; None for any number."""
        if self._limits.tokens is None:
            return None
        return max(0, self._limits.tokens - self.written)

    @property
    def spend(self) -> float:
        """What was spent so far, in the currency of the prices that settings give."""
        reading, writing = self._price
        used = self.usage_now
        return (reading * used.prompt_tokens + writing * used.completion_tokens) / 1e6

    def count(self, *, read: int = 0, wrote: int = 0) -> None:
        """Add to the answers under way; raises LimitReached where they go beyond what all of them may take."""
        self._now = sum_of(self._now, Usage(prompt_tokens=read, completion_tokens=wrote))
        if self._limits.tokens is not None and self.written > self._limits.tokens:
            raise self._tokens_used_up()
        self._check_spend()

    async def cover(self, most: Usage) -> None:
        """Have set aside what an answer may take beside all others; raises BudgetExceeded where there is no room."""
        self._covered = sum_of(self._covered, most)
        if self._allowance:
            await self._allowance.cover(sum_of(self.usage, self._covered))

    def answered(self, usage: Usage, *, counted: Usage = NOTHING, covered: Usage = NOTHING) -> None:
        """Add what an answer took, of which some was counted while it was under way, and for which some was covered."""
        self._now = _without(self._now, counted)
        self._covered = _without(self._covered, covered)
        self.usage = sum_of(self.usage, usage)

    def check_tokens(self) -> None:
        """Raise LimitReached where no more may be written."""
        if self.tokens_left == 0:
            raise self._tokens_used_up()

    def remark_on(self, call: Call, result: ToolResult) -> str:
        """What to tell the model of a call that gives the same over and over; raises LoopDetected in the end."""
        made = call_key(call.tool, call.arguments)
        self._made[made] += 1
        self._same[made, result.text] += 1
        times = self._same[made, result.text]
        if times >= SAME_TOO_OFTEN:
            raise LoopDetected(f"The model called '{call.tool}' {times} times with the same arguments and result.")
        if self._made[made] >= SAME_CALL_TOO_OFTEN:
            raise LoopDetected(f"The model called '{call.tool}' {self._made[made]} times with the same arguments.")
        return REMARK if times >= SAME_AGAIN else ""

    def _check_spend(self) -> None:
        if self._limits.spend is not None and self.spend > self._limits.spend:
            raise LimitReached(
                f"The run was stopped: it cost {self.spend:.6g}, and {self._limits.spend:g} was its limit; "
                "'limits.spend' or --max-spend sets it."
            )

    def _tokens_used_up(self) -> LimitReached:
        return LimitReached(
            f"The run was stopped after {self._limits.tokens} tokens, its limit; "
            "'limits.tokens' or --max-tokens sets it."
        )


def _without(usage: Usage, part: Usage) -> Usage:
    return Usage(
        prompt_tokens=usage.prompt_tokens - part.prompt_tokens,
        completion_tokens=usage.completion_tokens - part.completion_tokens,
    )


def sum_of(*usages: Usage) -> Usage:
    """What several answers took together."""
    return Usage(
        prompt_tokens=sum(usage.prompt_tokens for usage in usages),
        completion_tokens=sum(usage.completion_tokens for usage in usages),
        cached_tokens=sum(usage.cached_tokens for usage in usages),
    )
