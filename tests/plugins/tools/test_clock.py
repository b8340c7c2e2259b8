"""The clock tells the time of a zone, and which zone was likely meant."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from jackfield.tools.runner import CallRunner
from jackfield_plugins.tools.clock import clock


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns"])
async def test_it_is_now_in_a_zone(zone: str) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    result = await CallRunner().run(clock, {"zone": zone})
    told = json.loads(result.text)
    time = datetime.fromisoformat(told["time"])
    assert before <= time <= datetime.now(UTC)
    assert time.utcoffset() == time.astimezone(ZoneInfo(zone)).utcoffset()
    assert told["weekday"] == time.strftime("%A")
    assert told["zone"] == zone


@pytest.mark.parametrize("arguments", [{}, {"zone": None}])
async def test_without_a_zone_it_is_the_machines(arguments: dict[str, None]) -> None:
    told = json.loads((await CallRunner().run(clock, arguments)).text)
    assert abs(datetime.fromisoformat(told["time"]) - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("zone", "hint"),
    [
        ("Berlin", "Europe/Berlin?"),
        ("new york", "America/New_York?"),
        ("Europe/Berlim", "Europe/Berlin"),
        ("../../etc/passwd", "IANA names"),
        ("\0", "IANA names"),
    ],
)
async def test_what_is_no_zone_is_refused_with_one_that_is(zone: str, hint: str) -> None:
    result = await CallRunner().run(clock, {"zone": zone})
    assert result.error
    assert hint in result.text
