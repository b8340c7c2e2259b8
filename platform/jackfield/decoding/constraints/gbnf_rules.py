"""From GBNF's rules to the notations that a matcher compiles: one regular expression, or rules over few terminals.

The matcher's lexer takes the longest text that a terminal has, and never comes back: a grammar keeps its meaning only
where no terminal can be taken too long. A grammar without recursion cannot, as a whole; nor can single characters, nor
what `gbnf_parts` finds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

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
from jackfield.decoding.constraints.gbnf_parts import MOST_POSITIONS, parted, reachable, whole_parts, without_names
from jackfield.decoding.constraints.positions import size

LONGEST_EXPRESSION = 4096
"""Characters of a regular expression, above which rules are quicker to compile."""


class Names(msgspec.Struct, frozen=True):
    """What rules, and parts that are read as one, are called."""

    rules: dict[str, str]
    parts: dict[Sequence, str]


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
    """A grammar as Lark rules, of which `start` is the root, over single characters and parts that are read as one."""
    plain = _plain(rules)
    parts = whole_parts(rules, plain)
    used = reachable(rules, parts)
    names = Names(
        rules={name: start if name == "root" else f"{start}-{number}" for number, name in enumerate(used)},
        parts={part: f"{start.upper()}-{number}" for number, part in enumerate(parts)},
    )
    written = [f"{names.rules[name]}: {_alternatives(rules[name], names)}\n" for name in used]
    return "".join((*written, *(f"{named}: /{_terminal(part, plain)}/\n" for part, named in names.parts.items())))


def _plain(rules: Rules) -> dict[str, Node]:
    """The rules that do not recurse, with what they name in its place."""
    plain: dict[str, Node] = {}
    for name in _innermost_first(rules):
        bare = without_names(rules[name], plain)
        if bare is not None and size(bare) <= MOST_POSITIONS:
            plain[name] = bare
    return plain


def _terminal(part: Sequence, plain: dict[str, Node]) -> str:
    bare = without_names(part, plain)
    if bare is None:
        raise AssertionError("a part names only what does not recurse")
    return _expression(bare, {})


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


def _alternatives(node: Node, names: Names) -> str:
    nodes = node.nodes if isinstance(node, Choice) else (node,)
    return " | ".join(_rule(inner, names) for inner in nodes)


def _rule(node: Node, names: Names) -> str:
    if isinstance(node, Sequence) and node in names.parts:
        return names.parts[node]
    match node:
        case Characters():
            return f"/{_class(node)}/"
        case Named(rule):
            return names.rules[rule]
        case Repeated(inner):
            return f"({_alternatives(inner, names)}){_count(node)}"
        case Sequence(nodes):
            return " ".join(_rule(inner, names) for inner in parted(nodes, names.parts)) or '""'
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
