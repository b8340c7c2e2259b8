"""Times within words: where they stand, and what they mean as a version's moment or as an end."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, tzinfo

import msgspec

from jackfield.errors import InvalidRequest
from jackfield.files.moments import Span, duration, span

_NUMBER = (
    r"(?:\d{1,4}|an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|"
    r"forty-five|sixty|ninety|half an?|a couple of|a couple|a few|several)"
)
_UNIT = r"(?:seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|weeks?|fortnights?|months?|years?)"
_WEEKDAY = r"(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday|mon|tues?|wed|thurs?|fri|sat|sun)"
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    r"oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_HOUR = r"(?:noon|midnight|\d{1,2}:\d{2}(?::\d{2})?(?: ?[ap]m)?|\d{1,2} ?[ap]m)"
_PART = r"(?:morning|noon|lunchtime|afternoon|evening|night)"
_DATE = (
    rf"(?:\d{{4}}-\d{{1,2}}(?:-\d{{1,2}})?(?:t\d{{1,2}}:\d{{2}}(?::\d{{2}})?z?)?|\d{{1,2}}\.\d{{1,2}}\.\d{{4}}|"
    rf"(?:the )?\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH}(?: \d{{4}})?|"
    rf"{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?|"
    r"(?:the )?day before yesterday|(?:the )?day after tomorrow|yesterday|today|tomorrow|"
    rf"(?:last|this|next|this past|past|this coming|coming) {_WEEKDAY}|{_WEEKDAY})"
)
_PERIOD = (
    r"(?:the )?(?:last|this|next|previous|past) (?:week|month|year)|(?:the )?(?:last|past) "
    rf"{_NUMBER} {_UNIT}|(?:the |last |this |this past |the last |the past |past )?weekend|"
    rf"(?:in |last |this )?{_MONTH}(?: \d{{4}})?"
)
_AMOUNT = rf"{_NUMBER}[ -]?{_UNIT}(?: and {_NUMBER} {_UNIT})?|\d{{1,4}}[smhdw]"
_BOUND = (
    r"(?:the )?(?:end|close|start|beginning) of (?:the |this |last |next )?"
    r"(?:day|working day|business day|week|month|year)"
)

DURATION = re.compile(rf"(?:{_AMOUNT})(?! (?:ago|earlier|before|back|old)\b)", re.ASCII)
TIME = re.compile(
    rf"(?<!\w)(?:{_BOUND}|(?:{_AMOUNT}) (?:ago|earlier)|in (?:{_AMOUNT})|last night|tonight|"
    r"first thing (?:this morning)|"
    rf"this {_PART}|{_DATE}(?:'s)? (?:at )?{_HOUR}|{_DATE} {_PART}|{_HOUR} (?:on )?{_DATE}|{_HOUR} today|"
    rf"{_DATE}|{_PERIOD}|{_HOUR}|\d{{1,2}} o'clock|right now)(?!\w)",
    re.ASCII,
)
"""Longest readings first; not every match is a time that `meant` reads."""

_PARTS = {"morning": (5, 12), "noon": (12, 13), "lunchtime": (12, 14), "afternoon": (12, 18), "evening": (17, 24)}
_NIGHT = (18, 30)
_SPELLED = {
    r"\bhalf an? (hour)\b": "30 minutes",
    r"\ba couple of\b|\ba couple\b": "2",
    r"\ba few\b|\bseveral\b": "3",
    r"\bfifteen\b": "15",
    r"\btwenty\b": "20",
    r"\bthirty\b": "30",
    r"\bforty-five\b": "45",
    r"\bforty\b": "40",
    r"\bsixty\b": "60",
    r"\bninety\b": "90",
    r"\b(\d+|a|one|two|three) fortnights?\b": r"\1 fortnight",
    r"\bearlier$": "ago",
    r"^the (?=last|previous|past|this)": "",
    r"^(?:this )?past (?=week|month|year)": "last ",
    rf"^(?:this )?past (?={_WEEKDAY})": "last ",
    r"\bmon\b": "monday",
    r"\btues?\b": "tuesday",
    r"\bwed\b": "wednesday",
    r"\bthurs?\b": "thursday",
    r"\bfri\b": "friday",
    r"\bsat\b": "saturday",
    r"\bsun\b": "sunday",
    r"\bsept\b": "sep",
    r"(\d)(st|nd|rd|th)\b": r"\1",
    rf"^(?:in |this )(?={_MONTH}\b)": "",
    r"(\d{1,2}) o'clock": r"\1:00",
    r"^the (?=\d)": "",
}
_DAY = timedelta(days=1)
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Clock(msgspec.Struct, frozen=True):
    """When something was said, and by which zone's clock its times are meant; by default this machine's."""

    now: datetime
    zone: tzinfo | None = None


def meant(said: str, clock: Clock) -> Span | None:
    """The past or present span that is said; None for what is no time after all."""
    plain = _plain(said)
    if re.search(r"\bweekend$", plain):
        return _weekend(clock)
    if found := _bounded(plain, clock) or _part_of_day(plain, clock) or _clock_first(plain, clock):
        return found
    try:
        return span(plain, clock.now, clock.zone)
    except InvalidRequest:
        return None


def ending(said: str, clock: Clock) -> datetime | None:
    """When something ends that lasts for, or until, what is said; None for what is no time to come."""
    plain = _plain(said)
    amount = plain.removeprefix("in ").removeprefix("for ")
    try:
        return clock.now + duration(amount)
    except InvalidRequest:
        pass
    found = _coming(plain, clock) or meant(said, clock)
    if found is None:
        return None
    end = found.start if found.end - found.start <= timedelta(minutes=1) else found.end
    while end <= clock.now and re.fullmatch(rf"(?:at )?{_HOUR}", plain):
        end += _DAY
    return end if end > clock.now else None


def _plain(said: str) -> str:
    plain = " ".join(said.lower().split())
    for spelling, replacement in _SPELLED.items():
        plain = re.sub(spelling, replacement, plain)
    return re.sub(r"\b(\d+|a|one|two|three) fortnight", _fortnights, plain)


def _fortnights(found: re.Match[str]) -> str:
    count = {"a": 1, "one": 1, "two": 2, "three": 3}.get(found[1]) or int(found[1])
    return f"{2 * count} weeks"


def _part_of_day(plain: str, clock: Clock) -> Span | None:
    if plain in ("last night", "tonight"):
        day, hours = ("yesterday" if plain == "last night" else "today"), _NIGHT
    elif found := re.fullmatch(rf"(.+?) ({_PART})", plain.removeprefix("first thing ")):
        day, hours = ("today" if found[1] == "this" else found[1]), _PARTS.get(found[2], _NIGHT)
    else:
        return None
    whole = _coming(day, clock) if day == "tomorrow" else meant(day, clock)
    if whole is None:
        return None
    start, end = (whole.start + timedelta(hours=hour) for hour in hours)
    return Span(start, end - timedelta(microseconds=1))


def _weekend(clock: Clock) -> Span:
    """The last one that has begun."""
    saturday = span("saturday", clock.now, clock.zone)
    return Span(saturday.start, saturday.end + _DAY)


def _clock_first(plain: str, clock: Clock) -> Span | None:
    """`10:30 on monday` is `monday 10:30`."""
    found = re.fullmatch(rf"({_HOUR}) (?:on )?({_DATE}|today)", plain)
    return meant(f"{found[2]} {found[1]}", clock) if found else None


def _bounded(plain: str, clock: Clock) -> Span | None:
    """The end of a day, a week, a month or a year, or its beginning, as an instant."""
    found = re.fullmatch(
        r"(?:the )?(end|close|start|beginning) of (?:(the|this|last|next) )?(?:working |business )?(\w+)", plain
    )
    if not found:
        return None
    which = found[2] if found[2] in ("last", "next") else "this"
    period = f"{which} {found[3]}"
    if found[3] == "day":
        period = {"this": "today", "last": "yesterday", "next": "tomorrow"}[which]
    whole = _coming(period, clock) or meant(period, clock)
    if whole is None:
        return None
    instant = whole.end if found[1] in ("end", "close") else whole.start
    return Span(instant, instant)


def _coming(plain: str, clock: Clock) -> Span | None:
    """Days, weeks, months and years that are still to come."""
    today = span("today", clock.now, clock.zone)
    if found := re.fullmatch(rf"(?:on )?((?:this coming|coming|next|this) )?({'|'.join(_WEEKDAYS)})( .+)?", plain):
        now = clock.now.astimezone(clock.zone)
        ahead = (_WEEKDAYS.index(found[2]) - now.weekday()) % 7 or 7
        return _within_day(_shifted(today, ahead), found[3], clock)
    if found := re.fullmatch(r"(?:the )?day after tomorrow( .+)?", plain):
        return _within_day(_shifted(today, 2), found[1], clock)
    if found := re.fullmatch(r"tomorrow( .+)?", plain):
        return _within_day(_shifted(today, 1), found[1], clock)
    if found := re.fullmatch(r"next (week|month|year)", plain):
        this = span(f"this {found[1]}", clock.now, clock.zone)
        return span(f"this {found[1]}", this.end + _DAY, clock.zone)
    return _coming_date(plain, clock)


def _coming_date(plain: str, clock: Clock) -> Span | None:
    """A date without a year is the next one."""
    if not re.search(rf"\b{_MONTH}\b", plain) or re.search(r"\d{4}", plain):
        return None
    now = clock.now.astimezone(clock.zone)
    for year in (now.year, now.year + 1):
        found = meant(f"{plain} {year}", clock)
        if found and found.end > clock.now:
            return found
    return None


def _shifted(whole: Span, days: int) -> Span:
    return Span(whole.start + days * _DAY, whole.end + days * _DAY)


def _within_day(day: Span, said: str | None, clock: Clock) -> Span | None:
    """A day, or a time on it."""
    if not said:
        return day
    if (part := said.strip()) in _PARTS or part == "night":
        start, end = (day.start + timedelta(hours=hour) for hour in _PARTS.get(part, _NIGHT))
        return Span(start, end - timedelta(microseconds=1))
    try:
        return span(f"{day.start.date().isoformat()} {part.removeprefix('at ')}", clock.now, clock.zone)
    except InvalidRequest:
        return None
