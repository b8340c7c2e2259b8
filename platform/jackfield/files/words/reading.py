"""What somebody says of their files, read by rules: sentences apart, politeness away, patterns held against the rest."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from jackfield.files.words.building import Built, built
from jackfield.files.words.frames import patterns
from jackfield.files.words.grammar import OPEN_SLOTS
from jackfield.files.words.marking import Marking
from jackfield.files.words.marks import Marked
from jackfield.files.words.slips import mendings
from jackfield.files.words.steps import IT, Step, Which
from jackfield.files.words.times import Clock
from jackfield.files.words.verbs import active, base_forms, imperative

SURE = 4
"""Up to this much doubt a reading by rules is taken."""


class Clause(msgspec.Struct, frozen=True):
    """What is to be done once: its words, marked, and the step they were read as, if any."""

    said: str
    marked: Marked
    step: Step | None
    doubt: int = 0
    cost: int = 0

    @property
    def sure(self) -> bool:
        """Whether the rules know."""
        return self.step is not None and self.doubt <= SURE


_LEADS = re.compile(
    r"(?:please|kindly|hey|hi|hello|ok|okay|so|now|then|also|next|finally|first|after that|afterwards|and|well|right|alright|,|"
    r"jackfield|just|quickly|dear|actually|thanks|um|uh|well then|if you can|if possible|if you would|if you do not mind|"
    r"could you tell me|can you tell me|could you please|"
    r"(?:can|could|would|will|might) you(?: please| kindly| just| perhaps| maybe| possibly| quickly)*|"
    r"(?:can|could|may|might) (?:i|we)(?: please| just| perhaps| maybe)*(?= (?:have|get|see|read|look|view|find|search|rename|delete|"
    r"move|share|lock|unlock|undo|restore|list|compare|group|merge|join|summari[sz]e|add|append|create|put|go|revert|roll|remove|open|"
    r"know|undelete|recover|index|make|stop|combine|cluster|revoke)\b)|"
    r"(?:can|could) (?:i|we) (?:please )?have you|"
    r"(?:i|we) (?:want|need|would like|wish|would love|would want|would prefer|require) (?:you )?to(?= (?!see\b|know\b|read\b|view\b|have\b|look\b|share\b|find\b|open\b|check\b|list\b|get\b))|"
    r"(?:i|we) (?:want|need|would like|wish|would love|would want) you to|"
    r"(?:i|we) (?:should|must|have to|need to|ought to|shall|might as well|had better|will have to)(?= )|"
    r"you (?:should|must|may|can|could|need to|have to|might)|"
    r"let us|let me(?= (?:rename|delete|move|share|lock|unlock|undo|restore|list|compare|group|merge|join|add|append|create|put|revert|roll|remove|find|search)\b)|"
    r"go ahead and|would you mind|do you mind|mind|be so kind as to|be so good as to|be a dear and|do me a favour and|do me a favor and|"
    r"do me a favour ,|do me a favor ,|i was wondering if you could|i wonder if you could|it would be (?:great|nice|good|lovely|helpful) if you could|"
    r"is it possible to|would it be possible to|is there a way to|is there any way to|it is time to|time to|help me(?: to)?|try to|"
    r"(?:make sure|be sure|remember|do not forget|feel free) to|i think you should|i think we should|i guess you should|"
    r"how about|what about(?= \w+ing\b)|why do not you|why not|we had better|you had better|i would be grateful if you could|i would appreciate it if you could|"
    r"simply|immediately|once more|again ,|i would ask you to|start by|begin by|proceed to|your task is to|the next step is to|"
    r"i would suggest|sorry ,|sorry|excuse me|one more thing|by the way|oh|yes|no|ah|anyway) "
)
_TAILS = re.compile(
    r" (?:please|thanks|thank you|many thanks|thanks a lot|thank you very much|for me|for us|if you can|if you could|if you would|if possible|would you|"
    r"will you|can you|could you|right now|right away|immediately|at once|asap|as soon as possible|cheers|ta|,|straight away|"
    r"if you do not mind|if that is possible|when you can|when you have time|when you get a chance|kindly|thx|today please|"
    r"as soon as you can|ok|okay|quickly|if it is not too much trouble|if that is ok|if that is okay|would you mind|mate|friend|"
    r"jackfield|my friend|dear|will ya|i think|i guess|i suppose|then|as well|too|at all|is it possible|this instant) $"
)
_SPLIT = re.compile(
    r"(?:[.;!?]\s+|,?\s+(?:and\s+)?(?:then|after that|afterwards|next|finally)\s+|,?\s+and\s+|,\s+)", re.IGNORECASE
)
_MODIFIERS: tuple[tuple[re.Pattern[str], dict[str, str]], ...] = (
    (
        re.compile(
            r"(?: ,)? (?:by keywords?|literally|word for word|by exact words?|using keyword search|with keyword search|by the exact words|"
            r"verbatim|using keywords|as a keyword|exactly like that|exactly as written|exactly|by words|by full text)(?= )"
        ),
        {"mode": "keyword"},
    ),
    (
        re.compile(
            r"(?: ,)? (?:by meaning|by its meaning|semantically|by sense|using semantic search|with semantic search|by similarity|"
            r"even if (?:the|other|they use other|it uses other|different) words(?: are)?(?: different| used)?|in any words|whatever the words|in whatever words|"
            r"not just the words|by what they mean|conceptually|going by meaning|not word for word|rather than by words)(?= )"
        ),
        {"mode": "meaning"},
    ),
    (
        re.compile(r"(?: ,)? (?:by keywords? and (?:by )?meaning|both ways|in both ways|by words and meaning)(?= )"),
        {"mode": "hybrid"},
    ),
)
_LINES = re.compile(
    r"(?: ,)? (?:line by line|as a diff|as a unified diff|in lines|word by word|as diff|with all lines|in diff form|as lines)(?= )|"
    r"\b(?:a |the )?(?:line by line|line-by-line|unified|textual|line) (?=diff)"
)
_DIFF = re.compile(r"\bdiffs?\b")
_LIMIT = re.compile(
    r"(?: ,)? (?:(?:but |and )?(?:show|give|list|return)(?: me)? )?(?:only |just |at most |no more than |up to |limit(?:ed)? to )(?:the )?(?:best |first |top )?(?P<count>\d{1,3}|[a-z]+)"
    r"(?: (?:results|hits|passages|of them|matches|files|best|please))?(?= )"
)
_TOP = re.compile(
    r"(?P<lead>^|.* )(?:the |my )?(?:top|first|best) (?P<count>\d{1,3}|two|three|four|five|six|seven|eight|nine|ten|twelve|twenty)(?= )"
)


def clauses(words: str, clock: Clock) -> list[Clause]:
    """What is to be done, one after the other; what could not be read has no step."""
    marking = Marking(clock)
    protected = marking.protected(words)
    return _with_antecedents(_split(protected, marking))


def _split(words: str, marking: Marking) -> list[Clause]:
    """Apart at the first place where both sides are surely something to do, unless the whole explains itself better."""
    whole = _clause(words, marking)
    for found in _SPLIT.finditer(words):
        left, right = words[: found.start()].strip(" ,"), words[found.end() :].strip(" ,")
        ends = found[0].strip()[:1] in (".", ";", "!", "?") or "then" in found[0].lower()
        if not left or not right or not (ends or _begins_clause(right, marking)):
            continue
        first = _clause(left, marking)
        if not first.sure:
            continue
        apart = [first, *_split(right, marking)]
        if whole.sure and whole.cost <= sum(clause.cost for clause in apart):
            continue
        if all(clause.sure for clause in apart) or (ends and not whole.sure):
            return apart
    return [whole]


def _begins_clause(words: str, marking: Marking) -> bool:
    text = _without_politeness(marking.plain(words))
    first = text.split(" ", 1)[0]
    return first in base_forms() or first in (
        "what",
        "which",
        "who",
        "when",
        "where",
        "how",
        "do",
        "tell",
        "i",
        "nobody",
        "is",
    )


def _clause(words: str, marking: Marking) -> Clause:
    text = _without_politeness(marking.plain(words))
    marked = Marked(text, marking.marks)
    found = _read(text, marked, marking.clock)
    for mended in mendings(text, swapped_only=found is not None and found.reading.doubt <= SURE):
        again = _read(mended, marked, marking.clock)
        if again and (found is None or again.cost < found.cost):
            found = again
    if found is None:
        return Clause(marked.spoken(text), marked, None)
    return Clause(marked.spoken(text), marked, found.reading.step, found.reading.doubt, found.cost)


class _Read(msgspec.Struct, frozen=True):
    """A reading, and how much of the sentence it takes for names, doubts included."""

    cost: int
    order: int
    reading: Built


def _read(text: str, marked: Marked, clock: Clock) -> _Read | None:
    """The reading in which fewest words are taken for names, of all wordings of a sentence."""
    found = [reading for wording in _wordings(text) for reading in _readings(wording, marked, clock)]
    return min(found, key=lambda read: (read.cost, read.order), default=None)


def _wordings(text: str) -> list[str]:
    """A sentence as it stands, as an order, and in the active voice."""
    turned = active(text)
    return list(dict.fromkeys([text, imperative(text), *([" ".join(turned.split()) + " "] if turned else [])]))


def _readings(text: str, marked: Marked, clock: Clock) -> Iterator[_Read]:
    plain, flags = _unmodified(text)
    for order, pattern in enumerate(patterns()):
        modified = pattern.call in ("find", "compare")
        slots = pattern.slots(plain if modified else text)
        if slots is None:
            continue
        said = dict(flags) if modified else {}
        if "count" in said and pattern.call == "find":
            slots.setdefault("count", said["count"])
        reading = built(pattern.call, slots, pattern.flags | said, marked, clock)
        if reading:
            words = sum(len(slots[name].split()) for name in OPEN_SLOTS if name in slots)
            yield _Read(2 * reading.doubt + 2 * words, order, reading)


def _unmodified(text: str) -> tuple[str, dict[str, str]]:
    """A sentence without what only says how to look, and that."""
    flags: dict[str, str] = {}
    for expression, meaning in _MODIFIERS:
        text, count = expression.subn("", text)
        if count:
            flags |= meaning
    if _LINES.search(text) or _DIFF.search(text):
        flags["lines"] = "1"
        text = _LINES.sub("", text)
    for expression in (_LIMIT, _TOP):
        if (found := expression.search(text)) and _is_count(found["count"]):
            flags["count"] = found["count"]
            lead = found.groupdict().get("lead") or ""
            text = text[: found.start()] + lead + text[found.end() :].lstrip()
            if expression is _LIMIT:
                text = text.rstrip() + " "
    return " ".join(text.split()) + " ", flags


def _is_count(said: str) -> bool:
    from jackfield.files.words.grammar import NUMBERS

    return said.isdecimal() or said in NUMBERS


def _without_politeness(text: str) -> str:
    before = None
    while before != text:
        before = text
        text = _LEADS.sub("", text, count=1) if _LEADS.match(text) else text
        if len(text.split()) > 1:
            text = _TAILS.sub(" ", text)
    return text.strip(" ,") + " "


def _with_antecedents(found: list[Clause]) -> list[Clause]:
    """`it` is only somebody's file where a step before it has one."""
    checked: list[Clause] = []
    for clause in found:
        step = clause.step
        if step is not None and not checked and IT in getattr(step, "file", Which()).names:
            clause = msgspec.structs.replace(clause, doubt=clause.doubt + SURE + 1)
        checked.append(clause)
    return checked
