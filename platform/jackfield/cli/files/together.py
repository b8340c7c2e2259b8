"""Several files changed by one command: all of them, or none."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from jackfield.cli.call_lines import count
from jackfield.cli.files.sentences import undoing
from jackfield.cli.output import say
from jackfield.contracts.files import Written
from jackfield.errors import JackfieldError
from jackfield.files.open_collection import OpenCollection

Step = Callable[[], Awaitable[Written]]


async def all_or_none(opened: OpenCollection, change: str, steps: Sequence[Step]) -> list[Written]:
    """What each step made, all of them part of one change; where one fails, those before it are taken back."""
    done: list[Written] = []
    try:
        for step in steps:
            done.append(await step())
    except (JackfieldError, asyncio.CancelledError):
        if done:
            await _take_back(opened, change, len(done))
        raise
    return done


async def _take_back(opened: OpenCollection, change: str, files: int) -> None:
    try:
        await opened.undo(change)
        say(f"What was done to {count(files, 'file')} before that was taken back.")
    except JackfieldError as error:
        say(
            f"What was done to {count(files, 'file')} before that stays ({error.message}); {undoing(change)} undoes it."
        )
