"""How people say what is so of themselves: the beginnings of such sentences, and of those that only look like it."""

from __future__ import annotations

import re
from datetime import timedelta


def _begins(*patterns: str) -> re.Pattern[str]:
    """A sentence that begins with one of these, each a regular expression in which a space is any white space."""
    return re.compile("(?:" + "|".join(patterns).replace(" ", r"\s+") + r")\b", re.IGNORECASE)


_I_AM = r"i(?:'m| am) "

_TRADES = (
    "accountant|administrator|analyst|architect|artist|biologist|carpenter|chef|chemist|consultant|"
    "designer|developer|doctor|editor|electrician|engineer|farmer|founder|journalist|lawyer|manager|"
    "musician|nurse|physicist|programmer|researcher|scientist|student|teacher|translator|writer"
)

ASKED_FOR = re.compile(
    r"(?:please\s+)?(?:remember|note|keep in mind|don't forget|do not forget)"
    r"(?:\s+(?:that|this|for later|for next time))?\s*[:,]?\s+(?P<fact>.+)",
    re.IGNORECASE,
)
"""Somebody wants something to be remembered."""

SLOTS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("name", _begins(r"my name(?:'s| is)", "call me", _I_AM + "called")),
    (
        "home",
        _begins(
            "i live (?:in|at|near|on)", "i(?:'ve| have)? (?:just )?moved to", _I_AM + "(?:based|living) (?:in|at|near)"
        ),
    ),
    ("origin", _begins(_I_AM + "(?:originally )?from", "i come from")),
    (
        "work",
        _begins("i (?:work|teach|study) (?:as|at|for|in|with)", _I_AM + rf"(?:an? )?(?:[\w-]+ ){{0,3}}(?:{_TRADES})"),
    ),
    ("age", _begins(_I_AM + r"\d{1,3} years old")),
    ("diet", _begins(_I_AM + r"(?:an? )?(?:strict )?(?:vegan|vegetarian|pescatarian|diabetic|lactose intolerant)")),
    ("language", _begins("my (?:native |first )?language is")),
    ("editor", _begins("my (?:preferred |favou?rite )?(?:text )?editor is")),
)
"""What somebody has only one of, so that the newest takes the place of what was said before."""

STATEMENT = _begins(
    _I_AM + "(?:allergic to|married|colou?r[- ]?blind|left[- ]handed|deaf|blind|afraid of|a (?:big )?fan of|retired)",
    "i (?:really )?(?:prefer|like|love|enjoy|hate|dislike|own|drive|play|collect|always|never|usually|speak)",
    "i (?:don't|do not|can't|cannot) (?:like|eat|drink|use|own|drive|have|stand)",
    r"i have (?:an? |two |three |four |five |\d+ )(?!question|problem|task|request|list|file|bug|error|issue|text)\w+",
    r"(?:my|our) (?!question|problem|task|request|file|code|text|point|prompt|next)(?:[\w'-]+ ){1,5}"
    "(?:is|are|was born|lives?|works?|has|have|prefers?|likes?|uses?)",
    "we (?:use|prefer|deploy|always|never)",
    "(?:always|never|from now on,?|in future,?) (?:answer|reply|write|use|call|give|format|keep|be|speak)",
)
"""A sentence that says something lasting."""

MADE_UP = re.compile(
    r"\b(?:if (?:i|my|we)|what if|suppose|imagine|pretend|let's say|for example|in this (?:story|scenario))\b",
    re.IGNORECASE,
)
"""What follows is not said to be so."""

OPENING = re.compile(
    r"(?:hi|hello|hey|well|so|and|but|also|by the way|btw|just so you know|fyi|actually)\b[\s,:-]*", re.IGNORECASE
)
"""Words before a statement that add nothing."""

JOINT = re.compile(r"\s*(?:[,;:]\s*(?:(?:and|but)\s+)?|\s(?:and|but)\s+)(?:also\s+)?", re.IGNORECASE)
"""Where a sentence may go on with another statement."""

POINTS_BACK = re.compile(r"\b(?:it|its|this|that|these|those|they|them|there|he|him|his|she|her|hers)\b", re.IGNORECASE)
"""Words that mean nothing without what was said before."""

PASSING: tuple[tuple[re.Pattern[str], timedelta], ...] = tuple(
    (re.compile(rf"\b(?:{words})\b", re.IGNORECASE), timedelta(days=days))
    for words, days in (
        ("today|tonight|this (?:morning|afternoon|evening)|right now", 1),
        ("tomorrow", 2),
        ("(?:this|next) week", 14),
        ("(?:this|next) month", 60),
        ("(?:this|next) year", 730),
    )
)
"""Words that say for how long something is so."""
