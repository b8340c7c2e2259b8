"""Requests with adapters in the decode loop: each decodes as if alone, shares with its like, and none starves."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield.contracts.engine import Adapter, EngineLimits, TokenBatch
from jackfield.contracts.sampling import Sampling
from jackfield.decoding.loaded_adapters import MOST_IDLE
from jackfield.decoding.loop import DecodeLoop
from jackfield.decoding.request import Broken, DecodeRequest, Delivery, Delta, Ended, Stopped
from jackfield.decoding.saved_prefixes import PrefixLimits, SavedPrefixes
from jackfield.decoding.turns import Turns
from jackfield.errors import InvalidRequest
from jackfield.testing.scripted_engine import ScriptedEngine, Timing, endless

NAMES = ("poet", "critic", "clerk")
LIMITS = EngineLimits(context_length=256, cells=1024, sequences=16, batch_tokens=32, running=6)


def upper(tokens: Sequence[int]) -> int:
    """Capitals by position."""
    return ord("A") + len(tokens) % 26


def digits(tokens: Sequence[int]) -> int:
    """Digits by position."""
    return ord("0") + len(tokens) % 10


def dots(tokens: Sequence[int]) -> int:
    """One full stop after the other."""
    return ord(".")


SCRIPTS = dict(zip(NAMES, (upper, digits, dots), strict=True))


def adapter(name: str) -> Adapter:
    return Adapter(name=name, key=f"{name}-sha256", path=Path(f"{name}.gguf"))


def asking(prompt: Sequence[int], max_tokens: int, name: str | None) -> DecodeRequest:
    return DecodeRequest(
        prompt=tuple(prompt),
        sampling=Sampling(temperature=0),
        max_tokens=max_tokens,
        adapter=None if name is None else adapter(name),
    )


def expected_text(length: int, count: int, name: str | None) -> str:
    script = SCRIPTS[name] if name else endless
    return "".join(chr(script([0] * at)) for at in range(length, length + count))


def text_of(deliveries: list[Delivery]) -> str:
    return "".join(delivery.text for delivery in deliveries if isinstance(delivery, Delta))


async def decoded(loop: DecodeLoop, request: DecodeRequest, *, patience: int | None = None) -> list[Delivery]:
    handle = loop.submit(request)
    deliveries: list[Delivery] = []
    async for delivery in handle.deliveries():
        deliveries.append(delivery)
        if len(deliveries) == patience:
            handle.cancel()
    return deliveries


@given(
    st.lists(
        st.tuples(
            st.sampled_from([None, *NAMES]), st.integers(1, 80), st.integers(1, 40), st.none() | st.integers(1, 8)
        ),
        min_size=1,
        max_size=14,
    ),
    st.integers(256, 600),
    st.integers(1, 6),
    st.integers(1, 40),
)
@settings(max_examples=60, deadline=None)
def test_any_mix_of_adapters_decodes_as_if_each_were_alone(
    asked: list[tuple[str | None, int, int, int | None]], cells: int, sequences: int, batch_tokens: int
) -> None:
    limits = EngineLimits(context_length=256, cells=cells, sequences=sequences, batch_tokens=batch_tokens)
    asyncio.run(_each_as_if_alone(asked, ScriptedEngine(endless, limits=limits, adapters=SCRIPTS)))


async def _each_as_if_alone(asked: list[tuple[str | None, int, int, int | None]], engine: ScriptedEngine) -> None:
    """The scripted engine itself refuses a sequence whose cells are of two adapters."""
    loop = DecodeLoop(engine)
    try:
        requests = [asking(b"x" * length, wanted, name) for name, length, wanted, _ in asked]
        patience = [order[3] for order in asked]
        answers = await asyncio.gather(
            *(decoded(loop, request, patience=after) for request, after in zip(requests, patience, strict=True))
        )
        for (name, length, wanted, after), answer in zip(asked, answers, strict=True):
            text = text_of(answer)
            assert text == expected_text(length, len(text), name)
            assert isinstance(answer[-1], Ended | Stopped)
            assert after is not None or len(text) == wanted
        assert loop.load == 0
        assert engine.used_cells == loop.statistics.used_cells
    finally:
        await asyncio.to_thread(loop.close)


async def test_equal_prompts_share_within_an_adapter_and_never_across() -> None:
    loop = DecodeLoop(ScriptedEngine(endless, limits=LIMITS, adapters=SCRIPTS))
    cached = []
    for name in (None, "poet", "poet", "critic", None, "critic"):
        answer = await decoded(loop, asking(b"x" * 100, 4, name))
        assert isinstance(answer[-1], Ended)
        cached.append(answer[-1].usage.cached_tokens)
    await asyncio.to_thread(loop.close)
    assert cached == [0, 0, 99, 0, 99, 99]


class Recording(ScriptedEngine):
    """Remembers what each pass was under, and how many rows it had."""

    def evaluate(self, batch: TokenBatch) -> None:
        """Note it."""
        self.passes_under = [*getattr(self, "passes_under", []), (batch.adapter, len(batch))]
        super().evaluate(batch)


async def test_streams_of_all_adapters_go_on_side_by_side() -> None:
    """While all four run, each has every fourth step."""
    engine = Recording(endless, limits=LIMITS, adapters=SCRIPTS, timing=Timing(per_pass=0.001))
    loop = DecodeLoop(engine)
    await asyncio.gather(*(decoded(loop, asking(b"xyz", 40, name)) for name in (None, *NAMES)))
    await asyncio.to_thread(loop.close)
    families = [adapter for adapter, _ in engine.passes_under[20:120]]
    assert all(len(set(families[at : at + 4])) == 4 for at in range(len(families) - 4))


async def test_a_long_prompt_under_one_adapter_is_read_in_pieces_beside_the_streams_of_others() -> None:
    engine = Recording(endless, limits=LIMITS, adapters=SCRIPTS, timing=Timing(per_pass=0.001, per_row=0.0002))
    loop = DecodeLoop(engine)
    stream = loop.submit(asking(b"xyz", 240, None))
    while engine.passes < 20:
        await asyncio.sleep(0.001)
    await decoded(loop, asking(b"y" * 200, 1, "poet"))
    stream.cancel()
    await asyncio.to_thread(loop.close)
    pieces = [rows for adapter, rows in engine.passes_under if adapter]
    first = engine.passes_under.index(("poet-sha256", pieces[0]))
    beside = [adapter for adapter, _ in engine.passes_under[first : first + 2 * len(pieces) - 1]]
    assert max(pieces) < LIMITS.batch_tokens
    assert beside.count(None) == len(pieces) - 1


async def test_an_adapter_that_does_not_suit_breaks_its_request_alone() -> None:
    loop = DecodeLoop(ScriptedEngine(endless, limits=LIMITS, adapters=SCRIPTS))
    good, bad = await asyncio.gather(
        decoded(loop, asking(b"abc", 20, "poet")), decoded(loop, asking(b"abc", 20, "stranger"))
    )
    assert isinstance(good[-1], Ended)
    assert isinstance(bad[-1], Broken)
    assert isinstance(bad[-1].error, InvalidRequest)
    assert loop.load == 0
    await asyncio.to_thread(loop.close)


async def test_only_some_idle_adapters_stay_loaded() -> None:
    names = [f"adapter-{number}" for number in range(MOST_IDLE + 6)]
    engine = ScriptedEngine(endless, limits=LIMITS, adapters=dict.fromkeys(names, upper))
    loop = DecodeLoop(engine)
    for name in names:
        assert isinstance((await decoded(loop, asking(b"abc", 4, name)))[-1], Ended)
    kept = [f"{name}-sha256" for name in names[-MOST_IDLE - 1 :]]
    assert list(engine.loaded_adapters) == kept
    again = await decoded(loop, asking(b"abc", 4, names[0]))
    assert text_of(again) == expected_text(3, 4, "poet")
    await asyncio.to_thread(loop.close)


async def test_prefixes_saved_on_disk_come_back_under_their_adapter_only(tmp_path: Path) -> None:
    prefix = bytes(ord("a") + at % 26 for at in range(200)) * 2
    limits = EngineLimits(context_length=512, cells=1024, sequences=16, batch_tokens=64)
    for cached_before in (False, True):
        saved = SavedPrefixes(tmp_path / "prefixes", PrefixLimits())
        engine = ScriptedEngine(endless, limits=limits, adapters=SCRIPTS)
        loop = DecodeLoop(engine, saved=saved)
        restored = []
        strangers = ((None, b"3"), ("critic", b"4")) if cached_before else ()
        for name, tail in (("poet", b"1"), ("poet", b"2"), *strangers):
            answer = await decoded(loop, asking(prefix + tail, 4, name))
            assert text_of(answer) == expected_text(len(prefix) + 1, 4, name)
            restored.append(loop.statistics.restored_tokens)
        await asyncio.to_thread(loop.close)
        assert restored == ([len(prefix)] * 4 if cached_before else [0, 0])


@given(st.lists(st.sets(st.sampled_from("abcde"), min_size=1), min_size=1, max_size=60))
def test_whoever_stays_has_a_turn_before_anyone_has_two_more(rounds: list[set[str]]) -> None:
    turns = Turns()
    waited: dict[str, int] = {}
    for present in rounds:
        chosen = turns.next(sorted(present))
        assert chosen in present
        waited = {family: waited.get(family, 0) + 1 for family in present - {chosen}}
        assert all(steps < 5 for steps in waited.values())


def test_nobody_has_no_turn() -> None:
    assert Turns().next([]) == ""


@pytest.mark.parametrize("damage", ["cut", "name"])
def test_a_damaged_file_is_not_taken_in(tmp_path: Path, damage: str) -> None:
    saved = SavedPrefixes(tmp_path, PrefixLimits())
    saved.write(list(range(300)), b"state", "poet-sha256")
    saved.close()
    (path,) = tmp_path.iterdir()
    content = path.read_bytes()
    path.write_bytes(content[:700] if damage == "cut" else content.replace(b"poet", b"post"))
    saved = SavedPrefixes(tmp_path, PrefixLimits())
    assert saved.longest(range(300), "poet-sha256") == saved.longest(range(300), "post-sha256") == (0, None)
    assert not list(tmp_path.iterdir())
    saved.close()
