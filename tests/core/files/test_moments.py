from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.errors import InvalidRequest
from jackfield.files.moments import beginning, duration, moment, span

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 21, 15, 30, 12, tzinfo=BERLIN)  # a Saturday


@pytest.mark.parametrize(
    ("said", "start", "end"),
    [
        ("2026-11-20", "2026-11-20T00:00:00", "2026-11-20T23:59:59.999999"),
        ("20.11.2026", "2026-11-20T00:00:00", "2026-11-20T23:59:59.999999"),
        ("2026-11-20 14:00", "2026-11-20T14:00:00", "2026-11-20T14:00:59.999999"),
        ("2026-11-20T14:00:07", "2026-11-20T14:00:07", "2026-11-20T14:00:07.999999"),
        ("2026-11-20T14:00:07.25", "2026-11-20T14:00:07.25", "2026-11-20T14:00:07.25"),
        ("2026-11-20T14:00Z", "2026-11-20T15:00:00", "2026-11-20T15:00:59.999999"),
        ("2026-11-20 14:00 +02:00", "2026-11-20T13:00:00", "2026-11-20T13:00:59.999999"),
        ("2026-11", "2026-11-01T00:00:00", "2026-11-30T23:59:59.999999"),
        ("yesterday", "2026-11-20T00:00:00", "2026-11-20T23:59:59.999999"),
        ("Yesterday at 2pm", "2026-11-20T14:00:00", "2026-11-20T14:00:59.999999"),
        ("the day before yesterday at noon", "2026-11-19T12:00:00", "2026-11-19T12:00:59.999999"),
        ("09:15", "2026-11-21T09:15:00", "2026-11-21T09:15:59.999999"),
        ("12 am", "2026-11-21T00:00:00", "2026-11-21T00:00:59.999999"),
        ("monday", "2026-11-16T00:00:00", "2026-11-16T23:59:59.999999"),
        ("on Monday 8:05", "2026-11-16T08:05:00", "2026-11-16T08:05:59.999999"),
        ("saturday", "2026-11-21T00:00:00", "2026-11-21T23:59:59.999999"),
        ("last saturday", "2026-11-14T00:00:00", "2026-11-14T23:59:59.999999"),
        ("last week", "2026-11-09T00:00:00", "2026-11-15T23:59:59.999999"),
        ("this week", "2026-11-16T00:00:00", "2026-11-22T23:59:59.999999"),
        ("last month", "2026-10-01T00:00:00", "2026-10-31T23:59:59.999999"),
        ("last year", "2025-01-01T00:00:00", "2025-12-31T23:59:59.999999"),
        ("20 November 2026", "2026-11-20T00:00:00", "2026-11-20T23:59:59.999999"),
        ("Nov 20th, 2026", "2026-11-20T00:00:00", "2026-11-20T23:59:59.999999"),
        ("the 24th of december", "2025-12-24T00:00:00", "2025-12-24T23:59:59.999999"),
        ("29 february", "2024-02-29T00:00:00", "2024-02-29T23:59:59.999999"),
        ("march", "2026-03-01T00:00:00", "2026-03-31T23:59:59.999999"),
        ("2h ago", "2026-11-21T13:30:12", "2026-11-21T13:30:12"),
        ("an hour and 30 minutes ago", "2026-11-21T14:00:12", "2026-11-21T14:00:12"),
        ("3 weeks ago", "2026-10-31T15:30:12", "2026-10-31T15:30:12"),
        ("9 months ago", "2026-02-21T15:30:12", "2026-02-21T15:30:12"),
        ("two days ago 14:00", "2026-11-19T14:00:00", "2026-11-19T14:00:59.999999"),
        ("the last 2 days", "2026-11-19T15:30:12", "2026-11-21T15:30:12"),
        ("now", "2026-11-21T15:30:12", "2026-11-21T15:30:12"),
    ],
)
def test_what_people_say_names_a_span(said: str, start: str, end: str) -> None:
    named = span(said, NOW, BERLIN)
    assert named.start == datetime.fromisoformat(start).replace(tzinfo=BERLIN)
    assert named.end == datetime.fromisoformat(end).replace(tzinfo=BERLIN)


def test_a_moment_is_the_end_of_what_is_said_and_a_beginning_its_start() -> None:
    assert moment("last week", NOW, BERLIN).isoformat() == "2026-11-15T23:59:59.999999+01:00"
    assert beginning("last week", NOW, BERLIN).isoformat() == "2026-11-09T00:00:00+01:00"


def test_a_day_in_summer_begins_by_summer_time() -> None:
    assert beginning("2026-07-01", NOW, BERLIN).isoformat() == "2026-07-01T00:00:00+02:00"


def test_the_last_day_of_a_short_month_stands_for_a_later_one() -> None:
    late = datetime(2026, 3, 31, 12, 0, tzinfo=BERLIN)
    assert moment("a month ago", late, BERLIN) == datetime(2026, 2, 28, 12, 0, tzinfo=BERLIN)


def test_without_a_zone_the_clock_of_this_machine_counts() -> None:
    assert beginning("2026-11-20", NOW).replace(tzinfo=None) == datetime(2026, 11, 20)  # noqa: DTZ001
    assert beginning("2026-11-20", NOW).tzinfo is not None


@pytest.mark.parametrize(
    "said",
    [
        *("", "soon", "2026-02-31", "25:00", "13pm", "last week 14:00", "11/20/2026", "2h ago 14:00", "14", "ago"),
        *("-3d ago", "999999 years ago", "12000-01-01", "yesterday 14:00 tomorrow", "0000-01-01", "0 of november"),
    ],
)
def test_what_nobody_would_read_as_a_time_is_refused_with_examples(said: str) -> None:
    with pytest.raises(InvalidRequest, match="is no time that is understood here; say one such as 'yesterday 14:00'"):
        span(said, NOW, BERLIN)


@pytest.mark.parametrize(
    ("said", "length"),
    [
        ("7d", timedelta(days=7)),
        ("12h", timedelta(hours=12)),
        ("30m", timedelta(minutes=30)),
        ("1h30m", timedelta(minutes=90)),
        ("2 Weeks", timedelta(weeks=2)),
        ("a week and 2 days", timedelta(days=9)),
        ("90 sec", timedelta(seconds=90)),
        ("1 month", timedelta(days=30)),
        ("1y", timedelta(days=365)),
    ],
)
def test_lengths_of_time(said: str, length: timedelta) -> None:
    assert duration(said) == length


@pytest.mark.parametrize("said", ["", "7", "d", "0d", "-1d", "7 parsecs", "101 years", "999999y", "7d ago", "1.5h"])
def test_what_is_no_length_is_refused_with_examples(said: str) -> None:
    with pytest.raises(InvalidRequest, match="is no length of time up to a hundred years; say one such as"):
        duration(said)


@given(st.datetimes(timezones=st.sampled_from((BERLIN, UTC)), min_value=datetime(1971, 1, 1)))  # noqa: DTZ001
def test_an_instant_written_out_is_read_back(at: datetime) -> None:
    said = at.isoformat(timespec="microseconds")
    assert moment(said, NOW, BERLIN).astimezone(UTC) == at.astimezone(UTC)


@given(st.text())
def test_anything_is_either_read_or_refused(said: str) -> None:
    with contextlib.suppress(InvalidRequest):
        assert span(said, NOW, BERLIN).start <= span(said, NOW, BERLIN).end
    with contextlib.suppress(InvalidRequest):
        assert duration(said) > timedelta()
