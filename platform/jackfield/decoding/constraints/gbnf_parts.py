"""Parts of a recursive grammar that may be read as one, which a matcher does many times faster than by character.

A lexer that takes the longest match finds a part where the grammar has it, and nowhere else, if no text of any part is
the beginning of another's, and none begins with a character that stands alone somewhere. A string in quotes is such a
part; a number, which may go on, is not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from collections.abc import Sequence as Items

from jackfield.decoding.constraints.gbnf import Characters, Choice, Named, Node, Repeated, Rules, Sequence
from jackfield.decoding.constraints.positions import Positions, size

MOST_PARTS = 16
MOST_POSITIONS = 100
"""Characters of all parts together; what it takes to look at them grows with the square."""
MOST_NODES = 3000
"""Characters and names of a grammar in which parts are looked for."""
LONGEST_SEQUENCE = 24
MOST_SLICES = 1000
LONG = 8
"""Repetitions from which on a part is worth it."""


def whole_parts(rules: Rules, plain: dict[str, Node]) -> list[Sequence]:
    """The parts that may be read as one; `plain` has the rules that do not recurse, without names in them."""
    if sum(1 for body in rules.values() for _ in _walk(body, ())) > MOST_NODES:
        return []
    parts = _candidates(rules, plain)
    while True:
        alone: list[Characters] = []
        used: list[Sequence] = []
        for name in reachable(rules, parts):
            for node in _walk(rules[name], parts):
                if isinstance(node, Characters):
                    alone.append(node)
                elif isinstance(node, Sequence) and node not in used:
                    used.append(node)
        kept: list[Sequence] = []
        for part in sorted(used, key=lambda part: _size(part, plain)):
            together = [without_names(other, plain) for other in (*kept, part)]
            nodes = [node for node in together if node is not None]
            if sum(map(size, nodes)) <= MOST_POSITIONS and _may_be_read(Positions(nodes), alone):
                kept.append(part)
        if len(kept) == len(parts):
            return kept
        parts = kept


def reachable(rules: Rules, parts: Collection[Sequence]) -> list[str]:
    """The rules that `root` needs, where parts need none."""
    found, waiting = {"root": None}, ["root"]
    while waiting:
        for node in _walk(rules[waiting.pop()], parts):
            if isinstance(node, Named) and node.rule not in found:
                found[node.rule] = None
                waiting.append(node.rule)
    return list(found)


def parted(nodes: Items[Node], parts: Collection[Sequence]) -> Iterator[Node]:
    """The nodes of a sequence, those that make up a part together as that part."""
    at = 0
    while at < len(nodes):
        for part in parts:
            if tuple(nodes[at : at + len(part.nodes)]) == part.nodes:
                yield part
                at += len(part.nodes)
                break
        else:
            yield nodes[at]
            at += 1


def without_names(node: Node, plain: dict[str, Node]) -> Node | None:
    """The node with what its names stand for; None where that recurses, or is too large."""
    match node:
        case Characters():
            return node
        case Named(rule):
            return plain.get(rule)
        case Repeated(inner, least, most):
            once = without_names(inner, plain)
            return None if once is None else Repeated(once, least, most)
        case Sequence(nodes) | Choice(nodes):
            bare = [without_names(inner, plain) for inner in nodes]
            whole = [inner for inner in bare if inner is not None]
            return type(node)(tuple(whole)) if len(whole) == len(bare) else None


def _candidates(rules: Rules, plain: dict[str, Node]) -> list[Sequence]:
    """Slices of each sequence that could be parts for themselves, as short as they can be."""
    found: list[Sequence] = []
    left = MOST_SLICES
    for sequence in (node for body in rules.values() for node in _sequences(body)):
        at = 0
        while at < len(sequence.nodes) <= LONGEST_SEQUENCE and left > 0:
            for end in range(at + 2, len(sequence.nodes) + 1):
                left -= 1
                if _is_part(part := Sequence(sequence.nodes[at:end]), plain):
                    found.append(part)
                    at = end - 1
                    break
            at += 1
    return list(dict.fromkeys(found))[:MOST_PARTS]


def _size(part: Sequence, plain: dict[str, Node]) -> int:
    bare = without_names(part, plain)
    return 0 if bare is None else size(bare)


def _is_part(part: Sequence, plain: dict[str, Node]) -> bool:
    bare = without_names(part, plain)
    if bare is None or not _is_long(bare) or size(bare) > MOST_POSITIONS:
        return False
    return Positions([bare]).none_goes_on()


def _may_be_read(positions: Positions, alone: list[Characters]) -> bool:
    return not positions.may_begin_like(alone) and positions.none_goes_on()


def _is_long(node: Node) -> bool:
    match node:
        case Repeated(inner, _, most):
            return most is None or most > LONG or _is_long(inner)
        case Sequence(nodes) | Choice(nodes):
            return any(map(_is_long, nodes))
    return False


def _sequences(node: Node) -> Iterator[Sequence]:
    if isinstance(node, Sequence):
        yield node
    match node:
        case Repeated(inner):
            yield from _sequences(inner)
        case Sequence(nodes) | Choice(nodes):
            for inner in nodes:
                yield from _sequences(inner)


def _walk(node: Node, parts: Collection[Sequence]) -> Iterator[Node]:
    """The characters, names and parts that a node is made of; parts are not entered."""
    match node:
        case Characters() | Named():
            yield node
        case Repeated(inner):
            yield from _walk(inner, parts)
        case Choice(nodes):
            for inner in nodes:
                yield from _walk(inner, parts)
        case Sequence(nodes):
            for inner in parted(nodes, parts):
                if inner in parts:
                    yield inner
                else:
                    yield from _walk(inner, parts)
