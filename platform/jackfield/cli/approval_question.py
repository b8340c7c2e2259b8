"""Asking the person at the terminal whether a call may be run."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from jackfield.cli.call_lines import called, is_shown_whole, printable
from jackfield.cli.output import say
from jackfield.cli.terminal_question import typed_answer
from jackfield.contracts.tools import Permission
from jackfield.events import PendingCall
from jackfield.messages import Call
from jackfield.tools.approval import DOES


class Decision(msgspec.Struct, frozen=True):
    """Whether a call may be run, and what the model is told where it may not; `always` holds for more such calls."""

    approved: bool
    reason: str = ""
    always: bool = False


async def asked_decision(
    pending: PendingCall, permission: Permission | None = None, *, explained: bool = True
) -> Decision | None:
    """What a person decides on a call; None where they leave it waiting (Ctrl+D).

    Where only a `permission` is lacking it can be given for the whole run; what a guard objects to is asked each time.
    A denial is `explained` where a model reads why.
    """
    always = permission if permission and not pending.guarded else None
    shown_whole = is_shown_whole(pending.call)
    choices = [
        "[y]es",
        "[n]o",
        *([f"[a]lways what {DOES[always]} in this run"] if always else []),
        *([] if shown_whole else ["[s]how all of it"]),
    ]
    say(f"{click.style('Allow', bold=True)} {called(pending.call)}?\n  {pending.reason}")
    while True:
        typed = await typed_answer(", ".join(choices) + ":")
        match typed.lower() if typed is not None else None:
            case None:
                return None
            case "y" | "yes":
                return Decision(approved=True)
            case "n" | "no":
                return await _denial() if explained else Decision(approved=False)
            case "a" | "always" if always:
                return Decision(approved=True, always=True)
            case "s" | "show" if not shown_whole:
                say(whole(pending.call))


async def _denial() -> Decision:
    reason = await typed_answer("Why not? The model is told (Enter for no reason):")
    return Decision(approved=False, reason=reason or "")


def whole(call: Call) -> str:
    """A call with all of its arguments, texts line by line, and nothing in it that a terminal would act on."""
    return "\n".join([f"{call.tool}:", *(_argument(name, value) for name, value in call.arguments.items())])


def _argument(name: str, value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.format(msgspec.json.encode(value)).decode()
    lines = [printable(line) for line in text.split("\n")]
    if len(lines) == 1:
        return f"  {printable(name)}: {lines[0]}"
    return "\n".join([f"  {printable(name)}:", *(f"    {line}" for line in lines)])
