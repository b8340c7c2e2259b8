"""The calls that a case wants, one right form of each."""

from __future__ import annotations

from typing import Any

import msgspec

from jackfield.messages import Call
from jackfield_plugins.function_calls.bench.cases import Case

LEFT_OUT = ""
"""Among a parameter's right values: it need not be given."""


def gold_calls(case: Case) -> list[Call]:
    """Every wanted call with the first of each parameter's right values, under its function's own name."""
    wanted = ((name, values) for each in case.ground_truth or () for name, values in each.items())
    return [
        Call(identifier=f"call_gold_{place}", tool=name, arguments=_given(values))
        for place, (name, values) in enumerate(wanted, start=1)
    ]


def renamed(call: Call, names: dict[str, str]) -> Call:
    """A call under the name that its function's tool has."""
    return msgspec.structs.replace(call, tool=names[call.tool])


def _given(parameters: dict[str, list[Any]]) -> dict[str, Any]:
    """The first right value of each parameter that must be given; those of objects are told in the same way."""
    return {name: _value(values[0]) for name, values in parameters.items() if values and values[0] != LEFT_OUT}


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _value(values[0]) for name, values in value.items() if values and values[0] != LEFT_OUT}
    if isinstance(value, list):
        return [_value(each) for each in value]
    return value
