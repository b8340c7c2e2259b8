"""What is shown of a run's events, and what they come to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jackfield.cli.approval_question import whole
from jackfield.cli.call_lines import called, ended_line, in_one_line, is_shown_whole, without_steering
from jackfield.cli.run_account import RunAccount
from jackfield.cli.run_display import RunDisplay
from jackfield.cli.run_pages import as_object
from jackfield.contracts.runs import RunRecord, RunRequest
from jackfield.events import (
    CallEnded,
    CallStarted,
    Finished,
    Noted,
    Paused,
    PendingCall,
    Resumed,
    Rewritten,
    RunEvent,
    RunEventBody,
    TextDelta,
    Usage,
)
from jackfield.messages import Call

BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
END = Finished(reason="stop", usage=Usage(prompt_tokens=1, completion_tokens=1))


def text(text: str) -> TextDelta:
    return TextDelta(text=text, tokens=1)


def a_call(identifier: str = "1", **arguments: Any) -> Call:
    return Call(identifier=identifier, tool="tool", arguments=arguments)


def events(*bodies: RunEventBody, after: int = 0) -> list[RunEvent]:
    """Events a second apart."""
    return [
        RunEvent(run_id="run_1", number=number, at=BEGUN + timedelta(seconds=number), body=body)
        for number, body in enumerate(bodies, after + 1)
    ]


def shown(history: Sequence[RunEvent], following: Sequence[RunEvent]) -> RunAccount:
    account = RunAccount()
    display = RunDisplay(account)
    display.recall(history)
    for event in following:
        display.show(event)
    display.end()
    return account


def test_a_resumed_run_is_shown_from_its_beginning(capsys: pytest.CaptureFixture[str]) -> None:
    history = events(text("One. "), Paused(reason="approval"))
    shown(history, events(Resumed(), text("Two."), END, after=2))
    assert capsys.readouterr().out == "One. Two.\n"


def test_what_a_resumed_run_takes_back_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    history = events(text("One. Another"), Paused(reason="approval"))
    account = shown(history, events(Resumed(), Rewritten(keeps=5), text("Two."), END, after=2))
    assert capsys.readouterr().out == "One. Two.\n" == account.text + "\n"


def test_what_was_shown_and_is_taken_back_is_said_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    shown([], events(text("One. Another"), Rewritten(keeps=5), text("Two."), END))
    out, err = capsys.readouterr()
    assert out == "One. Another\nOne. Two.\n"
    assert "the model goes on differently" in err


def test_notes_and_calls_are_told_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    ended = CallEnded(call=a_call(x=1), text="fine", seconds=0.5, tokens_meanwhile=1)
    shown([], events(Noted(text="Step 1"), CallStarted(call="1", tool="tool"), ended, text("Done"), END))
    assert capsys.readouterr() == ("Done\n", "  · Step 1\n  · tool(x=1) ✓ 0.50 s, 1 token meanwhile\n")


def test_calls_side_by_side_take_less_than_one_by_one() -> None:
    account = RunAccount()
    for event in events(
        CallStarted(call="1", tool="tool"),
        CallStarted(call="2", tool="tool"),
        CallEnded(call=a_call("1"), text="a", seconds=2.0),
        CallEnded(call=a_call("2"), text="b", seconds=2.0),
    ):
        account.take(event)
    run = RunRecord(id="run_1", request=RunRequest(model="m"), state="running", created_at=BEGUN)
    assert as_object(run, account)["overlap"] == {"seconds": 4.0, "elapsed": 3.0}


def test_what_waits_is_known_until_it_is_resumed() -> None:
    account = RunAccount()
    pending = PendingCall(call=a_call("7"), reason="it writes")
    for event in events(Paused(reason="approval", calls=(pending,))):
        account.take(event)
    assert account.waiting == {"7": pending}
    for event in events(Resumed(), after=1):
        account.take(event)
    assert not account.waiting


def test_long_arguments_are_cut_where_it_shows() -> None:
    short, long = a_call(text="abc", n=3), a_call(text="x" * 500)
    assert called(short) == "tool(text='abc', n=3)"
    assert is_shown_whole(short)
    assert not is_shown_whole(long)
    assert len(called(long)) < 60
    assert "…" in called(long)
    assert "x" * 500 in whole(long)


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_a_line_fits_its_terminal(columns: int) -> None:
    account = RunAccount()
    ended = CallEnded(call=a_call(text="x" * 300, more="y" * 300), text="fine", seconds=1.0)
    for event in events(CallStarted(call="1", tool="tool"), ended):
        account.take(event)
    assert len("  · " + ended_line(account.calls[0], columns=columns)) <= columns


def test_nothing_that_a_tool_or_model_wrote_steers_the_terminal() -> None:
    evil = "\x1b[2J\x9b1A\u202egnp.exe\rover"
    for safe in (called(a_call(**{evil: evil})), in_one_line(evil, 100), whole(a_call(text=evil))):
        assert all(char.isprintable() or char == "\n" for char in safe)
    assert without_steering("a\x1b[2Jb\tc\r\nd\n") == "a\\x1b[2Jb\tc\r\nd\n"
