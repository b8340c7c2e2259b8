"""How much prefill goes beside running decodes."""

from __future__ import annotations

from jackfield.decoding.pace import LONGEST_WAIT, LOOKS_AFTER, SEVERAL_WAIT, Pace

STEP, TOKEN = 0.060, 0.006
"""Seconds of a step of decodes alone, and of a prompt token."""


def timed_pace(*, decodes: int = 4) -> Pace:
    """A pace that knows what so many decodes take, and a prompt token."""
    pace = Pace()
    pace.timed(decodes=0, prefill_rows=100, seconds=100 * TOKEN)
    assert rows(pace, decodes=decodes) == 0
    pace.timed(decodes=decodes, prefill_rows=0, seconds=STEP)
    return pace


def rows(pace: Pace, *, decodes: int, prefills: int = 1, short: int = 0) -> int:
    """Prompt tokens of the next step."""
    return pace.prefill_rows(decodes=decodes, prefills=prefills, short_rows=short, batch_tokens=512)


def test_nobody_waits_where_nothing_is_decoded() -> None:
    assert rows(timed_pace(), decodes=0) == 512


def test_one_prompt_makes_no_stream_pause_for_three_steps() -> None:
    pause = STEP + rows(timed_pace(), decodes=4) * TOKEN
    assert STEP < pause < 2.5 * STEP


def test_several_prompts_may_make_a_longer_pause_and_many_one_of_a_second() -> None:
    pace = timed_pace()
    assert rows(pace, decodes=4, prefills=2) == int(SEVERAL_WAIT / TOKEN)
    pace = timed_pace(decodes=1)
    assert rows(pace, decodes=1, prefills=7) == int(LONGEST_WAIT / TOKEN)


def test_decodes_of_a_number_that_was_not_timed_yet_go_alone_first() -> None:
    pace = timed_pace(decodes=1)
    assert rows(pace, decodes=6) == 0
    assert rows(pace, decodes=6) > 0, "once is enough, whether it was timed or not"


def test_what_decodes_take_is_looked_at_again() -> None:
    pace = timed_pace()
    given = []
    for _ in range(6 * LOOKS_AFTER + 6):
        given.append(rows(pace, decodes=4))
        pace.timed(decodes=4, prefill_rows=given[-1], seconds=2 * STEP + given[-1] * TOKEN)
    assert given.count(0) == 6
    assert given[-1] > given[0], "the longer a step, the more may go beside it"
