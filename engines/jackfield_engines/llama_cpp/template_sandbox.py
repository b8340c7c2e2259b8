"""Where a model's Jinja template runs: what it may use, and how long it may go on.

A template comes with the model file and is not trusted. Jinja's sandbox keeps it from the interpreter; the limits here
keep it from looping for ever and from filling the memory with one expression. What texts come to is worked out in
`text_lengths.py` before they are made.
"""

from __future__ import annotations

import functools
import json
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any, NoReturn

from jinja2 import Environment, TemplateError, nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.nodes import EvalContext
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from jackfield_engines.llama_cpp.text_lengths import (
    MEASURED_FILTERS,
    length_of_filter,
    length_of_method,
    length_of_operation,
)

MOST_ROUNDS = 250_000
"""Of all loops and macros in one rendering, about a second; a thousand messages take a few thousand."""

LARGEST_POWER = 64

LONGEST_VALUE = 50_000_000
"""Characters or items that one expression or the whole rendering may come to."""


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

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self) -> None:
        super().__init__(trim_blocks=True, lstrip_blocks=True, extensions=[_GenerationBlock, loopcontrols])
        self.filters["tojson"] = _json
        for name in MEASURED_FILTERS:
            self.filters[name] = self._measured(name, self.filters[name])
        self.globals["raise_exception"] = _refuse
        self.globals["strftime_now"] = _now
        del self.globals["lipsum"]
        self._of_thread = threading.local()

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """`left operator right`, unless the outcome would be out of all proportion."""
        if operator == "**":
            if isinstance(right, int) and right > LARGEST_POWER:
                raise TemplateOverrun(f"a power above {LARGEST_POWER}")
        else:
            _check(length_of_operation(operator, left, right))
        return super().call_binop(context, operator, left, right)

    def call(self, context: Any, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """`obj(…)`, unless it is a text's method that would make something out of all proportion."""
        _check(length_of_method(obj, args, kwargs))
        return super().call(context, obj, *args, **kwargs)

    def joined(self, *values: Any) -> str:
        """What `~` makes."""
        texts = [str(value) for value in values]
        _check(sum(map(len, texts)))
        return "".join(texts)

    def _measured(self, name: str, made: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(made)
        def measured(*arguments: Any, **named: Any) -> Any:
            texts = [argument for argument in arguments if not isinstance(argument, Environment | EvalContext)]
            _check(length_of_filter(name, texts, named))
            return made(*arguments, **named)

        return measured

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
        template: nodes.Template = _Concatenations(self).visit(super()._parse(source, name, filename))
        bodies: list[nodes.For | nodes.Macro] = [*template.find_all(nodes.For), *template.find_all(nodes.Macro)]
        for body in bodies:
            count = nodes.Call(nodes.EnvironmentAttribute("count_round"), [], [], None, None)
            body.body.insert(0, nodes.ExprStmt(count, lineno=body.lineno).set_environment(self))
        return template


class _Concatenations(NodeTransformer):
    """Has `~` done by the environment, which looks at what comes of it."""

    def __init__(self, environment: TemplateSandbox) -> None:
        self._environment = environment

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802 - as jinja2 names it
        """A call in the place of the operator."""
        self.generic_visit(node)
        call = nodes.Call(nodes.EnvironmentAttribute("joined"), node.nodes, [], None, None, lineno=node.lineno)
        return call.set_environment(self._environment)


def _check(length: int) -> None:
    if length > LONGEST_VALUE:
        raise TemplateOverrun(f"a value of more than {LONGEST_VALUE:,} items")


def _json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """Plain JSON: Jinja's own filter escapes HTML, which models were not trained on."""
    _check((indent or 0) * 1000)
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _refuse(sentence: object) -> NoReturn:
    raise TemplateRefusal(str(sentence))


def _now(form: str) -> str:
    return datetime.now().astimezone().strftime(form)
