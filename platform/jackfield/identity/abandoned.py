"""Giving back what was set aside for requests whose process died before it could settle them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import structlog

from jackfield.contracts.budgets import BudgetRecords
from jackfield.errors import JackfieldError

log = structlog.get_logger()

ABANDONED = timedelta(hours=1)
"""No request that is not a run takes so long."""

LOOK_AGAIN = 600.0
"""Seconds between two looks."""


@asynccontextmanager
async def abandoned_given_back(records: BudgetRecords) -> AsyncIterator[None]:
    """Look for it now and every few minutes; what belongs to a run on record is settled with that."""
    looking = asyncio.create_task(_look(records), name="abandoned reservations")
    try:
        yield
    finally:
        looking.cancel()
        await asyncio.wait([looking])


async def _look(records: BudgetRecords) -> None:
    while True:
        try:
            if given_back := await records.expire(before=datetime.now(UTC) - ABANDONED):
                log.warning("reservations of dead processes were given back", number=given_back)
        except JackfieldError as error:
            log.warning("abandoned reservations could not be looked for", reason=error.message)
        await asyncio.sleep(LOOK_AGAIN)
