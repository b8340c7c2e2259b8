"""GBNF, the grammars of llama.cpp: from text to a tree of rules. Errors say the line and what was expected."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from jackfield.errors import InvalidRequest

DEEPEST = 100
"""Parentheses within parentheses."""
MOST_COUNTS = 4
LAST_CHARACTER = 0x10FFFF

_SPACE = re.compile(r"(?:[ \t]|#[^\n]*)*")
_SPACE_AND_LINES = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_RULE = re.compile(r"[A-Za-z0-9_-]+[ \t]*::=")
_COUNTS = re.compile(r"\{\s*(\d{1,9})\s*(,\s*(\d{1,9})?\s*)?\}")
_CODE = {"x": 2, "u": 4, "U": 8}
_KNOWN_ESCAPES = r"\\ \" \[ \] \n \r \t \x41 \u0041 \U00000041"
_ESCAPED = {"t": 9, "r": 13, "n": 10, "\\": 92, '"': 34, "[": 91, "]": 93}


class Characters(msgspec.Struct, frozen=True):
    """One character out of ranges of code points, or out of all others."""

    ranges: tuple[tuple[int, int], ...]
    negated: bool = False


class Named(msgspec.Struct, frozen=True):
    """What another rule says."""

    rule: str


class Repeated(msgspec.Struct, frozen=True):
    """One thing so many times; `most` None is any number."""

    node: Node
    least: int
    most: int | None


class Sequence(msgspec.Struct, frozen=True):
    """One thing after the other; nothing, if there is none."""

    nodes: tuple[Node, ...]


class Choice(msgspec.Struct, frozen=True):
    """One of several."""

    nodes: tuple[Node, ...]


Node = Characters | Named | Repeated | Sequence | Choice
Rules = Mapping[str, Node]

ANYTHING = Characters((), negated=True)


def parsed_gbnf(text: str, parameter: str) -> Rules:
    """The rules by name, `root` among them; raises InvalidRequest."""
    try:
        rules = _Reader(text).rules()
        _check_names(rules)
    except _Fault as fault:
        raise InvalidRequest(f"The grammar cannot be read: {fault}.", parameter=parameter) from fault
    return rules


def names_in(node: Node) -> set[str]:
    """The rules that a node names."""
    match node:
        case Named(rule):
            return {rule}
        case Repeated(inner):
            return names_in(inner)
        case Sequence(nodes) | Choice(nodes):
            return set().union(*map(names_in, nodes))
    return set()


class _Fault(Exception):
    """What is wrong with a grammar, and where."""


class _Reader:
    """Reads one grammar from its beginning to its end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0

    def rules(self) -> dict[str, Node]:
        rules: dict[str, Node] = {}
        self._skip(_SPACE_AND_LINES)
        while self._at < len(self._text):
            name = self._name("a rule's name")
            self._skip(_SPACE)
            self._expect("::=")
            if name in rules:
                raise self._fault(f"the rule '{name}' is there twice")
            self._skip(_SPACE_AND_LINES if self._next_line_goes_on() else _SPACE)
            rules[name] = self._choice()
            if self._at < len(self._text):
                self._expect("\n", "\r", what="the rule's end")
            self._skip(_SPACE_AND_LINES)
        return rules

    def _choice(self) -> Node:
        options = [self._sequence()]
        while self._taken("|"):
            self._skip(_SPACE_AND_LINES)
            options.append(self._sequence())
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def _sequence(self) -> Node:
        nodes: list[Node] = []
        while (node := self._item()) is not None:
            nodes.append(self._counted(node))
        return nodes[0] if len(nodes) == 1 else Sequence(tuple(nodes))

    def _item(self) -> Node | None:
        """The next thing of a sequence; None where it ends."""
        self._skip(_SPACE_AND_LINES if self._depth else _SPACE)
        if self._taken('"'):
            return self._literal()
        if self._taken("["):
            return self._characters()
        if self._taken("("):
            return self._group()
        if self._taken("."):
            return ANYTHING
        if _NAME.match(self._text, self._at):
            return Named(self._name("a name"))
        if self._here() in ("<", "!"):
            raise self._fault("tokens such as <name> are not known here; write their text in quotes")
        if self._here() not in ("", "\n", "\r", "|", ")") or (self._here() == ")" and not self._depth):
            raise self._fault("a name, a text in quotes, [characters] or (…) was expected")
        return None

    def _literal(self) -> Node:
        characters: list[Node] = []
        while not self._taken('"'):
            code = self._code_point("the closing quote")
            characters.append(Characters(((code, code),)))
        return characters[0] if len(characters) == 1 else Sequence(tuple(characters))

    def _characters(self) -> Node:
        negated = self._taken("^")
        ranges: list[tuple[int, int]] = []
        while not self._taken("]"):
            first = last = self._code_point("the closing ']'")
            if self._here() == "-" and self._text[self._at + 1 : self._at + 2] not in ("]", ""):
                self._at += 1
                last = self._code_point("the closing ']'")
            if last < first:
                raise self._fault("a range of characters runs backwards")
            ranges.append((first, last))
        if not ranges and not negated:
            raise self._fault("[] holds no character")
        return Characters(tuple(ranges), negated)

    def _group(self) -> Node:
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._fault(f"there are more than {DEEPEST} parentheses within each other")
        node = self._choice()
        self._skip(_SPACE_AND_LINES)
        self._expect(")")
        self._depth -= 1
        return node

    def _counted(self, node: Node) -> Node:
        """The node with what is written behind it: *, +, ? or a count in braces."""
        for _ in range(MOST_COUNTS):
            self._skip(_SPACE)
            if self._taken("*"):
                node = Repeated(node, 0, None)
            elif self._taken("+"):
                node = Repeated(node, 1, None)
            elif self._taken("?"):
                node = Repeated(node, 0, 1)
            elif self._here() == "{":
                node = self._braced(node)
            else:
                return node
        raise self._fault(f"{MOST_COUNTS} counts stand one behind the other")

    def _braced(self, node: Node) -> Node:
        found = _COUNTS.match(self._text, self._at)
        if not found:
            raise self._fault("a count such as {2}, {2,} or {2,5} was expected")
        least = int(found[1])
        most = int(found[3]) if found[3] else None if found[2] else least
        if most is not None and most < least:
            raise self._fault(f"{{{least},{most}}} runs backwards")
        self._at = found.end()
        return Repeated(node, least, most)

    def _code_point(self, expected: str) -> int:
        if self._here() in ("", "\n"):
            raise self._fault(f"{expected} is missing")
        character = self._here()
        self._at += 1
        if character != "\\":
            return ord(character)
        kind = self._here()
        self._at += 1
        if kind in _CODE:
            return self._numbered(_CODE[kind])
        if kind not in _ESCAPED:
            raise self._fault(
                f"'\\{kind}' is not known; there are \\\\ \\\" \\[ \\] \\n \\r \\t \\x41 \\u0041 \\U00000041"
            )
        return _ESCAPED[kind]

    def _numbered(self, length: int) -> int:
        digits = self._text[self._at : self._at + length]
        if not re.fullmatch(rf"[0-9A-Fa-f]{{{length}}}", digits) or int(digits, 16) > LAST_CHARACTER:
            raise self._fault(f"{length} hexadecimal digits of a character were expected")
        self._at += length
        return int(digits, 16)

    def _name(self, what: str) -> str:
        found = _NAME.match(self._text, self._at)
        if not found:
            raise self._fault(f"{what} was expected")
        self._at = found.end()
        return found[0]

    def _next_line_goes_on(self) -> bool:
        """Whether a rule begins on the line after its `::=`: there is something, and it is no rule of its own."""
        found = _SPACE_AND_LINES.match(self._text, self._at)
        after = found.end() if found else self._at
        return not _RULE.match(self._text, after)

    def _skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self._text, self._at)
        self._at = found.end() if found else self._at

    def _here(self) -> str:
        return self._text[self._at : self._at + 1]

    def _taken(self, text: str) -> bool:
        if not self._text.startswith(text, self._at):
            return False
        self._at += len(text)
        return True

    def _expect(self, *texts: str, what: str = "") -> None:
        if not any(self._taken(text) for text in texts):
            raise self._fault(f"{what or repr(texts[0])} was expected")

    def _fault(self, sentence: str) -> _Fault:
        line = self._text.count("\n", 0, self._at) + 1
        column = self._at - self._text.rfind("\n", 0, self._at)
        return _Fault(f"{sentence} (line {line}, column {column})")


def _check_names(rules: Rules) -> None:
    if "root" not in rules:
        raise _Fault("there is no rule 'root', with which a grammar begins")
    for name, node in rules.items():
        for other in sorted(names_in(node)):
            if other not in rules:
                raise _Fault(f"the rule '{name}' names '{other}', which is not there")
