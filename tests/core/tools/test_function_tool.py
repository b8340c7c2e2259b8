"""A typed function is a tool: a model is told what it takes, and it is called with what it asked for."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import enum
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict

import msgspec
import pytest

from jackfield.contracts.tools import ToolResult
from jackfield.errors import PluginError, ToolFailure
from jackfield.tools import FunctionTool, tool
from jackfield.tools.arguments import checked_description
from jackfield.tools.runner import CallRunner


class Unit(enum.Enum):
    """Of temperature."""

    CELSIUS = "c"
    FAHRENHEIT = "f"


@dataclasses.dataclass
class Place:
    """Where."""

    name: str
    height: float = 0.0


class Tree(msgspec.Struct):
    """Holds trees."""

    value: int
    branches: list[Tree] = []


class Extras(TypedDict, total=False):
    """What may be given."""

    note: str


def property_of(function: Callable[..., Any], name: str = "it") -> Any:
    """The schema of one parameter."""
    description = checked_description(FunctionTool(function).description)
    return description.parameters["properties"][name]


CAUGHT: list[Any] = []


def a_literal(it: Literal["a", "b"]) -> None:
    """Catch."""
    CAUGHT.append(it)


def an_enum(it: Unit = Unit.CELSIUS) -> None:
    """Catch."""
    CAUGHT.append(it)


def a_list(it: list[int]) -> None:
    """Catch."""
    CAUGHT.append(it)


def a_mapping(it: dict[str, int]) -> None:
    """Catch."""
    CAUGHT.append(it)


def a_dataclass(it: Place) -> None:
    """Catch."""
    CAUGHT.append(it)


def a_tree(it: Tree) -> None:
    """Catch."""
    CAUGHT.append(it)


def a_typed_dict(it: Extras) -> None:
    """Catch."""
    CAUGHT.append(it)


def an_optional(it: int | None = None) -> None:
    """Catch."""
    CAUGHT.append(it)


def a_forgetful_optional(it: int = None) -> None:  # type: ignore[assignment]  # noqa: RUF013 as people write it
    """Catch."""
    CAUGHT.append(it)


def a_bounded(it: Annotated[int, msgspec.Meta(ge=1, le=9)] = 5) -> None:
    """Catch."""
    CAUGHT.append(it)


def a_path(it: Path = Path("here")) -> None:
    """Catch."""
    CAUGHT.append(it)


def a_date(it: dt.date) -> None:
    """Catch."""
    CAUGHT.append(it)


def a_positional(it: float = 1.5, /) -> None:
    """Catch."""
    CAUGHT.append(it)


TREE = {
    "type": "object",
    "description": "Holds trees.",
    "properties": {
        "value": {"type": "integer"},
        "branches": {"type": "array", "items": {"$ref": "#/$defs/Tree"}, "default": []},
    },
    "required": ["value"],
}


@pytest.mark.parametrize(
    ("function", "schema", "value", "received"),
    [
        (a_literal, {"enum": ["a", "b"]}, "a", "a"),
        (an_enum, {"enum": ["c", "f"], "default": "c", "description": "Of temperature."}, "f", Unit.FAHRENHEIT),
        (a_list, {"type": "array", "items": {"type": "integer"}}, [1, 2.0], [1, 2]),
        (a_mapping, {"type": "object", "additionalProperties": {"type": "integer"}}, {"a": 1}, {"a": 1}),
        (
            a_dataclass,
            {
                "type": "object",
                "description": "Where.",
                "properties": {"name": {"type": "string"}, "height": {"type": "number", "default": 0.0}},
                "required": ["name"],
            },
            {"name": "Rome", "height": 21},
            Place("Rome", 21.0),
        ),
        (a_tree, {"$ref": "#/$defs/Tree"}, {"value": 1, "branches": [{"value": 2}]}, Tree(1, [Tree(2)])),
        (
            a_typed_dict,
            {
                "type": "object",
                "description": "What may be given.",
                "properties": {"note": {"type": "string"}},
                "required": [],
            },
            {"note": "x"},
            {"note": "x"},
        ),
        (an_optional, {"anyOf": [{"type": "integer"}, {"type": "null"}]}, None, None),
        (a_forgetful_optional, {"anyOf": [{"type": "integer"}, {"type": "null"}]}, 3, 3),
        (a_bounded, {"type": "integer", "minimum": 1, "maximum": 9, "default": 5}, 9, 9),
        (a_path, {"type": "string", "default": "here"}, "a/b", Path("a/b")),
        (a_date, {"type": "string", "format": "date"}, "2026-01-02", dt.date(2026, 1, 2)),
        (a_positional, {"type": "number", "default": 1.5}, 2, 2.0),
    ],
)
async def test_a_type_is_told_and_received(
    function: Callable[..., Any], schema: dict[str, Any], value: Any, received: Any
) -> None:
    CAUGHT.clear()
    assert property_of(function) == schema
    made = FunctionTool(function)
    assert not (await CallRunner().run(made, {"it": value})).error
    assert [received] == CAUGHT
    assert type(CAUGHT[0]) is type(received)


def test_a_type_that_holds_itself_stands_under_its_name() -> None:
    assert FunctionTool(a_tree).description.parameters["$defs"] == {"Tree": TREE}


@pytest.mark.parametrize(
    ("function", "default"),
    [(an_enum, Unit.CELSIUS), (an_optional, None), (a_bounded, 5), (a_path, Path("here")), (a_positional, 1.5)],
)
async def test_what_is_left_out_is_the_functions_default(function: Callable[..., Any], default: Any) -> None:
    CAUGHT.clear()
    assert "required" not in FunctionTool(function).description.parameters
    await FunctionTool(function).call({})
    assert [default] == CAUGHT


def google(city: str, days: int = 1) -> str:
    """Tell the weather
    of a city.

    More that no model needs.

    Args:
        city (str): Where, such as
            Rome: a city.
        days: How many.

    Returns:
        days: not this.
    """
    return city * days


def numpy(city: str, days: int = 1) -> str:
    """Tell the weather
    of a city.

    Parameters
    ----------
    city : str
        Where, such as
        Rome: a city.
    days : int, optional
        How many.

    Returns
    -------
    str
        Not this.
    """
    return city * days


def sphinx(city: str, days: int = 1) -> str:
    """Tell the weather
    of a city.

    :param str city: Where, such as
        Rome: a city.
    :param days: How many.
    :returns: Not this.
    """
    return city * days


def annotated(
    city: Annotated[str, "Where, such as Rome: a city."],
    days: Annotated[int, msgspec.Meta(description="How many.")] = 1,
) -> str:
    """Tell the weather
    of a city.

    Args:
        city: Not this.
        days: Nor this.
    """
    return city * days


@pytest.mark.parametrize("function", [google, numpy, sphinx, annotated])
def test_docstrings_and_annotations_describe(function: Callable[..., str]) -> None:
    made = FunctionTool(function)
    assert made.description.description == "Tell the weather of a city."
    assert property_of(function, "city")["description"] == "Where, such as Rome: a city."
    assert property_of(function, "days")["description"] == "How many."
    assert made.description.parameters["required"] == ["city"]
    assert made.description.parameters["additionalProperties"] is False
    assert made("ab", 2) == "abab"


def test_options_say_what_a_signature_does_not() -> None:
    @tool(name="post", description="Send.", permission="network", targets=("url",), timeout=3, retries=2)
    def send(url: str) -> str:
        """Not this."""
        return url

    described = checked_description(send.description)
    assert (described.name, described.description, described.permission) == ("post", "Send.", "network")
    assert (described.targets, described.timeout, described.retries) == (("url",), 3, 2)
    assert send.provided().build() is send


class Odd:
    """No JSON stands for it."""


def any_number(*texts: str) -> None:
    """Refused."""


def any_names(**texts: str) -> None:
    """Refused."""


def without_type(text) -> None:  # type: ignore[no-untyped-def]
    """Refused."""


def of_an_odd_type(text: Odd) -> None:
    """Refused."""


def of_an_unknown_type(text: Unheard) -> None:  # type: ignore[name-defined]  # noqa: F821
    """Refused."""


def with_an_odd_default(text: Any = Odd()) -> None:  # noqa: B008
    """Refused."""


def without_a_word(text: str) -> None:
    pass


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (any_number, "'texts' of tool function 'any_number' takes any number of arguments"),
        (any_names, "takes any number of arguments"),
        (without_type, "'text' of tool function 'without_type' has no type; annotate it, such as `text: str`"),
        (of_an_odd_type, "'text' of tool function 'of_an_odd_type' has the type .*Odd.* no JSON schema"),
        (of_an_unknown_type, "'Unheard' is not defined.*TYPE_CHECKING"),
        (with_an_odd_default, "default of parameter 'text'"),
        (without_a_word, "says nothing of itself; give its function a docstring"),
    ],
)
def test_what_a_model_could_not_be_told_is_refused(function: Callable[..., Any], sentence: str) -> None:
    with pytest.raises(PluginError, match=sentence):
        tool(function)


@pytest.mark.parametrize(
    ("returned", "text"),
    [
        ("text", "text"),
        (None, "Done."),
        (3, "3"),
        (0.5, "0.5"),
        (float("nan"), "nan"),
        (True, "true"),
        ({"a": [1, None]}, '{"a":[1,null]}'),
        (Place("Rome"), '{"name":"Rome","height":0.0}'),
        (dt.date(2026, 1, 2), '"2026-01-02"'),
        (b"caf\xc3\xa9", "café"),
    ],
)
async def test_what_is_returned_becomes_text(returned: Any, text: str) -> None:
    @tool
    def give() -> Any:
        """Give."""
        return returned

    assert await give.call({}) == ToolResult(text=text)


@pytest.mark.parametrize(
    ("returned", "sentence"), [(Odd(), "a Odd that has no JSON form"), (b"\xff" * 12345, "12,345 bytes")]
)
async def test_what_cannot_become_text_is_a_failure(returned: Any, sentence: str) -> None:
    @tool
    def give() -> Any:
        """Give."""
        return returned

    with pytest.raises(ToolFailure, match=sentence):
        await give.call({})


async def test_a_result_is_passed_on_as_it_is() -> None:
    @tool
    async def fetch() -> ToolResult:
        """Fetch."""
        return ToolResult(text="page", provenance="remote")

    assert await fetch.call({}) == ToolResult(text="page", provenance="remote")


async def test_a_blocking_function_blocks_nobody_else() -> None:
    gate = threading.Event()

    @tool
    def wait() -> bool:
        """Wait for the gate."""
        return gate.wait(5)

    waiting = [asyncio.create_task(wait.call({})) for _ in range(20)]
    await asyncio.sleep(0.01)
    gate.set()
    assert {result.text for result in await asyncio.gather(*waiting)} == {"true"}


async def test_an_object_with_methods_makes_tools_too() -> None:
    class Counter:
        def __init__(self) -> None:
            self.total = 0

        async def add(self, amount: int) -> int:
            """Add to the total."""
            self.total += amount
            return self.total

        def __call__(self, amount: int) -> int:
            """Take from the total."""
            self.total -= amount
            return self.total

    counter = Counter()
    add, take = tool(counter.add), tool(name="take", description="Take.")(counter)
    assert list(add.description.parameters["properties"]) == ["amount"]
    assert (await add.call({"amount": 2})).text == "2"
    assert (await take.call({"amount": 5})).text == "-3"
