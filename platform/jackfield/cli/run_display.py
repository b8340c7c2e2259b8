"""The events of a run as a person sees them: text, a line for each call, notes, refusals."""

from __future__ import annotations

from collections.abc import Iterable

from jackfield.cli.call_lines import ended_line, in_one_line
from jackfield.cli.run_account import RunAccount
from jackfield.cli.screen import Screen
from jackfield.events import Answered, CallEnded, CallRefused, Noted, Paused, Rewritten, RunEvent, TextDelta

NOTE = 400
"""Characters of a note or refusal that are shown."""


class RunDisplay:
    """Shows events as they come, and adds each to the account."""

    def __init__(self, account: RunAccount, *, quiet: bool = False, in_steps: bool = True) -> None:
        """Where a run works `in_steps`, who watches is shown what is under way while there is no text."""
        self._account = account
        self._in_steps = in_steps
        self._screen = Screen(quiet=quiet)
        self._shown = 0

    def recall(self, history: Iterable[RunEvent]) -> None:
        """Events of the past: the text they told is shown once it is certain that it stands."""
        for event in history:
            self._account.take(event)

    def show(self, event: RunEvent) -> None:
        """Add an event, and show what it tells."""
        self._account.take(event)
        match event.body:
            case TextDelta():
                self._catch_up()
            case Rewritten():
                self._rewrite()
            case CallEnded():
                columns = self._screen.columns
                self._screen.remark("  · " + ended_line(self._account.calls[-1], columns=columns))
            case CallRefused(reason=reason):
                self._screen.remark(f"  · refused: {in_one_line(reason, NOTE)}")
            case Noted(text=text):
                self._screen.remark(f"  · {in_one_line(text, NOTE)}")
            case Answered() | Paused():
                self._catch_up()
                self._screen.settle()
            case _ if event.final:
                self._catch_up()
        if self._in_steps:
            self._screen.status("" if event.final or isinstance(event.body, Paused) else self._under_way())

    def end(self) -> None:
        """Nothing more is shown for now."""
        self._screen.end()

    def _under_way(self) -> str:
        running = ", ".join(self._account.running.values())
        return f"  · {running or self._account.model or 'loading'} …"

    def _catch_up(self) -> None:
        """Show the text that was told and is not shown yet."""
        self._screen.write(self._account.text[self._shown :])
        self._shown = len(self._account.text)

    def _rewrite(self) -> None:
        """What was shown does not stand as a whole: show it from the beginning again."""
        if self._shown <= len(self._account.text):
            return
        self._screen.settle()
        self._screen.end()
        self._screen.remark("  (the model goes on differently; from the beginning:)")
        self._shown = 0
        self._catch_up()
