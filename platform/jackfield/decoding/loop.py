"""The decode loop: one thread, one engine; each step schedules, evaluates, draws and delivers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable

import msgspec
import structlog

from jackfield.contracts.engine import TokenEngine
from jackfield.decoding.batch import batch_of
from jackfield.decoding.handle import Parcel, SequenceHandle, post
from jackfield.decoding.request import LAST_DELIVERIES, Admitted, Broken, DecodeRequest, Delivery
from jackfield.decoding.scheduler import Scheduler, Share
from jackfield.decoding.sequence import DecodingSequence
from jackfield.errors import CellsExhausted, EngineFailure, JackfieldError, Overloaded, ShuttingDown

log = structlog.get_logger()


class LoopStatistics(msgspec.Struct, kw_only=True):
    """What a loop has done since it began; times in seconds."""

    steps: int = 0
    prefilled_tokens: int = 0
    drawn_tokens: int = 0
    preemptions: int = 0
    evaluating: float = 0.0
    stepping: float = 0.0


class DecodeLoop:
    """Continuous batching over one engine; any thread may call it, and only its own thread uses the engine."""

    def __init__(self, engine: TokenEngine, *, queue_limit: int = 512) -> None:
        self.engine = engine
        self.statistics = LoopStatistics()
        self._queue_limit = queue_limit
        self._scheduler = Scheduler(engine.limits)
        self._wake = threading.Condition()
        self._submitted: list[DecodingSequence] = []
        self._cancelled: set[SequenceHandle] = set()
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
    def ended(self) -> bool:
        """Whether the engine is freed, by `close` or after a fault that the loop did not survive."""
        return not self._thread.is_alive()

    @property
    def context_length(self) -> int:
        """The longest sequence, prompt and answer together, in tokens."""
        return self.engine.limits.context_length

    def submit(self, request: DecodeRequest) -> SequenceHandle:
        """Take a request from a running event loop; raises Overloaded when too many wait, or ShuttingDown."""
        handle = SequenceHandle(self._cancel)
        sequence = DecodingSequence(handle, request)
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

    def _work(self) -> None:
        try:
            while self._take_orders():
                self._guarded_step()
            self._break(list(self._sequences.values()), ShuttingDown("The model was unloaded while it was answering."))
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
            self.engine.close()

    def _take_orders(self) -> bool:
        """Wait until there is work, take what was submitted and drop what was cancelled; False once closing."""
        with self._wake:
            while not (self._closing or self._sequences):
                self._wake.wait()
            submitted, self._submitted = self._submitted, []
            cancelled, self._cancelled = self._cancelled, set()
            closing = self._closing
        for sequence in submitted:
            self._scheduler.enqueue(sequence)
        for handle in cancelled:
            stopped = self._sequences.get(handle)
            if stopped:
                self._finish(stopped, stopped.stop())
        return not closing

    def _guarded_step(self) -> None:
        """One step; whatever goes wrong in it ends the requests concerned, and the loop lives on."""
        began = time.perf_counter()
        try:
            self._step()
        except Exception as error:  # noqa: BLE001 - told to the requests and logged
            self._fail(list(self._scheduler.running), error)
        self._send()
        self.statistics.steps += 1
        self.statistics.stepping += time.perf_counter() - began

    def _step(self) -> None:
        self._admit()
        shares = self._affordable_shares()
        if not shares:
            return
        batch, draws = batch_of(shares)
        began = time.perf_counter()
        try:
            self.engine.evaluate(batch)
        except CellsExhausted as error:
            if not self._preempt_youngest():
                self._break([share.sequence for share in shares], error)
            return
        except EngineFailure as error:
            log.error("evaluation failed", model=self.engine.model.name, rows=len(batch), reason=error.message)
            self._break([share.sequence for share in shares], error)
            return
        self.statistics.evaluating += time.perf_counter() - began
        self.statistics.prefilled_tokens += len(batch) - len(draws)
        for share in shares:
            share.sequence.evaluated += share.rows
        for sequence, row in draws:
            self._draw(sequence, row)

    def _admit(self) -> None:
        for sequence in self._scheduler.admit():
            try:
                sequence.prepare(self.engine)
            except Exception as error:  # noqa: BLE001 - told to the requests and logged
                self._fail([sequence], error)
                continue
            if not sequence.admitted_before:
                sequence.admitted_before = True
                self._deliver(sequence, [Admitted()])

    def _affordable_shares(self) -> list[Share]:
        """The step's shares, after the youngest gave way where KV cells are lacking."""
        shares = self._scheduler.plan()
        while self._scheduler.lacking_cells(shares) and self._preempt_youngest():
            continue
        return [share for share in shares if share.sequence.slot is not None]

    def _preempt_youngest(self) -> bool:
        slot = self._scheduler.preempt_youngest()
        if slot is None:
            return False
        self._empty(slot)
        self.statistics.preemptions += 1
        return True

    def _draw(self, sequence: DecodingSequence, row: int) -> None:
        try:
            deliveries = sequence.draw(self.engine, row)
        except Exception as error:  # noqa: BLE001 - told to the requests and logged
            self._fail([sequence], error)
            return
        self.statistics.drawn_tokens += 1
        if deliveries and isinstance(deliveries[-1], LAST_DELIVERIES):
            self._finish(sequence, deliveries)
        else:
            self._deliver(sequence, deliveries)

    def _fail(self, sequences: Iterable[DecodingSequence], error: Exception) -> None:
        """End sequences with an error; one that nobody expected is logged with its trace."""
        if not isinstance(error, JackfieldError):
            log.exception("decode step failed", model=self.engine.model.name)
        self._break(sequences, _as_failure(error))

    def _break(self, sequences: Iterable[DecodingSequence], error: JackfieldError) -> None:
        for sequence in sequences:
            self._finish(sequence, [Broken(error)])

    def _finish(self, sequence: DecodingSequence, deliveries: list[Delivery]) -> None:
        slot = self._scheduler.release(sequence)
        sequence.close()
        with self._wake:
            del self._sequences[sequence.handle]
        self._deliver(sequence, deliveries)
        if slot is not None:
            self._empty(slot)

    def _empty(self, slot: int) -> None:
        if not self.engine.truncate(slot, 0):
            raise EngineFailure(f"The engine could not empty sequence {slot}.")

    def _deliver(self, sequence: DecodingSequence, deliveries: list[Delivery]) -> None:
        if deliveries:
            self._parcels.setdefault(sequence.handle, []).extend(deliveries)

    def _send(self) -> None:
        parcels: list[Parcel] = list(self._parcels.items())
        self._parcels = {}
        if parcels:
            post(parcels)


def _as_failure(error: Exception) -> JackfieldError:
    if isinstance(error, JackfieldError):
        return error
    return EngineFailure(f"Decoding failed unexpectedly ({type(error).__name__}: {error}); the log has the details.")
