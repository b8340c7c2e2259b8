"""Whether what is asked has words in common with what tools say of themselves; for English only."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from jackfield.contracts.tools import ToolDescription
from jackfield.messages import Message

THRESHOLD = -1.7
"""Of every second case of BFCL's `multiple` and `parallel`, 2 % lie below."""

WEIGHTS = (2.15, 2.75, 6.10, 0.40, 0.26, -1.75)
INTERCEPT = -2.48
"""A logistic regression over every second case of BFCL's `multiple`, `parallel` and `irrelevance`."""

_ENDINGS = ("ations", "ation", "ing", "ies", "ed", "es", "s", "er", "ion", "al", "ity", "ment", "ive", "or")
_WORDS = re.compile(r"[a-z]+")

_EVERYDAY = frozenset(
    _WORDS.findall(
        "the a an of for in on to and or is are be what which how do does i me my can could you please with from by at "
        "as that this it its if given find calculate get using use would like want need there was were will should "
        "have has had about into between give tell show"
    )
)
"""Words that say nothing of what is asked."""

_ENGLISH = frozenset(
    _WORDS.findall("the what who where when how which with are you my please and this that find would calculate")
)
"""Words by which English is told from other languages."""


def relevant(messages: Sequence[Message], tools: Iterable[ToolDescription]) -> bool:
    """Whether one of the tools may be made for what the user asks; True too where the text is not in English."""
    asked = " ".join(message.text for message in messages if message.role == "user")
    if not _ENGLISH.intersection(_WORDS.findall(asked.lower())):
        return True
    stems = _stems(asked)
    return any(_score(stems, tool) >= THRESHOLD for tool in tools)


def _score(asked: set[str], tool: ToolDescription) -> float:
    """The logit that a tool is for what is asked."""
    name, description = _stems(tool.name.replace("_", " ")), _stems(tool.description)
    parameters = _stems(" ".join(_said(tool.parameters)))
    features = (
        _share(name, asked),
        _share(description, asked),
        _share(parameters, asked),
        min(3, len(name & asked)),
        min(5, len((name | description) & asked)),
        _share(asked, name | description | parameters),
    )
    return INTERCEPT + sum(weight * feature for weight, feature in zip(WEIGHTS, features, strict=True))


def _said(schema: dict[str, Any]) -> Iterable[str]:
    properties = schema.get("properties", {})
    for name, inner in properties.items() if isinstance(properties, dict) else ():
        yield name.replace("_", " ")
        yield str(inner.get("description", "")) if isinstance(inner, dict) else ""


def _stems(text: str) -> set[str]:
    """The words of a text that say something, without their endings."""
    words = _WORDS.findall(re.sub(r"([a-z])([A-Z])", r"\1 \2", text).lower())
    return {_stem(word) for word in words if len(word) > 1 and word not in _EVERYDAY}


def _stem(word: str) -> str:
    return next((word[: -len(end)] for end in _ENDINGS if word.endswith(end) and len(word) - len(end) >= 3), word)


def _share(of: set[str], among: set[str]) -> float:
    return len(of & among) / len(of) if of else 0.0
