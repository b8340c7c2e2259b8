"""What stands in the slots of a sentence, read as what each is."""

from __future__ import annotations

import re
from datetime import datetime

from jackfield.errors import InvalidRequest
from jackfield.files.moments import INSTANT, Span, duration
from jackfield.files.words.grammar import NUMBERS
from jackfield.files.words.marks import DURATIONS, PATHS, QUOTES, TIMES, VERSIONS, Marked
from jackfield.files.words.noun_phrases import Named, folder_named, named, text_said, topic_said
from jackfield.files.words.steps import IT, Version, Which
from jackfield.files.words.times import Clock, ending, meant

ALL = Which(every=True)
_NO_PATH = re.compile(r"[*?<>|]|[^\s@/]+@[^\s@/]+\.\w+|^(?:once|twice|again|somewhere|elsewhere|anything)$")
"""Patterns, e-mail addresses, and what is no name."""
_OTHER_TEXT = re.compile(
    rf"[{PATHS}]|^(?:the |a |an |all )?(?:contents?|text|summary|gist|list|lines|copy|overview|versions?) (?:of|from) "
)
"""What is another file's text, or made of it, unless it is quoted."""
NO_FILE = re.compile(r"(?:\w+ )?(?:groups|piles|clusters|topics|categories|heaps|order|place)\b")
"""What things are put into that is neither a file nor a folder."""
_NOT_IN_NAMES = frozenset({
    "to", "with", "that", "which", "and", "into", "in", "is", "from", "be", "it", "then", "for", "until", "if",
    "unless", "by", "of", "at", "please", "back", "should", "not",
})  # fmt: skip


class Parts:
    """What stands in a sentence's slots, read as what each is."""

    def __init__(self, slots: dict[str, str], flags: dict[str, str], marked: Marked, clock: Clock) -> None:
        self.slots = slots
        self.flags = flags
        self.doubt = 0
        self._marked = marked
        self._clock = clock

    def file(self, slot: str = "file") -> Which:
        """Files, or all where none are named."""
        if slot not in self.slots:
            return Which((IT,)) if "it" in self.flags else ALL
        found: Named = named(self.slots[slot], self._marked)
        self.doubt += found.doubt
        return found.which

    def file_from_other(self) -> Which:
        """`the letter from drafts/`: files in a folder; `the file from a.md`: that one. Nothing else is sure."""
        if re.fullmatch(r"(?:it|(?:the |this |that |my )?(?:file|document|note|name))", self.slots["file"]):
            return self.file("other")
        other = self.slots["other"]
        if folder_named(other, self._marked) is None:
            self.doubt += 3 if re.search(f"[{TIMES}{DURATIONS}{VERSIONS}]", other) or "move" not in self.flags else 0
            other = f"folder {other}"
        self.slots["file"] = f"{self.slots['file']} in {other}"
        return self.file()

    def scope(self) -> Which:
        """Where to look: a folder or files of a kind are sure, a name in words is not."""
        if "file" not in self.slots:
            return ALL
        which = self.file()
        if (
            which.names
            and not re.search(f"[{PATHS}{QUOTES}]|folder|directory", self.slots["file"])
            and "*" not in which.names[0]
        ):
            self.doubt += 3
        return which

    def text(self, slot: str = "text") -> str:
        said = self.slots.get("quote") or self.slots.get(slot, "")
        if len(re.findall(f"[{QUOTES}]", said)) and len(said.split()) > 1:
            self.doubt += len(said.split())
        if _OTHER_TEXT.search(said):
            self.doubt += 9
        return text_said(said, self._marked)

    def topic(self) -> str:
        said = self.slots.get("topic", "")
        self.doubt += sum(3 for word in said.split() if re.fullmatch(f"[{VERSIONS}]", word))
        if re.match(r"(?:to|with|that|is|are|and|for|of|by|which|in|into|from) ", said + " "):
            self.doubt += 4
        if re.search(f"[{QUOTES}]", said) and len(said.split()) > 1:
            self.doubt += len(said.split())
        return topic_said(said, self._marked)

    def new(self, slot: str = "new") -> str:
        said = self.slots.get(slot, self.slots.get("path2", self.slots.get("path", "")))
        said = re.sub(r"^(?:the |my |our |a |an )", "", said.strip(" ,:"))
        said = re.sub(r"^(?:folder|directory|file|document) (?:called |named )?(?=\S)|^(?:called|named) ", "", said)
        self.doubt += 3 * sum(word in _NOT_IN_NAMES for word in said.split())
        self.doubt += 4 * bool(NO_FILE.match(said))
        if _NO_PATH.search(text_said(said, self._marked)):
            self.doubt += 9
        if re.search(f"[{QUOTES}{PATHS}]", said) and len(said.split()) > 1:
            self.doubt += 2 * len(said.split())
        return text_said(said, self._marked)

    def version(self, slot: str = "old", *, since: bool = False) -> Version | None:
        """A marked version, or the newest at a marked time."""
        said = self.slots.get("version" if slot == "old" and "version" in self.slots else slot)
        if not said:
            return None
        mark = self._marked.marks[said]
        if mark.version is not None:
            return mark.version
        whole = self._span(said)
        if whole is None:
            self.doubt += 9
            return None
        return Version(at=whole.start - INSTANT if since else whole.end)

    def span(self) -> Span | None:
        """A marked time."""
        return self._span(self.slots["time"]) if "time" in self.slots else None

    def _span(self, mark: str) -> Span | None:
        said = self._marked.marks[mark].said
        if re.fullmatch(f"[{DURATIONS}]", mark):
            return meant(f"{said} ago", self._clock)
        return meant(said, self._clock)

    def until(self) -> datetime | None:
        """When something ends that lasts as said."""
        if "lasting" not in self.slots:
            return None
        end = ending(self._marked.marks[self.slots["lasting"]].said, self._clock)
        if end is None:
            self.doubt += 9
        return end

    def ago(self) -> Version | None:
        """The newest version so long ago."""
        try:
            return Version(at=self._clock.now - duration(self._marked.marks[self.slots["lasting"]].said))
        except InvalidRequest:
            return self._as_version()

    def _as_version(self) -> Version | None:
        whole = self._span(self.slots["lasting"])
        return Version(at=whole.end) if whole else None

    def count(self, slot: str = "count") -> int | None:
        said = self.slots.get(slot)
        if said is None:
            return None
        return int(said) if said.isdecimal() else NUMBERS[said]

    def folder(self, said: str) -> bool:
        return folder_named(said, self._marked) is not None

    def said(self, slot: str) -> str:
        """What stands in a slot, as plain words."""
        return self.slots.get(slot, "")
