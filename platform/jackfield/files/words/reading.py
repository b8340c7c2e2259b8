"""What somebody says of their files, read by rules: sentences apart, politeness away, and the rest held to patterns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

import msgspec

from jackfield.files.words.building import Built, built
from jackfield.files.words.frames import patterns, refusals
from jackfield.files.words.grammar import NUMBERS, OPEN_SLOTS
from jackfield.files.words.marking import Marking
from jackfield.files.words.marks import ANY, PATHS, QUOTES, Marked
from jackfield.files.words.noun_phrases import named
from jackfield.files.words.sentence_files import lines_of
from jackfield.files.words.slips import mendings
from jackfield.files.words.steps import IT, Delete, Link, Lock, Rename, Step, Undelete, Unlink, Unlock, Which
from jackfield.files.words.times import Clock
from jackfield.files.words.verbs import active, base_forms, imperative, is_form_of_a_verb

MOST_WORDS = 40
"""Of one thing to do; what is quoted is one word. Nobody says more, and patterns would take long."""
MOST_PARTS = 12
"""Places at which a command may be parted, at each of its parts."""
SURE = 2
"""Up to this much doubt a reading by rules is taken."""


class Clause(msgspec.Struct, frozen=True):
    """What is to be done once: its words, marked, and the step they were read as, if any."""

    said: str
    marked: Marked
    step: Step | None
    doubt: int = 0
    cost: int = 0
    negated: bool = False
    """It says what is not to be done, and nothing that is."""
    why: str = ""
    """Why words do not do it, where it is understood as something that they do not: a name in `why_not`."""

    @property
    def sure(self) -> bool:
        """Whether the rules know."""
        return self.step is not None and self.doubt <= SURE


_LEADS = re.compile(f"(?:{'|'.join(lines_of('leads'))}) ")
_TAILS = re.compile(f" (?:{'|'.join(lines_of('tails'))}) $")
_SPLIT = re.compile(
    r"(?:[.;!?]\s+|,?\s+(?:and\s+)?(?:then|after that|afterwards|next|finally)\s+|,?\s+and\s+|,\s+)", re.IGNORECASE
)
_CONDITION = re.compile(r"^(?:if|when|whenever|unless|once|should|in case|as soon as|where|wherever) ")
_CONTEXT = re.compile(r"(?:[.;:!?,]\s+|\s[-\u2013\u2014]\s)(?:so |and |but |then |therefore )*", re.IGNORECASE)
_PASSING = re.compile(
    rf"\b(?:the|my|our|this|that) ((?:[^\s{ANY}]+ ){{1,3}}?)"
    r"(?=(?:is|was|are|were|has|have|had|needs?|should|must|can|could|will|again|any|too|got|went|for|to|on|in|at|"
    rf"[{ANY}]) |$)"
)
_FILLERS = re.compile(
    r"\b(?:also|just|really|actually|simply|still|already|perhaps|maybe|quickly|kindly|somehow|all|even|please|exactly|once|"
    r"completely|entirely|right|ever|immediately|directly|finally|there|ugh|hm|hmm) (?=\S)"
)
_NEEDED = {
    "": re.compile(""),
    "address": re.compile(r"[^\s@]+@[^\s@]+\.\w+"),
    "two_paths": re.compile(r"\.\w{1,8}\b.*\.\w{1,8}\b"),
    "later": re.compile(
        r"\b(?:tomorrow|tonight|next (?:week|month|year|\w+day)|in (?:an?|\d+) (?:hour|minute|day|week)s?)\b"
    ),
}
"""What a refusal takes beside its words, by the name that its flag `needs` has."""
_MANNERS = tuple(
    (re.compile(expression), dict(pair.split("=") for pair in flags.split()))
    for expression, _, flags in (line.partition(" => ") for line in lines_of("manners"))
)
_NEGATION = re.compile(
    r"(?:^|.* )(?:not|dont|never|cannot|mustn't|needn't|no need|avoid|refrain from|without|rather than) "
    r"(?:(?:to|be|ever|you|want|wish|have|actually|really|just|yet|by|any|accidentally) )*(?P<verb>\S+) "
)
_DIFF = re.compile(r"\bdiffs?\b")
_LIMIT = re.compile(
    r"(?: ,)? (?:(?:but |and )?(?:show|give|list|return)(?: me)? )?"
    r"(?:only |just |at most |no more than |up to |limit(?:ed)? to )(?:the )?(?:best |first |top )?"
    r"(?P<count>\d{1,3}|[a-z]+)(?: (?:results|hits|passages|of them|matches|files|best|please))?(?= )"
)
_TOP = re.compile(r"(?P<lead>^|.* )(?:the |my )?(?:top|first|best) (?P<count>\d{1,3}|[a-z]+)(?= )")


def clauses(words: str, clock: Clock) -> list[Clause]:
    """What is to be done, one after the other; what could not be read has no step."""
    marking = Marking(clock)
    protected = marking.protected(words)
    return _with_antecedents(_split(protected, marking))


def _split(words: str, marking: Marking) -> list[Clause]:
    """Apart at the first place where both sides are surely something to do, unless the whole explains itself better.

    What was read once is not read again: a place is looked at from every place before it.
    """
    if words not in marking.parted:
        marking.parted[words] = _parted(words, marking)
    return list(marking.parted[words])


def _parted(words: str, marking: Marking) -> list[Clause]:
    whole = _clause(words, marking)
    likely: list[Clause] = []
    for found in islice(_SPLIT.finditer(words), MOST_PARTS):
        left, right = words[: found.start()].strip(" ,"), words[found.end() :].strip(" ,")
        ends = found[0].strip()[:1] in (".", ";", "!", "?") or "then" in found[0].lower()
        if not left or not right or not (ends or _begins_clause(right, marking)):
            continue
        first = _clause(left, marking)
        if not first.sure and (whole.sure or not _is_order(left, marking)):
            continue
        apart = [first, *_split(right, marking)]
        if (whole.sure or whole.why) and whole.cost <= sum(clause.cost for clause in apart):
            continue
        if all(clause.sure for clause in apart) or (ends and first.sure and not whole.sure):
            return apart
        if not likely and _is_order(right, marking) and any(clause.sure or clause.negated for clause in apart):
            likely = apart
    if whole.why:
        return [whole]
    if likely and not whole.sure and not whole.negated:
        return likely
    if not whole.sure and (in_context := _in_context(words, marking)):
        return [in_context]
    return [whole]


def _in_context(words: str, marking: Marking) -> Clause | None:
    """`The draft is useless, delete it`: one thing to do, and its file is named before. None for anything else."""
    for found in islice(_CONTEXT.finditer(words), MOST_PARTS):
        before = Marked(marking.plain(words[: found.start()]), marking.marks)
        rest = _clause(words[found.end() :], marking)
        step = rest.step
        if step is None or not rest.sure or getattr(step, "file", Which()).names != (IT,):
            continue
        name = _spoken_of(before.text)
        if name is None or _CONDITION.match(before.text):
            continue
        which = named(name, before)
        if which.doubt <= SURE:
            said = f"{before.spoken(before.text)}, {rest.said}"
            return Clause(
                said, rest.marked, msgspec.structs.replace(step, file=which.which), which.doubt, rest.cost + 2
            )
    return None


def _spoken_of(text: str) -> str | None:
    """The file that words speak of in passing: the only path or quote, else what follows the only article."""
    paths = re.findall(f"[{PATHS}]", text) or re.findall(f"[{QUOTES}]", text)
    if paths:
        return " and ".join(paths)
    found = _PASSING.findall(text)
    return found[0] if len(found) == 1 else None


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


def _is_order(words: str, marking: Marking) -> bool:
    """Whether words begin with a verb and go on: `delete the old plan`."""
    text = _without_politeness(marking.plain(words))
    first, _, rest = text.partition(" ")
    return bool(rest.strip()) and (first in base_forms() or _is_negated(text))


def _is_negated(text: str) -> bool:
    """Whether plain words say that something is not to be done: `do not delete it`, `it must not be deleted`."""
    found = _NEGATION.match(text)
    return found is not None and is_form_of_a_verb(found["verb"])


def _clause(words: str, marking: Marking) -> Clause:
    text = _without_politeness(marking.plain(words))
    marked = Marked(text, marking.marks)
    if len(text.split()) > MOST_WORDS:
        return Clause(marked.spoken(text), marked, None)
    found = _read(text, marked, marking.clock)
    if (found is None or found.reading.doubt > SURE) and (bare := _FILLERS.sub("", text)) != text:
        found = _read(bare, marked, marking.clock) or found
    for mended in mendings(text, swapped_only=found is not None and found.reading.doubt <= SURE):
        again = _read(mended, marked, marking.clock)
        if again and (found is None or again.cost < found.cost):
            found = again
    said = marked.spoken(text) or marked.spoken(words)
    unsure = found is None or found.reading.doubt > SURE
    if unsure and _is_negated(text):
        return Clause(said, marked, None, negated=True)
    refused = _refused(text, marked, late=unsure)
    if refused and (found is None or unsure or refused.cost < max(found.cost, 1)):
        return Clause(said, marked, None, cost=refused.cost, why=refused.why)
    if found is None:
        return Clause(said, marked, None)
    return Clause(said, marked, found.reading.step, found.reading.doubt, found.cost)


class _Refused(msgspec.Struct, frozen=True):
    cost: int
    why: str


def _refused(text: str, marked: Marked, *, late: bool) -> _Refused | None:
    """What no call does that words say, by the pattern that leaves fewest of them open; `late` ones where asked for."""
    found: list[_Refused] = []
    for pattern in refusals():
        slots = pattern.slots(text)
        if (
            slots is None
            or ("late" in pattern.flags and not late)
            or not _NEEDED[pattern.flags.get("needs", "")].search(marked.spoken(text))
        ):
            continue
        words = sum(len(slots[name].split()) for name in OPEN_SLOTS if name in slots)
        found.append(_Refused(2 * words, pattern.flags["why"]))
    return min(found, key=lambda one: one.cost, default=None)


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
    wordings = [text, imperative(text), *([" ".join(turned.split()) + " "] if turned else [])]
    return list(dict.fromkeys(wordings))


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
    for expression, meaning in _MANNERS:
        text, count = expression.subn("", text)
        if count:
            flags |= meaning
    if _DIFF.search(text):
        flags["lines"] = "1"
    for expression in (_LIMIT, _TOP):
        if (found := expression.search(text)) and _is_count(found["count"]):
            flags["count"] = found["count"]
            lead = found.groupdict().get("lead") or ""
            text = text[: found.start()] + lead + text[found.end() :].lstrip()
            if expression is _LIMIT:
                text = text.rstrip() + " "
    return " ".join(text.split()) + " ", flags


def _is_count(said: str) -> bool:
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
    """`it` is only somebody's file where a step before it has one.

    Who says again what is done to it gives a reason: `delete the plan, I don't need it any more`.
    """
    checked: list[Clause] = []
    for clause in found:
        step = clause.step
        if step is not None and not checked and IT in getattr(step, "file", Which()).names:
            clause = msgspec.structs.replace(clause, doubt=clause.doubt + SURE + 1)
        if step is not None and checked and step == _again(checked[-1].step):
            continue
        checked.append(clause)
    return checked


def _again(step: Step | None) -> Step | None:
    """The same said of `it`; None for calls that do something else the second time."""
    if not isinstance(step, Delete | Undelete | Lock | Unlock | Link | Unlink | Rename):
        return None
    return msgspec.structs.replace(step, file=Which((IT,)))
