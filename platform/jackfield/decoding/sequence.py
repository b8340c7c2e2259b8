"""One request on its way through the batches: its tokens, how many are evaluated, what it has said."""

from __future__ import annotations

from collections.abc import Sequence

from jackfield.contracts.engine import Sampler, TokenEngine
from jackfield.decoding.handle import SequenceHandle
from jackfield.decoding.request import PRIORITIES, DecodeRequest, Delivery, Delta, Ended, Injected, Parked, Stopped
from jackfield.decoding.safe_points import SafePoints
from jackfield.decoding.scores import token_score
from jackfield.decoding.text import TextStream
from jackfield.errors import ContextOverflow
from jackfield.events import FinishReason, TokenScore, Usage

OVERTAKEN_PER_RANK = 128
"""A request that so many later ones overtook counts as one class more urgent."""

SHORT_PREFILL = 96
"""Tokens up to which a prompt is soon read, and need not wait for longer ones."""


class DecodingSequence:
    """The state of one request; only the loop's thread touches it. `number` tells the order of arrival."""

    def __init__(self, handle: SequenceHandle, request: DecodeRequest, number: int) -> None:
        self.handle = handle
        self.request = request
        self.number = number
        self.tokens = [*request.prompt, *request.written]
        self.evaluated = 0
        self.written = len(request.written)
        self.slot: int | None = None
        self.overtaken = 0
        self.common_with: dict[DecodingSequence, int] = {}
        self.reads_little = False
        self.parked = False
        self._cached: int | None = None
        self._injected: list[Sequence[int]] = []
        self._sampler: Sampler | None = None
        self._text = TextStream(request.stop)
        self._safe_points = SafePoints(request.blocks, request.parks_at)
        self._told_before = request.told
        self._unsaid_tokens = 0
        self._unsaid_ids: list[int] = []
        self._unsaid_scores: list[TokenScore] = []

    @property
    def family(self) -> str:
        """Whom it can share a prefix and a forward pass with: requests with the same adapter."""
        return self.request.adapter.key if self.request.adapter else ""

    @property
    def pending(self) -> int:
        """Tokens that are not evaluated yet; one while decoding, more during prefill."""
        return len(self.tokens) - self.evaluated

    @property
    def prefilling(self) -> bool:
        """Whether more than the newest token must be evaluated before the next can be drawn."""
        return self.pending > 1

    @property
    def rank(self) -> int:
        """How urgent it is, 0 the most; whoever was overtaken for long rises."""
        rank = PRIORITIES.index(self.request.priority)
        return max(0, rank - self.overtaken // OVERTAKEN_PER_RANK)

    @property
    def admitted_before(self) -> bool:
        """Whether it ran already, and was preempted since."""
        return self._cached is not None

    @property
    def usage(self) -> Usage:
        """Tokens read and written so far."""
        prompt_tokens = len(self.request.prompt)
        return Usage(
            prompt_tokens=prompt_tokens,
            completion_tokens=self.written,
            cached_tokens=min(self._cached or 0, prompt_tokens),
        )

    def begin(self, slot: int, cached: int) -> int:
        """Take a slot that holds the first `cached` tokens; how many are left to evaluate, 0 where it ran before."""
        self.slot = slot
        self.evaluated = cached
        self.common_with.clear()
        if self._cached is not None:
            return 0
        self._cached = cached
        self.reads_little = self.pending <= SHORT_PREFILL
        return self.pending

    def prepare(self, engine: TokenEngine) -> list[Delivery]:
        """Make the sampler, once, so that draws before and after a preemption are one series.

        Gives what was written before and not told yet; the last delivery may be an Ended.
        """
        if self._sampler is not None:
            return []
        self._sampler = engine.sampler(self.request.sampling, self.request.constraint)
        recent = min(self.request.sampling.penalty_window, len(self.request.prompt))
        for token in self.request.prompt[len(self.request.prompt) - recent :]:
            self._sampler.accept(token)
        return self._repeated(engine, self._sampler) if self.request.written else []

    def _repeated(self, engine: TokenEngine, sampler: Sampler) -> list[Delivery]:
        """Go through what was written before once more, with everything that follows the answer."""
        untold, last = "", list[Delivery]()
        for written, token in enumerate(self.request.written, 1):
            self.written = written
            sampler.repeat(token)
            deliveries = self._followed(engine, token, sampler, length=len(self.request.prompt) + written)
            untold += "".join(delivery.text for delivery in deliveries if isinstance(delivery, Delta))
            last = [delivery for delivery in deliveries[-1:] if isinstance(delivery, Ended | Parked)]
            if any(isinstance(delivery, Ended) for delivery in last):
                break
        self._unsaid_tokens, self._unsaid_ids, self._unsaid_scores = 0, [], []
        return [*([Delta(text=untold, tokens=0)] if untold else []), *last]

    def inject(self, tokens: Sequence[int]) -> None:
        """Have tokens put in at the next safe point, for which a parked sequence goes on."""
        self.parked = False
        self._injected.append(tokens)

    def room_to_draft(self, context_length: int) -> int:
        """Tokens that it could still hold beyond the next that is drawn; none where it wants no lookahead."""
        if not self.request.lookahead:
            return 0
        return min(self.request.max_tokens - self.written - 1, context_length - len(self.tokens))

    def take_injected(self, context_length: int) -> list[Delivery]:
        """Put in what waits, where the text is whole and in no block; raises ContextOverflow where it has no room."""
        if not self._injected or not self._text.is_whole or not self._safe_points.here:
            return []
        tokens = [token for injected in self._injected for token in injected]
        self._injected = []
        if len(self.tokens) + len(tokens) >= context_length and not self.request.slides:
            raise ContextOverflow(prompt_tokens=len(self.tokens) + len(tokens), context_length=context_length)
        self.tokens += tokens
        self._safe_points.forget()
        if self._sampler is not None:
            for token in tokens:
                self._sampler.accept(token)
        return [Injected(tokens=len(tokens), written=self.written)]

    def draw(self, engine: TokenEngine, row: int) -> list[Delivery]:
        """Draw the next token from a row and give what became certain; the last delivery may be an Ended."""
        if self._sampler is None:
            raise AssertionError("a sequence draws only after it was prepared")
        token = self._sampler.sample(row)
        self.tokens.append(token)
        self.written += 1
        if self.request.logprobs is not None and not self._is_end(engine, token):
            self._unsaid_scores.append(token_score(engine, row, token, self.request.logprobs))
        return self._followed(engine, token, self._sampler, length=len(self.tokens))

    def _followed(self, engine: TokenEngine, token: int, sampler: Sampler, *, length: int) -> list[Delivery]:
        """What a token makes certain that was written as the last of so many."""
        self._unsaid_ids.append(token)
        if self._is_end(engine, token):
            return self._end("stop")
        self._unsaid_tokens += 1
        said = self._say(self._text.feed(engine.piece(token)))
        if self._text.stopped:
            return [*said, Ended(reason="stop", usage=self.usage, stop=self._text.stop_found)]
        if sampler.complete:
            return [*said, *self._end("stop")]
        out_of_room = length >= engine.limits.context_length and not self.request.slides
        if self.written >= self.request.max_tokens or out_of_room:
            return [*said, *self._end("length")]
        return [*said, Parked()] if self.parked else said

    def stop(self) -> list[Delivery]:
        """End before the end: what was held back for a stop string is said, since none will complete it."""
        return [*self._say(self._text.finish()), Stopped(usage=self.usage)]

    def close(self) -> None:
        """Free the sampler."""
        self.common_with.clear()
        if self._sampler is not None:
            self._sampler.close()
            self._sampler = None

    def _is_end(self, engine: TokenEngine, token: int) -> bool:
        return token in engine.model.end_tokens and not self.request.ignore_end

    def _say(self, text: str) -> list[Delivery]:
        parks = self._safe_points.feed(text)
        # What waits to be put in is what a parked sequence would wait for.
        self.parked = parks and not self._injected
        text, self._told_before = text[self._told_before :], max(0, self._told_before - len(text))
        if not text and not (self.request.ignore_end and self._unsaid_tokens):
            return []
        delta = Delta(
            text=text, tokens=self._unsaid_tokens, scores=tuple(self._unsaid_scores), ids=tuple(self._unsaid_ids)
        )
        self._unsaid_tokens, self._unsaid_ids, self._unsaid_scores = 0, [], []
        return [delta]

    def _end(self, reason: FinishReason) -> list[Delivery]:
        said = self._say(self._text.finish())
        stop = self._text.stop_found
        return [*said, Ended(reason=reason if stop is None else "stop", usage=self.usage, stop=stop)]
