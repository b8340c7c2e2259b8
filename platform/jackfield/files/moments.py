"""Times as people say them: `yesterday 14:00`, `2026-11-20`, `2h ago`, `last week`; and how long: `7d`, `2 weeks`.

What is said names a span: a week from its Monday on, a day, a minute. `moment` is a span's last instant, so that the
newest version at `yesterday` is the one with which yesterday ended, and `beginning` its first.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, tzinfo

import msgspec

from jackfield.errors import InvalidRequest

EXAMPLES = "'yesterday 14:00', '2026-11-20', '2h ago', 'last week' or '20 November 2026'"
DURATION_EXAMPLES = "'30 minutes', '12h', '7d' or '2 weeks'"
LONGEST = timedelta(days=36_525)
"""A hundred years: nothing is meant to last longer."""

INSTANT = timedelta(microseconds=1)
DAY = timedelta(days=1)


class Span(msgspec.Struct, frozen=True):
    """From a first to a last instant, both in it; they are one where an instant was said."""

    start: datetime
    end: datetime


def moment(text: str, now: datetime, zone: tzinfo | None = None) -> datetime:
    """The last instant of what is said; raises InvalidRequest."""
    return span(text, now, zone).end


def beginning(text: str, now: datetime, zone: tzinfo | None = None) -> datetime:
    """The first instant of what is said; raises InvalidRequest."""
    return span(text, now, zone).start


def span(text: str, now: datetime, zone: tzinfo | None = None) -> Span:
    """What is said at `now`, which has a time zone, by the clock of `zone`, or else of this machine.

    Raises InvalidRequest for what nobody would read as a time.
    """
    try:
        found = _span(_plain(text), now, zone)
    except (ValueError, OverflowError):  # a 31st of February, a year 12000
        found = None
    if found is None:
        raise InvalidRequest(f"'{text}' is no time that is understood here; say one such as {EXAMPLES}.")
    return found


def duration(text: str) -> timedelta:
    """How long: numbers with their units, a month being 30 days and a year 365; raises InvalidRequest."""
    try:
        parts = _amounts(_plain(text))
        length = sum((count * _LENGTHS[unit] for count, unit in parts), timedelta()) if parts else None
    except OverflowError:
        length = None
    if not length or length > LONGEST:
        raise InvalidRequest(
            f"'{text}' is no length of time up to a hundred years; say one such as {DURATION_EXAMPLES}."
        )
    return length


def _plain(text: str) -> str:
    return " ".join(text.casefold().replace(",", " ").split())


_LENGTHS = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": DAY,
    "week": 7 * DAY,
    "month": 30 * DAY,
    "year": 365 * DAY,
}
_UNITS = {
    spelling: unit
    for unit, spellings in {
        "second": ("s", "sec", "secs"),
        "minute": ("m", "min", "mins"),
        "hour": ("h", "hr", "hrs"),
        "day": ("d",),
        "week": ("w", "wk", "wks"),
        "month": ("mo",),
        "year": ("y", "yr", "yrs"),
    }.items()
    for spelling in (*spellings, unit, f"{unit}s")
}
_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_NUMBERS = {"a": 1, "an": 1, **{word: number for number, word in enumerate(_WORDS, start=1)}}
_COUNT = rf"(?:\d{{1,6}}|{'|'.join(sorted(_NUMBERS, key=len, reverse=True))})"
_AMOUNT = re.compile(
    rf"({_COUNT})\s*({'|'.join(sorted(_UNITS, key=len, reverse=True))})\b\s*(?:and\s+)?|(\d+)([smhdwy])"
)


def _amounts(said: str) -> list[tuple[int, str]]:
    """The numbers and units that a text consists of; none where there is anything else in it."""
    amounts: list[tuple[int, str]] = []
    at = 0
    while at < len(said):
        found = _AMOUNT.match(said, at)
        if not found:
            return []
        count, unit = found[1] or found[3], found[2] or found[4]
        amounts.append((_NUMBERS.get(count) or int(count), _UNITS[unit]))
        at = found.end()
    return amounts


_CLOCK = re.compile(
    r"(?:^|\s+|(?<=\d)t)(?:at\s+)?"
    r"(?:(?P<word>noon|midnight)|(?P<hour>\d{1,2})(?P<minutes>:(?P<minute>\d\d)(?P<seconds>:(?P<second>\d\d)"
    r"(?P<fraction>\.\d{1,6})?)?)?\s*(?P<half>am|pm)?)\s*(?P<zone>z|utc|[+-]\d\d:?\d\d)?$"
)


def _span(said: str, now: datetime, zone: tzinfo | None) -> Span | None:
    if said == "now":
        return Span(now, now)
    if ago := _ago(said, now, zone):
        return ago
    clock = _CLOCK.search(said)
    if clock and (clock["word"] or clock["minutes"] or clock["half"]):
        return _at_the_clock(said[: clock.start()], clock, now, zone)
    days = _days(said.removeprefix("on "), now.astimezone(zone).date())
    return days and Span(_start(days[0], zone), _start(days[1] + DAY, zone) - INSTANT)


def _ago(said: str, now: datetime, zone: tzinfo | None) -> Span | None:
    """`2h ago` is an instant; `the last 2 hours` reach until now."""
    if said.endswith(" ago"):
        amounts = _amounts(said.removesuffix(" ago"))
        earlier = _before(now, amounts, zone)
        return Span(earlier, earlier) if amounts else None
    if found := re.fullmatch(r"(?:in |over |during )?(?:the )?(?:last|past) (.+)", said):
        amounts = _amounts(found[1])
        return Span(_before(now, amounts, zone), now) if amounts else None
    return None


def _before(now: datetime, amounts: list[tuple[int, str]], zone: tzinfo | None) -> datetime:
    """Months and years by the calendar, all else by the clock."""
    months = sum(count * {"month": 1, "year": 12}.get(unit, 0) for count, unit in amounts)
    rest = sum((count * _LENGTHS[unit] for count, unit in amounts if unit not in ("month", "year")), timedelta())
    if not months:
        return now - rest
    wall = now.astimezone(zone)
    first = _month_before(wall.date().replace(day=1), months)
    day = min(wall.day, (_month_before(first, -1) - DAY).day)
    return _placed(datetime.combine(first.replace(day=day), wall.time()), zone) - rest


def _at_the_clock(said: str, clock: re.Match[str], now: datetime, zone: tzinfo | None) -> Span | None:
    if clock["zone"]:
        zone = datetime.fromisoformat("2000-01-01T00:00" + re.sub("^(z|utc)$", "+00:00", clock["zone"])).tzinfo
    today = now.astimezone(zone).date()
    if said.endswith(" ago"):
        days: tuple[date, date] | None = _day_ago(said, now, zone)
    else:
        days = _days(said.removeprefix("on "), today) if said else (today, today)
    if days is None or days[0] != days[1]:
        return None
    start = _placed(datetime.combine(days[0], _time_of_day(clock)), zone)
    precision = INSTANT if clock["fraction"] else timedelta(seconds=1 if clock["seconds"] else 60)
    return Span(start, start + precision - INSTANT)


def _time_of_day(clock: re.Match[str]) -> time:
    if clock["word"]:
        return time(12 if clock["word"] == "noon" else 0)
    hour = int(clock["hour"])
    if clock["half"]:
        if not 1 <= hour <= 12:
            raise ValueError(hour)
        hour = hour % 12 + (12 if clock["half"] == "pm" else 0)
    fraction = round(float(clock["fraction"] or 0) * 1_000_000)
    return time(hour, int(clock["minute"] or 0), int(clock["second"] or 0), fraction)


def _day_ago(said: str, now: datetime, zone: tzinfo | None) -> tuple[date, date] | None:
    amounts = _amounts(said.removesuffix(" ago"))
    if not amounts or any(unit in ("second", "minute", "hour") for _, unit in amounts):
        return None
    day = _before(now, amounts, zone).astimezone(zone).date()
    return day, day


_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NAMED_DAYS = {"today": 0, "yesterday": 1, "day before yesterday": 2, "the day before yesterday": 2, "tomorrow": -1}
_MONTH = rf"(?P<month>{'|'.join(f'{name[:3]}(?:{name[3:]})?' for name in _MONTHS)})\.?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"


def _days(said: str, today: date) -> tuple[date, date] | None:
    """The first and the last day of what is said."""
    for reading in _READINGS:
        if found := reading(said, today):
            return found
    return None


def _named_day(said: str, today: date) -> tuple[date, date] | None:
    if said not in _NAMED_DAYS:
        return None
    day = today - _NAMED_DAYS[said] * DAY
    return day, day


def _weekday(said: str, today: date) -> tuple[date, date] | None:
    """The last one before today; without `last` also today."""
    found = re.fullmatch(rf"(?P<last>last |this past )?(?P<name>{'|'.join(_WEEKDAYS)})", said)
    if not found:
        return None
    back = (today.weekday() - _WEEKDAYS.index(found["name"])) % 7
    day = today - (back or (7 if found["last"] else 0)) * DAY
    return day, day


def _calendar_period(said: str, today: date) -> tuple[date, date] | None:
    found = re.fullmatch(r"(?P<which>this|last|previous|the last|the previous) (?P<unit>week|month|year)", said)
    if not found:
        return None
    back = 0 if found["which"] == "this" else 1
    if found["unit"] == "week":
        monday = today - (today.weekday() + 7 * back) * DAY
        return monday, monday + 6 * DAY
    if found["unit"] == "month":
        return _whole_month(_month_before(today.replace(day=1), back))
    return date(today.year - back, 1, 1), date(today.year - back, 12, 31)


def _numeric(said: str, today: date) -> tuple[date, date] | None:
    """2026-11-20, 20.11.2026 and 2026-11; with slashes nobody knows which is the day."""
    if found := re.fullmatch(r"(?P<year>\d{4})-(?P<month>\d{1,2})", said):
        return _whole_month(date(int(found["year"]), int(found["month"]), 1))
    found = re.fullmatch(r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})", said) or re.fullmatch(
        r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})", said
    )
    if not found:
        return None
    day = date(int(found["year"]), int(found["month"]), int(found["day"]))
    return day, day


def _written(said: str, today: date) -> tuple[date, date] | None:
    """`20 November 2026`, `Nov 20`, `November`; without a year the last one that has begun."""
    year = r"(?: (?P<year>\d{4}))?"
    for pattern in (
        rf"(?:the )?{_DAY}(?: of)? {_MONTH}{year}",
        rf"{_MONTH} {_DAY}{year}",
        rf"(?:last )?{_MONTH}{year}",
    ):
        if found := re.fullmatch(pattern, said):
            parts = found.groupdict()
            break
    else:
        return None
    month = next(number for number, name in enumerate(_MONTHS, 1) if name.startswith(parts["month"]))
    day = int(parts.get("day") or 1)
    chosen = int(parts["year"]) if parts["year"] else _last_year_with(month, day, today)
    first = date(chosen, month, day)
    return (first, first) if parts.get("day") else _whole_month(first)


def _last_year_with(month: int, day: int, today: date) -> int:
    for year in range(today.year, today.year - 9, -1):
        try:
            if date(year, month, day) <= today:
                return year
        except ValueError:  # a 29th of February
            continue
    raise ValueError(day)


_READINGS: tuple[Callable[[str, date], tuple[date, date] | None], ...] = (
    _named_day,
    _weekday,
    _calendar_period,
    _numeric,
    _written,
)


def _whole_month(first: date) -> tuple[date, date]:
    return first, _month_before(first, -1) - DAY


def _month_before(first: date, months: int) -> date:
    years, month = divmod(first.year * 12 + first.month - 1 - months, 12)
    return date(years, month + 1, 1)


def _start(day: date, zone: tzinfo | None) -> datetime:
    return _placed(datetime.combine(day, time()), zone)


def _placed(wall: datetime, zone: tzinfo | None) -> datetime:
    """A clock's time in its zone, as summer time had it then."""
    return wall.replace(tzinfo=zone) if zone else wall.astimezone()
