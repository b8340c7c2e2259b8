"""An answer of a real engine that another process goes on with draws as if it had never been interrupted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from jackfield.contracts.engine import EngineSettings, TokenEngine
from jackfield.contracts.sampling import Constraint, Sampling
from jackfield.decoding.loop import DecodeLoop
from jackfield.decoding.request import DecodeRequest, Delta
from jackfield.messages import Message

SAMPLINGS = (
    Sampling(temperature=0, repeat_penalty=1.3),
    Sampling(temperature=1.0, seed=5),
    Sampling(temperature=1.5, seed=6, top_k=0, min_p=0.02, frequency_penalty=0.6, penalty_window=20),
)
SHAPE = Constraint(kind="json_schema", value=json.dumps({"type": "array", "items": {"type": "string"}, "maxItems": 4}))


def whole_and_resumed(
    open_engine: Callable[[], TokenEngine], request: DecodeRequest, cuts: list[float]
) -> list[tuple[list[int], list[int]]]:
    """The tokens of an answer, and those after it was cut off at a part of it and went on in a fresh engine."""

    def answered(asked: DecodeRequest) -> list[Delta]:
        return asyncio.run(_answered(open_engine(), asked))

    told = answered(request)
    pairs = []
    for part in cuts:
        kept = told[: int(part * len(told))]
        written = tuple(token for delta in kept for token in delta.ids)
        resumed = msgspec.structs.replace(request, written=written, told=sum(len(delta.text) for delta in kept))
        pairs.append((_ids(told), _ids([*kept, *answered(resumed)])))
    return pairs


async def _answered(engine: TokenEngine, request: DecodeRequest) -> list[Delta]:
    loop = DecodeLoop(engine)
    try:
        return [delivery async for delivery in loop.submit(request).deliveries() if isinstance(delivery, Delta)]
    finally:
        await asyncio.to_thread(loop.close)


def _ids(deltas: list[Delta]) -> list[int]:
    return [token for delta in deltas for token in delta.ids]


@pytest.mark.parametrize("constraint", [None, SHAPE])
@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_an_answer_goes_on_in_another_engine(open_chat, sampling: Sampling, constraint: Constraint | None) -> None:
    prompt = tuple(open_chat().tokenize("The cat sat on the mat, and the dog", special=False))
    request = DecodeRequest(prompt=prompt, sampling=sampling, max_tokens=60, constraint=constraint, ignore_end=True)
    if constraint:
        request = msgspec.structs.replace(request, ignore_end=False)
    pairs = whole_and_resumed(open_chat, request, [0.2, 0.5, 0.9])
    assert len(pairs[0][0]) > 8
    assert sum(one == other for one, other in pairs) >= 2


@pytest.mark.model
@pytest.mark.timeout(300)
def test_a_seeded_answer_of_the_starter_goes_on_but_for_near_ties(factory, install, starter_file: Path) -> None:
    """Rounding depends on what is computed together, so a pair of four may part at a near-tie."""
    model = install(starter_file)
    settings = EngineSettings(context_length=512, cells=1024, sequences=4, threads=1)
    asked = [Message.of("user", "Tell a story about a lighthouse keeper and her cat.")]
    engine = factory.open(model, settings)
    prompt = tuple(engine.tokenize(engine.render_chat(asked, [], reply_starts=True), special=True))
    engine.close()
    pairs = []
    for seed in (1, 2):
        sampling = Sampling(temperature=1.0, seed=seed, frequency_penalty=0.2)
        request = DecodeRequest(prompt=prompt, sampling=sampling, max_tokens=24)
        pairs += whole_and_resumed(lambda: factory.open(model, settings), request, [0.2, 0.7])
    assert sum(one == other for one, other in pairs) >= 3
