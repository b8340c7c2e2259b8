"""What the steps of a plan gave, each with where its text comes from and what else it may have been made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from jackfield.messages import Provenance, Span
from jackfield.tools.provenance import is_tainted
from jackfield_plugins.agents.plan_then_work.references import REFERENCE


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """A step's result; `causes` are the tainted spans that its words may come from, its own among them."""

    text: str
    provenance: Provenance = "system"
    failed: bool = False
    causes: tuple[Span, ...] = ()

    @classmethod
    def made_of(cls, text: str, provenance: Provenance, sources: Iterable[Span], *, failed: bool = False) -> Evidence:
        """A result and its causes."""
        own = Span(text, provenance)
        causes = (*sources, own) if is_tainted(own) else tuple(sources)
        return cls(text=text, provenance=provenance, failed=failed, causes=tuple(dict.fromkeys(causes)))

    def shown(self, limit: int | None = None) -> tuple[Span, ...]:
        """Its text, cut with a notice where it is longer than so many characters."""
        if limit is None or len(self.text) <= limit:
            return (Span(self.text, self.provenance),)
        notice = f" [Only the first {limit} of {len(self.text)} characters are shown.]"
        return Span(self.text[:limit], self.provenance), Span(notice, "system")


def causes_of(evidence: Iterable[Evidence]) -> tuple[Span, ...]:
    """All that results may have been made of, each once."""
    return tuple(dict.fromkeys(span for each in evidence for span in each.causes))


def filled_spans(text: str, evidence: Mapping[int, Evidence]) -> Iterator[Span]:
    """A planner's words with results in the place of their labels, each span of its own origin."""
    end = 0
    for found in REFERENCE.finditer(text):
        if result := evidence.get(int(found[1])):
            yield from _words(text[end : found.start()])
            yield from result.shown()
            end = found.end()
    yield from _words(text[end:])


def _words(text: str) -> Iterator[Span]:
    if text:
        yield Span(text, "assistant")
