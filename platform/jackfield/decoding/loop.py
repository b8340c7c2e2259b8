"""The decode loop: one thread, one engine; each step schedules, evaluates, draws and delivers."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterable, Sequence

import msgspec
import structlog

from jackfield.contracts.engine import TokenEngine
from jackfield.decoding.batch import batch_of
from jackfield.decoding.cache_use import CacheUse
from jackfield.decoding.handle import Parcel, SequenceHandle, post
from jackfield.decoding.kv_cache import KVCache
from jackfield.decoding.loaded_adapters import LoadedAdapters
from jackfield.decoding.lookahead.planner import Lookahead
from jackfield.decoding.lookahead.verification import drawn_tokens
from jackfield.decoding.request import LAST_DELIVERIES, Admitted, Broken, DecodeRequest, Delivery
from jackfield.decoding.saved_prefixes import SavedPrefixes
from jackfield.decoding.scheduler import Scheduler, Share
from jackfield.decoding.sequence import DecodingSequence
from jackfield.decoding.sliding import left_of, slide
from jackfield.errors import CellsExhausted, ContextOverflow, EngineFailure, JackfieldError, Overloaded, ShuttingDown

log = structlog.get_logger()


class LoopStatistics(msgspec.Struct, kw_only=True):
    """What a loop has done since it began; times in seconds. Of `prompt_tokens`, `cached_tokens` were not evaluated."""

    steps: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    prefilled_tokens: int = 0
    drawn_tokens: int = 0
    drafted_tokens: int = 0
    accepted_tokens: int = 0
    preemptions: int = 0
    restored_tokens: int = 0
    used_cells: int = 0
    evictions: int = 0
    evaluating: float = 0.0
    stepping: float = 0.0

    @property
    def hit_rate(self) -> float:
        """The part of all prompt tokens that was cached."""
        return self.cached_tokens / self.prompt_tokens if self.prompt_tokens else 0.0


class DecodeLoop:
    """Continuous batching over one engine; any thread may call it, and only its own thread uses the engine."""

    def __init__(
        self,
        engine: TokenEngine,
        *,
        queue_limit: int = 512,
        saved: SavedPrefixes | None = None,
        lookahead: Lookahead | None = None,
    ) -> None:
        self.engine = engine
        self.statistics = LoopStatistics()
        self._queue_limit = queue_limit
        self._saved = saved or SavedPrefixes()
        self._cache = KVCache(engine, self._saved)
        self._scheduler = Scheduler(engine.limits, self._cache)
        self._lookahead = lookahead or Lookahead(())
        self._adapters = LoadedAdapters(engine)
        self._arrivals = itertools.count()
        self._wake = threading.Condition()
        self._submitted: list[DecodingSequence] = []
        self._cancelled: set[SequenceHandle] = set()
        self._injected: list[tuple[DecodingSequence, Sequence[int]]] = []
        self._resumed: list[DecodingSequence] = []
        self._sequences: dict[SequenceHandle, DecodingSequence] = {}
        self._closing = False
        self._parcels: dict[SequenceHandle, list[Delivery]] = {}
        self._thread = threading.Thread(target=self._work, name=f"decode-{engine.model.name}", daemon=True)
        self._thread.start()

    @property
    def load(self) -> int:
        """Requests that are waiting or running."""
        return len(self._sequences)

    @property
    def running(self) -> int:
        """Requests that have their place in the batches; the others of the load wait for one."""
        return len(self._scheduler.running)

    @property
    def cache_use(self) -> CacheUse:
        """How full the KV cache was after the newest step."""
        now = self.statistics
        return CacheUse(used_cells=now.used_cells, cells=self.engine.limits.cells, hit_rate=now.hit_rate)

    @property
    def ended(self) -> bool:
        """Whether the engine is freed, by `close` or after a fault that the loop did not survive."""
        return not self._thread.is_alive()

    @property
    def context_length(self) -> int:
        """The longest sequence, prompt and answer together, in tokens."""
        return self.engine.limits.context_length

    def submit(self, request: DecodeRequest) -> SequenceHandle:
        """Take a request from a running event loop; raises Overloaded when too many wait, or ShuttingDown."""
        handle = SequenceHandle(self._cancel, self._inject, self._resume)
        sequence = DecodingSequence(handle, request, next(self._arrivals))
        if request.slides:
            sequence.tokens = left_of(request, self.context_length)
        with self._wake:
            if self._closing:
                raise ShuttingDown("This model is being unloaded; try again in a moment.")
            if self.load - len(self._scheduler.running) >= self._queue_limit:
                raise Overloaded(f"{self._queue_limit} requests are waiting for this model already; try again later.")
            self._submitted.append(sequence)
            self._sequences[handle] = sequence
            self._wake.notify()
        return handle

    def close(self) -> None:
        """End every sequence with ShuttingDown and free the engine. Blocking; a second call does nothing."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()

    def _cancel(self, handle: SequenceHandle) -> None:
        with self._wake:
            if handle in self._sequences:
                self._cancelled.add(handle)
                self._wake.notify()

    def _inject(self, handle: SequenceHandle, tokens: Sequence[int]) -> None:
        with self._wake:
            sequence = self._sequences.get(handle)
            if sequence is None:
                return
            length = len(sequence.tokens) + len(tokens)
            if length >= self.context_length and not sequence.request.slides:
                raise ContextOverflow(prompt_tokens=length, context_length=self.context_length)
            self._injected.append((sequence, tokens))
            self._wake.notify()

    def _resume(self, handle: SequenceHandle) -> None:
        with self._wake:
            if sequence := self._sequences.get(handle):
                self._resumed.append(sequence)
                self._wake.notify()

    def _work(self) -> None:
        try:
            while self._take_orders():
                self._guarded_step()
            self._break(list(self._sequences.values()), ShuttingDown("The model was unloaded while it was answering."))
            self._cache.save_kept()
        except Exception as error:
            log.exception("decode loop ended", model=self.engine.model.name)
            with self._wake:
                self._closing = True
                left = list(self._sequences)
                self._sequences.clear()
            for handle in left:
                self._parcels.setdefault(handle, []).append(Broken(_as_failure(error)))
        finally:
            self._send()
            self._saved.close()
            self._lookahead.close()
            self.engine.close()

    def _take_orders(self) -> bool:
        """Wait until there is work, take what was submitted and drop what was cancelled; False once closing."""
        with self._wake:
            while not (self._closing or self._has_work()):
                self._wake.wait()
            submitted, self._submitted = self._submitted, []
            cancelled, self._cancelled = self._cancelled, set()
            injected, self._injected = self._injected, []
            resumed, self._resumed = self._resumed, []
            closing = self._closing
        for sequence in submitted:
            self._scheduler.enqueue(sequence)
        for sequence, tokens in injected:
            sequence.inject(tokens)
        for sequence in resumed:
            sequence.parked = False
        for handle in cancelled:
            stopped = self._sequences.get(handle)
            if stopped:
                self._finish(stopped, stopped.stop())
        return not closing

    def _has_work(self) -> bool:
        """Whether there is anything to do but wait for what parked sequences wait for."""
        orders = self._submitted or self._cancelled or self._injected or self._resumed
        return bool(orders) or any(not sequence.parked for sequence in self._sequences.values())

    def _guarded_step(self) -> None:
        """One step; whatever goes wrong in it ends the requests concerned, and the loop lives on."""
        began = time.perf_counter()
        try:
            self._step()
        except Exception as error:  # noqa: BLE001 - told to the requests and logged
            self._fail(list(self._scheduler.running), error)
        self.statistics.used_cells = self._cache.used_cells
        self.statistics.evictions = self._cache.evictions
        self.statistics.restored_tokens = self._cache.restored_tokens
        self.statistics.drafted_tokens = self._lookahead.statistics.drafted_tokens
        self.statistics.accepted_tokens = self._lookahead.statistics.accepted_tokens
        self._send()
        self.statistics.steps += 1
        self.statistics.stepping += time.perf_counter() - began

    def _step(self) -> None:
        self._admit()
        self._interrupt()
        self._thin_out()
        shares = self._with_drafts(self._affordable_shares())
        if not shares:
            return
        batch, draws = batch_of(shares)
        began = time.perf_counter()
        try:
            self.engine.evaluate(batch)
        except CellsExhausted as error:
            if not (self._cache.make_room(self._cache.free_cells + len(batch)) or self._preempt()):
                self._break([share.sequence for share in shares], error)
            return
        except EngineFailure as error:
            log.error("evaluation failed", model=self.engine.model.name, rows=len(batch), reason=error.message)
            self._break([share.sequence for share in shares], error)
            return
        self._count(shares, time.perf_counter() - began)
        for share in shares:
            self._advance(share)
        for share, rows in draws:
            self._draw(share, rows)

    def _count(self, shares: list[Share], seconds: float) -> None:
        decodes = sum(not share.sequence.prefilling for share in shares)
        prefill_rows = sum(share.rows for share in shares if share.sequence.prefilling)
        drafted = sum(len(share.draft) for share in shares)
        if not prefill_rows:
            self._lookahead.timed(decodes + drafted, seconds)
        if not drafted:
            self._scheduler.pace.timed(decodes=decodes, prefill_rows=prefill_rows, seconds=seconds)
        self.statistics.evaluating += seconds

    def _admit(self) -> None:
        while self._scheduler.urgent_waits() and self._preempt():
            continue
        self._scheduler.unseat_parked()
        for sequence in self._scheduler.candidates():
            first = not sequence.admitted_before
            try:
                self._adapters.make_ready(sequence, self._scheduler.running)
                self._scheduler.admit(sequence)
                repeated = sequence.prepare(self.engine)
                if first:
                    self._follow(sequence)
            except Exception as error:  # noqa: BLE001 - told to the requests and logged
                self._fail([sequence], error)
                continue
            if first:
                self.statistics.prompt_tokens += sequence.usage.prompt_tokens
                self.statistics.cached_tokens += sequence.usage.cached_tokens
                begun: list[Delivery] = [Admitted(), *repeated]
                if _ends(begun):
                    self._finish(sequence, begun)
                else:
                    self._deliver(sequence, begun)

    def _interrupt(self) -> None:
        """Put injected tokens in, and slide the sequences that reached the end of the context."""
        for sequence in list(self._scheduler.running):
            try:
                self._deliver(sequence, sequence.take_injected(self.context_length))
                if sequence.request.slides and slide(sequence, self.engine, self._cache):
                    self._follow(sequence)
            except Exception as error:  # noqa: BLE001 - told to the requests and logged
                self._fail([sequence], error)

    def _thin_out(self) -> None:
        lost = self._cache.thin_out()
        for sequence in self._scheduler.running if lost else ():
            if sequence.slot in lost:
                sequence.evaluated = 0

    def _follow(self, sequence: DecodingSequence) -> None:
        self._lookahead.forget(sequence.number)
        if self.engine.limits.shares_parts and sequence.request.lookahead:
            self._lookahead.follow(sequence.number, sequence.tokens, sequence.request.references)

    def _with_drafts(self, shares: list[Share]) -> list[Share]:
        """The shares of decoding sequences, with drafts to verify as far as they pay and there is room."""
        decoding = {share.sequence.number: share for share in shares if not share.sequence.prefilling}
        rooms = {number: share.sequence.room_to_draft(self.context_length) for number, share in decoding.items()}
        rows = sum(share.rows for share in shares)
        spare = min(self.engine.limits.batch_tokens, self._cache.obtainable_cells) - rows
        drafts = self._lookahead.plan(rooms, spare_rows=max(spare, 0), prefill_rows=rows - len(decoding))
        if not drafts or not self._cache.make_room(rows + sum(map(len, drafts.values()))):
            return shares
        return [
            Share(share.sequence, share.rows, tuple(drafts.get(share.sequence.number, ())))
            if share.sequence.number in decoding
            else share
            for share in shares
        ]

    def _affordable_shares(self) -> list[Share]:
        """The step's shares, after idle sequences and the least urgent gave way where KV cells are lacking."""
        shares = self._scheduler.plan()
        while self._scheduler.lacking_cells(shares) and self._preempt():
            continue
        return [share for share in shares if share.sequence.slot is not None]

    def _preempt(self) -> bool:
        preempted = self._scheduler.preempt()
        self.statistics.preemptions += preempted
        return preempted

    def _advance(self, share: Share) -> None:
        """Note what a share evaluated, drafted tokens left out: they are kept once they were drawn."""
        sequence = share.sequence
        if sequence.slot is not None:
            end = sequence.evaluated + share.rows
            self.statistics.prefilled_tokens += max(0, min(end, len(sequence.request.prompt)) - sequence.evaluated)
            self._cache.grew(sequence.slot, sequence.tokens[sequence.evaluated : end])
            sequence.evaluated = end

    def _draw(self, share: Share, rows: list[int]) -> None:
        """Draw from each row of a share, as long as what is drawn is what was drafted."""
        sequence = share.sequence
        deliveries: list[Delivery] = []

        def drawn(row: int) -> int:
            deliveries.extend(sequence.draw(self.engine, row))
            self.statistics.drawn_tokens += 1
            self._scheduler.written(sequence, 1)
            return sequence.tokens[-1]

        try:
            for _ in drawn_tokens(drawn, rows, share.draft):
                if _ends(deliveries) or sequence.parked:
                    break
            if share.draft:
                self._verified(share)
        except Exception as error:  # noqa: BLE001 - told to the requests and logged
            self._fail([sequence], error)
            return
        if _ends(deliveries):
            self._finish(sequence, deliveries)
        else:
            self._deliver(sequence, deliveries)

    def _verified(self, share: Share) -> None:
        """Keep what was accepted of a draft in the sequence's slot, and take the rest back."""
        sequence = share.sequence
        accepted = sequence.tokens[sequence.evaluated : -1]
        self._lookahead.verified(len(share.draft), len(accepted))
        if sequence.slot is not None:
            self._cache.grew(sequence.slot, accepted)
            if len(accepted) < len(share.draft):
                self._cache.take_back(sequence.slot)
            sequence.evaluated += len(accepted)

    def _fail(self, sequences: Iterable[DecodingSequence], error: Exception) -> None:
        """End sequences with an error; one that nobody expected is logged with its trace."""
        if not isinstance(error, JackfieldError):
            log.exception("decode step failed", model=self.engine.model.name)
        self._break(sequences, _as_failure(error))

    def _break(self, sequences: Iterable[DecodingSequence], error: JackfieldError) -> None:
        for sequence in sequences:
            self._finish(sequence, [Broken(error)])

    def _finish(self, sequence: DecodingSequence, deliveries: list[Delivery]) -> None:
        self._scheduler.release(sequence, broken=isinstance(deliveries[-1], Broken))
        sequence.close()
        self._lookahead.forget(sequence.number)
        with self._wake:
            del self._sequences[sequence.handle]
        self._deliver(sequence, deliveries)

    def _deliver(self, sequence: DecodingSequence, deliveries: list[Delivery]) -> None:
        if deliveries:
            self._parcels.setdefault(sequence.handle, []).extend(deliveries)

    def _send(self) -> None:
        parcels: list[Parcel] = list(self._parcels.items())
        self._parcels = {}
        if parcels:
            post(parcels)


def _ends(deliveries: list[Delivery]) -> bool:
    return bool(deliveries) and isinstance(deliveries[-1], LAST_DELIVERIES)


def _as_failure(error: Exception) -> JackfieldError:
    if isinstance(error, JackfieldError):
        return error
    return EngineFailure(f"Decoding failed unexpectedly ({type(error).__name__}: {error}); the log has the details.")
