"""Measures a model's formats, one after the other, each against the file as pulled. Blocking."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import chain, cycle, islice
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from jackfield.contracts.engine import EngineFactory, EngineSettings, TokenEngine
from jackfield.contracts.models import InstalledModel
from jackfield.contracts.quantizers import Quantizer, WeightFormat
from jackfield.errors import InvalidRequest, ModelTooLarge
from jackfield.models.disk import disk_errors, require_space
from jackfield.models.in_place import check_in_place
from jackfield.models.tuning.divergence import Divergence, ReferenceScores, kept_bytes, next_token_scores
from jackfield.models.tuning.speed import ANSWER_TOKENS, PROMPT_TOKENS, PairedTiming
from jackfield.models.tuning.trade_off import Choice, LeftOut, Measured

AS_PULLED = "as pulled"
WINDOW = 512
"""Tokens that are read together when predictions are compared."""
FEWEST_TOKENS, MOST_TOKENS = 64, 16384

Report = Callable[[str, int, int | None], None]
"""Told what is being done, how far that is, and of how much; called several times a second."""


class QuantizingFactory(EngineFactory, Quantizer, Protocol):
    """An engine's factory that can write models in other formats."""


class Measurements(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured; `file` is the chosen format's, and None where nothing was chosen."""

    as_pulled: Measured
    formats: tuple[Measured, ...]
    left_out: tuple[LeftOut, ...] = ()
    chosen: Measured | None = None
    file: Path | None = None


class _Original(NamedTuple):
    """What every format is compared with: predictions for the text's windows, and speed."""

    windows: Sequence[Sequence[int]]
    reference: ReferenceScores
    timing: PairedTiming


class Bench:
    """One model on its engine, with a folder for files that come and go; only the chosen one is left in it."""

    def __init__(
        self, factory: QuantizingFactory, model: InstalledModel, settings: EngineSettings, folder: Path, report: Report
    ) -> None:
        self._factory = factory
        self._model = model
        self._folder = folder
        self._report = report
        rows = PROMPT_TOKENS + ANSWER_TOKENS
        self._settings = msgspec.structs.replace(
            settings, context_length=rows, cells=rows, sequences=1, batch_tokens=PROMPT_TOKENS
        )

    def measurements(self, formats: Sequence[WeightFormat], text: str, choice: Choice) -> Measurements:
        """Of every format that can be opened beside the file as pulled.

        Raises ModelTooLarge where none can be, DiskFull before anything is written, and InvalidRequest for a text that
        is too short or too long.
        """
        with self._opened(self._model) as original:
            windows = _windows(original, text)
            tokens = sum(map(len, windows))
            scores = kept_bytes(tokens, original.model.vocabulary_size)
            with disk_errors(self._folder):
                self._folder.mkdir(exist_ok=True)
            require_space(self._folder, scores + 2 * max(each.bytes for each in formats))
            found = self._scores(original, windows, AS_PULLED)
            reference = ReferenceScores(self._folder / "as-pulled.scores", found)
            timing = PairedTiming(original, _cycled(windows, PROMPT_TOKENS))
            return self._compared(_Original(windows, reference, timing), formats, choice)

    def _compared(self, original: _Original, formats: Sequence[WeightFormat], choice: Choice) -> Measurements:
        done: list[Measured] = []
        left_out: list[LeftOut] = []
        files = {each.name: self._folder / f"{self._model.path.stem}-{each.name}.gguf" for each in formats}
        for each in formats:
            try:
                done.append(self._measured(each, files[each.name], original))
            except ModelTooLarge as error:
                left_out.append(LeftOut(name=each.name, reason=error.message))
            else:
                done = [found.against(original.timing.original) for found in done]
            _keep_only(choice(done), files)
        if not done:
            raise ModelTooLarge(f"No format fits beside the file as pulled: {left_out[0].reason}")
        chosen = choice(done)
        if chosen and not files[chosen.name].exists():  # it became the best when another came
            self._write(chosen.name, files[chosen.name])
        return Measurements(
            as_pulled=self._as_pulled(original),
            formats=tuple(done),
            left_out=tuple(left_out),
            chosen=chosen,
            file=files[chosen.name] if chosen else None,
        )

    def _write(self, name: str, target: Path) -> None:
        writing = f"{name}: writing"
        self._factory.quantize(self._model, name, target, lambda done, total: self._report(writing, done, total))

    def _measured(self, each: WeightFormat, target: Path, original: _Original) -> Measured:
        check_in_place(self._model)
        self._write(each.name, target)
        written = InstalledModel(
            name=f"{self._model.name} as {each.name}",
            path=target,
            reference=self._model.reference,
            sha256=f"{self._model.sha256} {each.name}",
            pulled_at=datetime.now(UTC),
            description=msgspec.structs.replace(self._factory.inspect(target), bytes=target.stat().st_size),
        )
        with self._opened(written) as engine:
            speed, busy = original.timing.of(engine, lambda: self._report(f"{each.name}: timing", 0, None))
            divergence = original.reference.divergence(self._scores(engine, original.windows, each.name))
        return Measured(
            name=each.name,
            summary=each.summary,
            bytes=written.description.bytes,
            speed=speed,
            divergence=divergence,
            busy=busy,
        )

    def _as_pulled(self, original: _Original) -> Measured:
        return Measured(
            name=AS_PULLED,
            summary=self._model.description.format,
            bytes=self._model.description.bytes,
            speed=original.timing.original,
            divergence=Divergence(tokens=sum(map(len, original.windows)), mean=0.0, most=0.0, flips=0.0),
        )

    def _scores(
        self, engine: TokenEngine, windows: Sequence[Sequence[int]], name: str
    ) -> Iterator[NDArray[np.float64]]:
        rows = sum(map(len, windows))
        comparing = f"{name}: predicting {rows} tokens"
        for done, row in enumerate(next_token_scores(engine, windows)):
            self._report(comparing, done, rows)
            yield row

    @contextmanager
    def _opened(self, model: InstalledModel) -> Iterator[TokenEngine]:
        self._report(f"{model.name}: loading", 0, None)
        engine = self._factory.open(model, self._settings)
        try:
            if not isinstance(engine, TokenEngine):
                raise InvalidRequest(f"Model '{model.name}' is not one that evaluates tokens.", parameter="model")
            yield engine
        finally:
            if isinstance(engine, TokenEngine):
                engine.close()


def _keep_only(chosen: Measured | None, files: dict[str, Path]) -> None:
    """One file at most stays, so that formats need the room of two, not of all."""
    for name, file in files.items():
        if chosen is None or name != chosen.name:
            file.unlink(missing_ok=True)


def _windows(engine: TokenEngine, text: str) -> list[list[int]]:
    """A text's tokens in stretches that are read alone, each with the begin token where the model has one."""
    tokens = engine.tokenize(text, special=False)
    if not FEWEST_TOKENS <= len(tokens) <= MOST_TOKENS:
        raise InvalidRequest(
            f"The text has {len(tokens)} tokens; predictions are compared over {FEWEST_TOKENS} to {MOST_TOKENS}.",
            parameter="text",
        )
    begin = [] if engine.model.begin_token is None else [engine.model.begin_token]
    step = min(WINDOW, engine.limits.context_length) - len(begin)
    return [[*begin, *tokens[start : start + step]] for start in range(0, len(tokens), step)]


def _cycled(windows: Sequence[Sequence[int]], count: int) -> list[int]:
    """As many tokens as that, from the beginning again where there are fewer."""
    return list(islice(cycle(chain.from_iterable(windows)), count))
