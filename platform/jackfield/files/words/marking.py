"""Words made plain for reading: quotes, paths, times and versions each stand as one mark, the rest in small letters."""

from __future__ import annotations

import re
from typing import Any

from jackfield.files.moments import INSTANT
from jackfield.files.words.marks import ANY, BLOCK, FIRST, QUOTES, Mark
from jackfield.files.words.sentence_files import lines_of
from jackfield.files.words.steps import Version
from jackfield.files.words.times import DURATION, TIME, Clock, ending, meant
from jackfield.files.words.verbs import base_forms
from jackfield.files.words.versions import READINGS, Meaning

_QUOTED = re.compile(
    '"([^"]+)"|\u201c([^\u201d]+)\u201d|\u2018([^\u2019]+)\u2019|`([^`]+)`|\u00ab([^\u00bb]+)\u00bb|'
    "\u201e([^\u201c\u201d]+)[\u201c\u201d]|" + r"(?<![\w\'])\'((?:[^\']|\'(?=\w))+)\'(?!\w)"
)
_PATH = re.compile(
    r"(?<![\w/.*~-])(?:"
    r"(?:[\w.~@+-]+/)+[\w-]+"  # a/big b.md
    r"(?: (?!(?:to|into|as|and|or|with|from|in|of|onto|called|named|for|under|is|but|by|at|on|over)\b)[\w-]+){1,3}"
    r"\.[A-Za-z]\w{0,7}(?!\w)"
    r"|(?:[\w.*?~@+-]+/)+[\w.*?@+-]*[\w*/]"  # a/b, a/b.md, */x
    r"|(?:[\w.*?~@+-]+/)+"  # a folder/
    r"|\*[\w.*?-]*"  # *.md
    r"|\.?[\w@+-]+(?:\.[\w@+-]+)*\.(?![\d.]+\b)[A-Za-z]\w{0,7}(?!\w)"  # budget.xlsx, a.b.md
    r")",
)
_NO_PATHS = frozenset({"and/or", "e.g", "i.e", "his/her", "n/a", "w/o", "24/7", "a.m", "p.m", "etc.pp", "he/she"})

_CONTENT_VERB = re.compile(
    r"^\W*(?:(?:please|now|then|can you|could you|would you|kindly|also|ok|okay|so|and|just|i want to|i would like to|"
    r"i'd like to|let's|let us|go ahead and|quickly)\s+)*"
    r"(?:append|add|write|create|overwrite|replace|put|note|jot|log|save|set|make|insert|rewrite|start|tack|record|stick|"
    r"pop|in|to|at|change|let|the (?:text|contents?) of|include|enter|store|new|update|draft)\b",
    re.IGNORECASE,
)
_CONTRACTIONS = {
    r"\b(what|who|where|when|how|that|there|here|it)'s\b": r"\1 is",
    r"\b(what|who|where|how)'re\b": r"\1 are",
    r"\blet's\b": "let us",
    r"\b(i|we|you|they)'d\b": r"\1 would",
    r"\b(i|we|you|they)'ll\b": r"\1 will",
    r"\b(i|we|you|they)'ve\b": r"\1 have",
    r"\bi'm\b": "i am",
    r"\b(we|they|you)'re\b": r"\1 are",
    r"\bdon't\b": "do not",
    r"\bdoesn't\b": "does not",
    r"\bdidn't\b": "did not",
    r"\bisn't\b": "is not",
    r"\bcan't\b": "can not",
    r"\bwon't\b": "will not",
    r"\bshouldn't\b": "should not",
    r"\bwasn't\b": "was not",
    r"\bwhats\b": "what is",
    r"\blets\b": "let us",
    r"\bgimme\b": "give me",
    r"\blemme\b": "let me",
    r"\bwanna\b": "want to",
    r"\bpls\b|\bplz\b": "please",
    r"\bu\b": "you",
    r"\bteh\b|\bhte\b": "the",
}
_UNSURE_TIMES = frozenset(lines_of("unsure_times"))
_LEADS_TIME = re.compile(
    r"\b(?:in|on|since|from|of|until|till|by|at|after|before|last|as|to|was|looked|during|between|and|for|within|next)\s*$"
)


_SEQUENCE = re.compile(r"^(?:first|second|third|last)(?:ly)?(?: of all)? (?:, )?(?=(\w+) (?!of |for ))")


def _unnumbered(found: re.Match[str]) -> str:
    """`first copy a.md to b.md` is to copy, and `first copy of a.md` a version."""
    return "" if found[1] in base_forms() else found[0]


class Marking:
    """Marks of one command, in the order in which they are made."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.marks: dict[str, Mark] = {}
        self.parted: dict[str, list[Any]] = {}
        """What parts of the command were read as, by their words."""
        self._used = [0] * 5

    def protected(self, words: str) -> str:
        """What was quoted, written behind a colon, or is a path, as marks."""
        words = re.sub(f"[{ANY}]", " ", words)
        words = _QUOTED.sub(lambda found: self._mark(0, next(filter(None, found.groups()))), words)
        words = re.sub(r"\b(?:adn|nad|annd)\b", "and", self._content(words), flags=re.IGNORECASE)
        return _PATH.sub(self._path, words)

    def plain(self, words: str) -> str:
        """Small letters, one space behind each word, times and versions as marks."""
        text = words.replace("\u2019", "'").replace("`", "'").lower()
        for contraction, whole in _CONTRACTIONS.items():
            text = re.sub(contraction, whole, text)
        text = re.sub(r"[.!?]+(?=\s|$)|(?<=\s)[-\u2013\u2014]+(?=\s)|[()\"]", " ", text)
        text = re.sub(r"(?<=\S)[,;:](?=\s|$)", " ,", text)
        text = re.sub(rf"(?<=[a-z0-9{ANY}])'s\b", " 's", text)
        text = re.sub(r"(?<=s)'(?=\s|$)", " 's", text)
        text = self._times(_SEQUENCE.sub(_unnumbered, " ".join(text.split()) + " "))
        text = self._versions(text)
        return re.sub(r"(?: ,)+ (?=$)", " ", text) if text.strip() else ""

    def _mark(self, kind: int, said: str, version: Version | None = None) -> str:
        character = chr(FIRST + kind * BLOCK + min(self._used[kind], BLOCK - 1))
        self._used[kind] += 1
        self.marks[character] = Mark(said, version)
        return character

    def _content(self, words: str) -> str:
        """`add to todo.md: buy milk. Call Bob`: all behind the colon is to be written."""
        found = re.search(r":\s+(?=\S)", words)
        if not found or not _CONTENT_VERB.match(words) or re.match(rf"[{QUOTES}]", words[found.end() :]):
            return words
        return f"{words[: found.start()]} : {self._mark(0, words[found.end() :].strip())}"

    def _path(self, found: re.Match[str]) -> str:
        path = found[0]
        if path.lower() in _NO_PATHS or re.fullmatch(r"\d+/\d+(/\d+)?", path):
            return path
        return self._mark(1, path)

    def _times(self, text: str) -> str:
        def marked(found: re.Match[str]) -> str:
            said = found[0]
            sure = said not in _UNSURE_TIMES or _LEADS_TIME.search(text[: found.start()])
            bounded = text[found.end() : found.end() + 1] in (" ", ",") and (
                found.start() == 0 or text[found.start() - 1] == " "
            )
            reads = meant(said, self.clock) or ending(said, self.clock)
            return self._mark(2, said) if sure and bounded and reads else said

        text = TIME.sub(marked, text)
        return DURATION.sub(
            lambda found: (
                self._mark(4, found[0])
                if re.search(r"(?:^|\s)$", text[: found.start()])
                and text[found.end() : found.end() + 1] == " "
                and (found[0] not in _UNSURE_TIMES or _LEADS_TIME.search(text[: found.start()]))
                and ending(found[0], self.clock)
                else found[0]
            ),
            text,
        )

    def _versions(self, text: str) -> str:
        for expression, meaning in READINGS:
            text = expression.sub(lambda found, meaning=meaning: self._version(found, meaning), text)  # type: ignore[misc]
        return text

    def _version(self, found: re.Match[str], meaning: Meaning) -> str:
        version = meaning(found, self.moment)
        return found[0] if version is None else self._mark(3, found[0].strip(), version) + " "

    def moment(self, mark: str, before: bool) -> Version | None:
        """The newest version at a marked time, or right before it."""
        whole = meant(self.marks[mark].said, self.clock)
        if whole is None:
            return None
        return Version(at=whole.start - INSTANT if before else whole.end)
