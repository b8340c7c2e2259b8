"""From GBNF's rules to the notations that a matcher compiles: one regular expression, or rules over single characters.

The matcher's lexer takes the longest text that a terminal has, and never comes back: a grammar keeps its meaning only
where no terminal can be taken too long. Single characters cannot; nor can a grammar without recursion as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from jackfield.decoding.constraints.gbnf import (
    Characters,
    Choice,
    Named,
    Node,
    Repeated,
    Rules,
    Sequence,
    names_in,
)

LONGEST_EXPRESSION = 4096
"""Characters of a regular expression, above which rules are quicker to compile."""


def as_expression(rules: Rules) -> str | None:
    """A whole grammar as one regular expression; None where it is recursive, or too long for that."""
    expressions: dict[str, str] = {}
    for name in _innermost_first(rules):
        inner = names_in(rules[name])
        if not inner <= expressions.keys():
            return None
        try:
            expressions[name] = _expression(rules[name], expressions)
        except OverflowError:
            return None
    return expressions["root"]


def as_lark(rules: Rules, start: str) -> str:
    """A grammar as Lark rules over single characters, of which `start` is the root."""
    names = {name: start if name == "root" else f"{start}-{number}" for number, name in enumerate(rules)}
    return "".join(f"{names[name]}: {_alternatives(node, names)}\n" for name, node in rules.items())


def _innermost_first(rules: Rules) -> Iterator[str]:
    """Rules that `root` needs, each behind those that it names; a recursive one comes before something it names."""
    seen: set[str] = set()
    stack = [("root", False)]
    while stack:
        name, done = stack.pop()
        if done:
            yield name
        elif name not in seen:
            seen.add(name)
            stack.append((name, True))
            stack.extend((other, False) for other in sorted(names_in(rules[name])))


def _expression(node: Node, expressions: dict[str, str]) -> str:
    match node:
        case Characters():
            return _class(node)
        case Named(rule):
            return f"(?:{expressions[rule]})"
        case Repeated(inner):
            return f"(?:{_expression(inner, expressions)}){_count(node)}"
        case Sequence(nodes):
            return _joined("", nodes, expressions)
        case Choice(nodes):
            return f"(?:{_joined('|', nodes, expressions)})"


def _joined(separator: str, nodes: Iterable[Node], expressions: dict[str, str]) -> str:
    """Expressions one behind the other; raises OverflowError rather than write one that is too long."""
    written = 0
    parts: list[str] = []
    for node in nodes:
        parts.append(_expression(node, expressions))
        written += len(parts[-1]) + len(separator)
        if written > LONGEST_EXPRESSION:
            raise OverflowError
    return separator.join(parts)


def _alternatives(node: Node, names: dict[str, str]) -> str:
    nodes = node.nodes if isinstance(node, Choice) else (node,)
    return " | ".join(_rule(inner, names) for inner in nodes)


def _rule(node: Node, names: dict[str, str]) -> str:
    match node:
        case Characters():
            return f"/{_class(node)}/"
        case Named(rule):
            return names[rule]
        case Repeated(inner):
            return f"({_alternatives(inner, names)}){_count(node)}"
        case Sequence(nodes):
            return " ".join(_rule(inner, names) for inner in nodes) or '""'
        case Choice():
            return f"({_alternatives(node, names)})"


def _class(characters: Characters) -> str:
    if not characters.ranges:
        return "(?s:.)"
    ranges = "".join(f"\\x{{{first:x}}}-\\x{{{last:x}}}" for first, last in characters.ranges)
    return f"[{'^' if characters.negated else ''}{ranges}]"


def _count(repeated: Repeated) -> str:
    match repeated.least, repeated.most:
        case 0, None:
            return "*"
        case 1, None:
            return "+"
        case 0, 1:
            return "?"
        case least, most:
            return f"{{{least},{'' if most is None else most}}}"
    raise AssertionError("a count has two ends")
