"""Writes that are asked for at once: together where they can be, each with its own fault where they cannot."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from jackfield.errors import Conflict, StateUnavailable
from jackfield_storage.grouped_writes import MOST, GroupedWrites


class Disk:
    """Keeps what it is given, a group at a time; refuses negative numbers, and everything while it is `down`."""

    def __init__(self) -> None:
        self.groups: list[tuple[int, ...]] = []
        self.asked = 0
        self.down = False
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    async def write(self, numbers: Sequence[int]) -> None:
        self.asked += 1
        await self.may_go_on.wait()
        if self.down:
            raise StateUnavailable("The disk is down.")
        if any(number < 0 for number in numbers):
            raise Conflict("No negative numbers.")
        self.groups.append(tuple(numbers))


@pytest.fixture
def disk() -> Disk:
    """An empty one."""
    return Disk()


@pytest.fixture
def writes(disk: Disk) -> GroupedWrites[int]:
    """Writes to it."""
    return GroupedWrites(disk.write)


async def test_while_one_is_written_others_gather(disk: Disk, writes: GroupedWrites[int]) -> None:
    disk.may_go_on.clear()
    first = asyncio.create_task(writes.put(0))
    while not disk.asked:
        await asyncio.sleep(0)
    others = [asyncio.create_task(writes.put(number)) for number in range(1, MOST + 3)]
    await asyncio.sleep(0)
    disk.may_go_on.set()
    await asyncio.gather(first, *others)
    assert disk.groups == [(0,), tuple(range(1, MOST + 1)), (MOST + 1, MOST + 2)]


async def test_only_what_is_at_fault_fails(disk: Disk, writes: GroupedWrites[int]) -> None:
    outcomes = await asyncio.gather(*(writes.put(number) for number in (1, -2, 3, 4, -5, 6)), return_exceptions=True)
    assert [isinstance(outcome, Conflict) for outcome in outcomes] == [False, True, False, False, True, False]
    assert sorted(number for group in disk.groups for number in group) == [1, 3, 4, 6]


async def test_a_disk_that_is_down_is_not_asked_for_each(disk: Disk, writes: GroupedWrites[int]) -> None:
    disk.down = True
    outcomes = await asyncio.gather(*(writes.put(number) for number in range(8)), return_exceptions=True)
    assert all(isinstance(outcome, StateUnavailable) for outcome in outcomes)
    assert disk.asked == 1
    disk.down = False
    await writes.put(9)
    assert disk.groups == [(9,)]


async def test_what_is_cancelled_before_its_turn_is_not_written(disk: Disk, writes: GroupedWrites[int]) -> None:
    disk.may_go_on.clear()
    first, second, third = (asyncio.create_task(writes.put(number)) for number in range(3))
    while not disk.asked:
        await asyncio.sleep(0)
    fourth = asyncio.create_task(writes.put(3))
    await asyncio.sleep(0)
    fourth.cancel()
    first.cancel()
    disk.may_go_on.set()
    await asyncio.gather(second, third)
    await writes.close()
    assert disk.groups == [(0, 1, 2)]


async def test_closing_waits_for_what_is_being_written(disk: Disk, writes: GroupedWrites[int]) -> None:
    await writes.close()
    task = asyncio.create_task(writes.put(1))
    await asyncio.sleep(0)
    await writes.close()
    assert disk.groups == [(1,)]
    await task
