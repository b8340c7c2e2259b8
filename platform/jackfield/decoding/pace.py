"""How much prefill goes beside running decodes, so that no stream pauses for long and no prompt waits for ever."""

from __future__ import annotations

LONGEST_PAUSE = 1.6
"""A step with prefill takes about so many times as long as one without; streams stay well under three."""

LONGEST_WAIT = 1.0
"""Seconds that a step with prefill may take where many prompts wait for few streams."""

HARDLY_NOTICED = 0.35
"""Seconds of a single pause that let a short prompt, such as an agent's next turn, join the others at once."""

SEVERAL_WAIT = 0.7
"""Seconds that a step may take on the side where several prompts wait: each step of few decodes costs nearly as much as
one of many, so the sooner all are read, the better for all."""

SMALLEST_CHUNK = 8
NEWEST_WEIGHT = 0.3
UNKNOWN_PART = 16
"""Before anything was timed, prefill beside decodes takes one part in this many of a batch."""

LOOKS_AFTER = 24
"""Steps after which one goes without prefill, to see what so many decodes take by now."""


class Pace:
    """Learns from timed steps what a decoding step and a prompt token take, in seconds."""

    def __init__(self) -> None:
        self._decode_step: dict[int, float] = {}
        self._prompt_token = 0.0
        self._steps = 0
        self._looked: dict[int, int] = {}

    def timed(self, *, decodes: int, prefill_rows: int, seconds: float) -> None:
        """Note how long a step took."""
        self._steps += 1
        if not prefill_rows:
            self._decode_step[decodes] = _average(self._decode_step.get(decodes, 0.0), seconds)
            return
        alone = self._step_of(decodes) if decodes else 0.0
        if alone is not None:
            self._prompt_token = _average(self._prompt_token, max(seconds - alone, 0.0) / prefill_rows)

    def prefill_rows(
        self, *, decodes: int, prefills: int, short_rows: int, batch_tokens: int, may_look: bool = True
    ) -> int:
        """Prompt tokens to evaluate in this step.

        A pause may be the longer, the more prompts wait for each stream; and `short_rows`, what is left of prompts that
        are nearly read, go in at once where that is hardly noticed. Now and then, if it `may_look`, it is none, so that
        the decodes alone are timed.
        """
        if not decodes:
            return batch_tokens
        if may_look and self._prompt_token and self._looks(decodes):
            return 0
        room = batch_tokens - decodes
        step = self._step_of(decodes)
        if step is None or not self._prompt_token:
            return min(room, max(SMALLEST_CHUNK, batch_tokens // UNKNOWN_PART))
        crowd = max(1.0, prefills / decodes)
        pause = min((LONGEST_PAUSE * crowd**2 - 1) * step, max(LONGEST_WAIT, LONGEST_PAUSE * step))
        if prefills > 1:
            pause = max(pause, SEVERAL_WAIT)
        short = min(short_rows, int(HARDLY_NOTICED / self._prompt_token))
        return min(room, max(SMALLEST_CHUNK, int(pause / self._prompt_token), short))

    def _looks(self, decodes: int) -> bool:
        """Whether it is time to see what so many decodes take; it is once, however the step is timed."""
        looked = self._looked.get(decodes)
        if looked is not None and self._steps - looked < LOOKS_AFTER:
            return False
        self._looked[decodes] = self._steps
        return True

    def _step_of(self, decodes: int) -> float | None:
        """The time of a step of so many decodes, or of the nearest number that was timed, in proportion."""
        if not self._decode_step:
            return None
        nearest = min(self._decode_step, key=lambda known: abs(known - decodes))
        step = self._decode_step[nearest]
        return step if nearest <= decodes else step * max(decodes / nearest, 0.5)


def _average(known: float, newest: float) -> float:
    return newest if not known else (1 - NEWEST_WEIGHT) * known + NEWEST_WEIGHT * newest
