"""Where a model's Jinja template runs: what it may use, and how long it may go on.

A template comes with the model file and is not trusted. Jinja's sandbox keeps it from the interpreter; the limits here
keep it from looping for ever and from filling the memory with one expression.
"""

from __future__ import annotations

import json
import threading
from datetime import datetime
from typing import Any, NoReturn

from jinja2 import TemplateError, nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

MOST_ROUNDS = 250_000
"""Of all loops and macros in one rendering, about a second; a thousand messages take a few thousand."""

LARGEST_POWER = 64

LONGEST_VALUE = 50_000_000
"""Characters or items that one `+`, `*` or the whole rendering may come to."""


class TemplateRefusal(TemplateError):
    """The template itself says that it cannot show this conversation."""


class TemplateOverrun(TemplateError):
    """The template went on for too long, or made too much of something."""


class _GenerationBlock(Extension):
    """`{% generation %}`, by which training marks what the model wrote: here it changes nothing."""

    tags = {"generation"}  # noqa: RUF012 - as jinja2 declares it

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class TemplateSandbox(ImmutableSandboxedEnvironment):
    """The environment that templates are written for (that of `transformers`), with limits."""

    intercepted_binops = frozenset({"+", "*", "**"})

    def __init__(self) -> None:
        super().__init__(trim_blocks=True, lstrip_blocks=True, extensions=[_GenerationBlock, loopcontrols])
        self.filters["tojson"] = _json
        self.globals["raise_exception"] = _refuse
        self.globals["strftime_now"] = _now
        del self.globals["lipsum"]
        self._of_thread = threading.local()

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """`left operator right`, unless the outcome would be out of all proportion."""
        if operator == "**":
            if isinstance(right, int) and right > LARGEST_POWER:
                raise TemplateOverrun(f"a power above {LARGEST_POWER}")
        elif _length_of(operator, left, right) > LONGEST_VALUE:
            raise TemplateOverrun(f"a value of more than {LONGEST_VALUE:,} items")
        return super().call_binop(context, operator, left, right)

    def begin_rendering(self) -> None:
        """Count this thread's rounds from zero."""
        self._of_thread.rounds = 0

    def count_round(self) -> str:
        """Called at the start of every round; raises TemplateOverrun at the limit."""
        self._of_thread.rounds += 1
        if self._of_thread.rounds > MOST_ROUNDS:
            raise TemplateOverrun(f"more than {MOST_ROUNDS:,} rounds of its loops")
        return ""

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        """The template with a count at the start of every loop's and macro's body, where no variable can hide it."""
        template = super()._parse(source, name, filename)
        bodies: list[nodes.For | nodes.Macro] = [*template.find_all(nodes.For), *template.find_all(nodes.Macro)]
        for body in bodies:
            count = nodes.Call(nodes.EnvironmentAttribute("count_round"), [], [], None, None)
            body.body.insert(0, nodes.ExprStmt(count, lineno=body.lineno).set_environment(self))
        return template


def _length_of(operator: str, left: Any, right: Any) -> int:
    """The length of what `+` or `*` makes; 0 for plain numbers."""
    lengths = [len(side) for side in (left, right) if isinstance(side, str | list | tuple)]
    if operator == "*" and len(lengths) == 1:
        times = right if isinstance(right, int) else left
        return lengths[0] * times if isinstance(times, int) else 0
    return sum(lengths)


def _json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """Plain JSON: Jinja's own filter escapes HTML, which models were not trained on."""
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _refuse(sentence: object) -> NoReturn:
    raise TemplateRefusal(str(sentence))


def _now(form: str) -> str:
    return datetime.now().astimezone().strftime(form)
