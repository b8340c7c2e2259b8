"""The clock."""

from __future__ import annotations

import difflib
from datetime import UTC, datetime, tzinfo
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from jackfield.errors import ToolFailure
from jackfield.tools import tool


@tool(timeout=5, estimate=0.001, derived=True)
def clock(
    zone: Annotated[str | None, "An IANA time zone such as Europe/Berlin; without it, this machine's own"] = None,
) -> dict[str, str]:
    """Tell the date, the time and the weekday it is now."""
    now = datetime.now(UTC).astimezone(_zone(zone) if zone else None)
    return {
        "time": now.isoformat(timespec="seconds"),
        "weekday": now.strftime("%A"),
        "zone": zone or now.tzname() or "local",
    }


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ToolFailure(f"There is no time zone '{name}'; {_near(name)}") from None


def _near(name: str) -> str:
    known = sorted(available_timezones())
    place = name.replace(" ", "_").lower()
    near = [each for each in known if each.lower().split("/")[-1] == place.split("/")[-1]]
    near = near or difflib.get_close_matches(name, known, n=3)
    return f"did you mean {' or '.join(near[:3])}?" if near else "IANA names such as Europe/Berlin are expected."
