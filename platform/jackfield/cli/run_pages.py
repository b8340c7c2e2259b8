"""What is shown of runs: a row in a list, a page, a JSON object, a row for each event."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click
import msgspec

from jackfield.cli.approval_question import whole
from jackfield.cli.call_lines import count, ended_line, in_one_line, without_steering
from jackfield.cli.model_pages import moment
from jackfield.cli.run_account import EndedCall, RunAccount
from jackfield.contracts.runs import RunRecord, RunRequest, RunState
from jackfield.events import RunEvent

LIST_COLUMNS = ("RUN", "STATE", "BEGUN", "TASK")
EVENT_COLUMNS = ("#", "AT", "EVENT", "WHAT IT SAYS")
COLOURS: dict[RunState, str] = {"finished": "green", "failed": "red", "paused": "yellow"}
BESIDE_TASK = 60
"""Columns that a row takes before its task begins."""


def list_row(run: RunRecord) -> Sequence[str]:
    """A run as a row under LIST_COLUMNS."""
    width = max(16, shutil.get_terminal_size().columns - BESIDE_TASK) if sys.stdout.isatty() else sys.maxsize
    return (run.id, _state(run.state), moment(run.created_at), in_one_line(_task(run.request), width))


def page(run: RunRecord, account: RunAccount) -> str:
    """All that a person wants to know of a run, its answer last."""
    request = run.request
    lines = {
        "run": run.id,
        "state": _state(run.state),
        "error": run.error or "",
        "begun": moment(run.created_at) + (f", ended {moment(run.finished_at)}" if run.finished_at else ""),
        "model": request.model,
        "agent": request.agent or "",
        "tools": _tools(request),
        "limits": _limits(request),
        "usage": _usage(run),
    }
    head = "\n".join(f"{key + ':':<8}{value}" for key, value in lines.items() if value)
    parts = [head, *(_section(*section) for section in _sections(run, account))]
    return "\n\n".join(part for part in parts if part)


def _sections(run: RunRecord, account: RunAccount) -> list[tuple[str, str]]:
    return [
        ("asked", _conversation(run.request)),
        ("notes", "\n".join(f"  {in_one_line(note, sys.maxsize)}" for note in account.notes)),
        ("calls", _calls(run, account)),
        ("waits for approval of", _waiting(account)),
        ("answer", without_steering(account.text)),
    ]


def as_object(run: RunRecord, account: RunAccount) -> dict[str, Any]:
    """A run for programs."""
    recorded: dict[str, Any] = msgspec.to_builtins(run)
    return {
        **recorded,
        "answer": account.text,
        "finish_reason": account.reason,
        "calls": account.calls,
        "refused": account.refused,
        "waiting": list(account.waiting.values()),
        "notes": account.notes,
        "overlap": _overlap(account.calls),
    }


def event_row(event: RunEvent) -> Sequence[str]:
    """An event as a row under EVENT_COLUMNS."""
    body: dict[str, Any] = msgspec.to_builtins(event.body)
    kind = body.pop("type")
    at = event.at.astimezone().strftime("%H:%M:%S.%f")[:-3]
    return (str(event.number), at, kind, msgspec.json.encode(body).decode())


def _state(state: RunState) -> str:
    colour = COLOURS.get(state)
    return click.style(state, fg=colour) if colour else state


def _task(request: RunRequest) -> str:
    """What was asked last."""
    said = [message.text for message in request.messages if message.role == "user"]
    if said:
        return said[-1]
    return request.prompt if isinstance(request.prompt, str) else ""


def _tools(request: RunRequest) -> str:
    use = request.tools
    if use is None:
        return ""
    names = [*use.names, *(f"{tool.name} (the caller's)" for tool in use.callers)]
    allowed = "every call permitted" if use.approval == "grant" else f"allowed: {', '.join(use.allowed)}"
    parts = [
        ", ".join(names) or "none",
        allowed if use.approval == "grant" or use.allowed else "",
        f"folder {use.folder}" if use.folder else "",
    ]
    return "; ".join(part for part in parts if part)


def _limits(request: RunRequest) -> str:
    if not (request.agent or request.tools):
        return ""
    given = msgspec.structs.asdict(request.limits).items()
    return ", ".join(f"{value:g} {name}" for name, value in given if value is not None)


def _usage(run: RunRecord) -> str:
    if run.usage is None:
        return ""
    cached = f" ({run.usage.cached_tokens:,} of them cached)" if run.usage.cached_tokens else ""
    return f"{count(run.usage.prompt_tokens, 'token')} read{cached}, {run.usage.completion_tokens:,} written"


def _conversation(request: RunRequest) -> str:
    if request.messages:
        return "\n".join(f"{message.role}: {without_steering(message.text)}" for message in request.messages)
    return request.prompt if isinstance(request.prompt, str) else ""


def _calls(run: RunRecord, account: RunAccount) -> str:
    """A line a call, with when it began in the run, and what the calls took side by side."""
    lines = [f"  {_begun(call, run.created_at)}  {ended_line(call)}" for call in account.calls]
    lines += [f"  refused: {in_one_line(refused.reason, sys.maxsize)}" for refused in account.refused]
    overlap = _overlap(account.calls)
    if overlap and len(account.calls) > 1:
        lines.append(f"  one by one {overlap['seconds']:.2f} s, side by side {overlap['elapsed']:.2f} s")
    return "\n".join(lines)


def _begun(call: EndedCall, from_moment: datetime) -> str:
    if call.started_at is None:
        return f"{'not run':>9}"
    return f"{(call.started_at - from_moment).total_seconds():>+7.2f} s"


def _overlap(calls: Sequence[EndedCall]) -> dict[str, float] | None:
    """How many seconds calls took one by one, and how many as they ran side by side."""
    spans = sorted((call.ended_at.timestamp() - call.seconds, call.ended_at.timestamp()) for call in calls)
    if not spans:
        return None
    elapsed, reached = 0.0, spans[0][0]
    for begun, ended in spans:
        elapsed += max(0.0, ended - max(begun, reached))
        reached = max(reached, ended)
    return {"seconds": round(sum(call.seconds for call in calls), 6), "elapsed": round(elapsed, 6)}


def _waiting(account: RunAccount) -> str:
    return "\n".join(
        f"  {pending.call.identifier}, {_indented(whole(pending.call))}\n  {pending.reason}"
        for pending in account.waiting.values()
    )


def _indented(text: str) -> str:
    return text.replace("\n", "\n  ")


def _section(title: str, text: str) -> str:
    return f"{click.style(title + ':', bold=True)}\n{text}" if text else ""
