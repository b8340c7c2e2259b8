"""Adapters from the decode loop down to llama.cpp: beside others or alone, the same is written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from jackfield.contracts.engine import Adapter
from jackfield.contracts.sampling import Sampling
from jackfield.decoding.loop import DecodeLoop
from jackfield.decoding.request import DecodeRequest, Ended
from jackfield.decoding.saved_prefixes import PrefixLimits, SavedPrefixes
from jackfield.testing.tiny_gguf import write_adapter
from jackfield_engines.llama_cpp.engine import LlamaCppEngine

PROMPT = "the cat sat on the mat and a dog ran to the cat "
WRITTEN = 12


@pytest.fixture
def adapters(tmp_path: Path) -> list[Adapter]:
    """Two that have nothing in common."""
    return [
        Adapter(name=name, key=name, path=write_adapter(tmp_path / f"{name}.gguf", seed=seed, strength=2.0))
        for seed, name in enumerate(("poet", "critic"), 1)
    ]


@asynccontextmanager
async def looping(engine: LlamaCppEngine, saved: SavedPrefixes | None = None) -> AsyncIterator[DecodeLoop]:
    """A decode loop that is closed afterwards."""
    loop = DecodeLoop(engine, saved=saved)
    try:
        yield loop
    finally:
        await asyncio.to_thread(loop.close)


async def written(loop: DecodeLoop, prompt: tuple[int, ...], adapter: Adapter | None) -> tuple[list[bytes], int]:
    """The tokens of an answer, by the scores that come with them, and how much of the prompt was cached."""
    request = DecodeRequest(
        prompt=prompt,
        sampling=Sampling(temperature=0),
        max_tokens=WRITTEN,
        ignore_end=True,
        logprobs=0,
        adapter=adapter,
    )
    pieces: list[bytes] = []
    async for delivery in loop.submit(request).deliveries():
        pieces += [score.chosen.piece for score in getattr(delivery, "scores", ())]
        if isinstance(delivery, Ended):
            return pieces, delivery.usage.cached_tokens
    raise AssertionError("the answer had no end")


async def test_the_same_is_written_alone_and_beside_others(open_chat, adapters: list[Adapter]) -> None:
    chosen = [None, *adapters]
    alone = []
    for adapter in chosen:
        async with looping(open_chat()) as loop:
            prompt = tuple(loop.engine.tokenize(PROMPT, special=False))
            alone.append((await written(loop, prompt, adapter))[0])
    assert alone[0] != alone[1] != alone[2] != alone[0]
    async with looping(open_chat(cells=2048, sequences=16)) as loop:
        for expected_cached in (0, len(prompt) - 1):
            together = await asyncio.gather(*(written(loop, prompt, adapter) for adapter in chosen * 2))
            assert [pieces for pieces, _ in together] == alone * 2
            assert {cached for _, cached in together[:3]} == {expected_cached}


async def test_a_prefix_saved_under_an_adapter_comes_back_under_it_alone(
    open_chat, adapters: list[Adapter], tmp_path: Path
) -> None:
    poet, critic = adapters
    expected = []
    for restarted in (False, True):
        saved = SavedPrefixes(tmp_path / "prefixes", PrefixLimits())
        async with looping(open_chat(context_length=512, cells=2048), saved) as loop:
            prompt = tuple(loop.engine.tokenize(PROMPT * 8, special=False)[:300])
            answers = [
                await written(loop, (*prompt, tail), adapter)
                for tail, adapter in ((270, poet), (271, poet), *(((272, critic), (273, None)) if restarted else ()))
            ]
        assert [cached for _, cached in answers] == ([300, 300, 0, 0] if restarted else [0, 300])
        expected = expected or [pieces for pieces, _ in answers]
        assert [pieces for pieces, _ in answers][:2] == expected
