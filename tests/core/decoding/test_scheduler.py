"""Who is served when: common prefixes read once, urgent before others, clients evenly, nobody never."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield.contracts.engine import EngineLimits
from jackfield.contracts.runs import Priority
from jackfield.contracts.sampling import Sampling
from jackfield.decoding.handle import SequenceHandle
from jackfield.decoding.loop import DecodeLoop
from jackfield.decoding.request import DecodeRequest, Delivery, Delta, Ended
from jackfield.testing.scripted_engine import ScriptedEngine, Timing, endless
from jackfield.testing.stepped_scheduler import PURE, SKEWED, SteppedScheduler, even_hit_rate, gap_bound, service

GREEDY = Sampling(temperature=0)


def asking(prompt: bytes, max_tokens: int = 8, **fields: str) -> DecodeRequest:
    return DecodeRequest(prompt=tuple(prompt), sampling=GREEDY, max_tokens=max_tokens, **fields)  # type: ignore[arg-type]


async def all_of(handle: SequenceHandle) -> list[Delivery]:
    return [delivery async for delivery in handle.deliveries()]


async def test_requests_that_come_together_read_their_common_prefix_once() -> None:
    engine = ScriptedEngine(endless)
    loop = DecodeLoop(engine)
    system = b"a system prompt that everybody has, and it is long enough to be worth it; " * 3
    handles = [loop.submit(asking(system + bytes([place]) * 20, 10)) for place in range(8)]
    answers = await asyncio.gather(*map(all_of, handles))
    await asyncio.to_thread(loop.close)
    assert loop.statistics.prefilled_tokens <= len(system) + 8 * 20
    assert loop.statistics.hit_rate > 0.75
    cached = [answer[-1].usage.cached_tokens for answer in answers if isinstance(answer[-1], Ended)]
    assert sorted(cached) == [0] + [len(system)] * 7


async def test_the_urgent_take_the_place_of_those_who_can_wait() -> None:
    limits = EngineLimits(context_length=256, cells=1024, sequences=8, batch_tokens=32, running=2)
    loop = DecodeLoop(ScriptedEngine(endless, limits=limits, timing=Timing(per_pass=0.001)))
    ended: list[str] = []

    async def ask(name: str, priority: Priority, tokens: int) -> str:
        answer = await all_of(loop.submit(asking(name.encode(), tokens, priority=priority)))
        ended.append(name)
        return "".join(delivery.text for delivery in answer if isinstance(delivery, Delta))

    slow = [asyncio.create_task(ask(name, "background", 150)) for name in ("one", "two")]
    await asyncio.sleep(0.02)
    await asyncio.gather(*(ask(name, "interactive", 20) for name in ("three", "four", "five")))
    texts = await asyncio.gather(*slow)
    await asyncio.to_thread(loop.close)
    assert set(ended[:3]) == {"three", "four", "five"}
    assert texts[0] == "".join(chr(endless(range(3 + place))) for place in range(150))


@pytest.mark.parametrize("quantum", [256, pytest.param(2048, marks=pytest.mark.slow)])
def test_clients_are_served_evenly_and_prefixes_are_kept(quantum: int) -> None:
    """At 90 % of pure matching's hits, two clients that wait are never further apart than 2 (U + Q)."""
    loads = SKEWED["skewed"]
    fair = service(loads, quantum=quantum, seed=1, steps=1500)
    pure = service(loads, quantum=PURE, seed=1, steps=1500)
    assert fair.gap <= gap_bound(loads, quantum) < pure.gap
    assert fair.hit_rate >= 0.9 * pure.hit_rate


def test_a_client_without_prefixes_costs_no_hits_but_its_own() -> None:
    """It has its share, which has no hits; of those that even service could have, all but a few are left."""
    loads = SKEWED["one-has-none"]
    fair = service(loads, quantum=512, seed=1, steps=1500)
    assert fair.gap <= gap_bound(loads, 512)
    assert fair.hit_rate >= 0.98 * even_hit_rate(loads)


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_nobody_starves_and_nothing_leaks(data: st.DataObject) -> None:
    """However the requests look, each is served within a bounded number of later ones."""
    bench = SteppedScheduler(quantum=data.draw(st.integers(16, 512)), running=data.draw(st.integers(1, 4)), cells=512)
    first = bench.submit(b"unlucky", 4, "quiet", data.draw(st.sampled_from(("normal", "background"))))
    for _ in range(1500):
        while len(bench.scheduler.waiting) < 4:
            length = data.draw(st.integers(1, 30)) if bench.asked < 300 else 10
            bench.submit(b"lucky" * length, 3, "loud", "interactive" if bench.asked % 2 else "normal")
        bench.step()
        assert bench.engine.used_cells == bench.cache.used_cells
        if first in bench.admitted:
            break
    assert first in bench.admitted


def test_a_client_in_debt_is_served_though_ever_new_ones_come() -> None:
    bench = SteppedScheduler(quantum=64, running=1)
    bench.submit(b"a long prompt that costs more than a quantum " * 4, 4, "indebted")
    bench.step()
    late = bench.submit(b"again", 4, "indebted")
    for place in range(1000):
        while len(bench.scheduler.waiting) < 4:
            bench.submit(b"new", 2, f"client {place} {len(bench.scheduler.waiting)}")
        bench.step()
        if late in bench.admitted:
            break
    assert late in bench.admitted


@pytest.mark.parametrize("cells", [256, 4096])
def test_a_leader_that_never_ends_does_not_hold_its_followers(cells: int) -> None:
    bench = SteppedScheduler(quantum=512, cells=cells)
    bench.submit(b"x" * 100 + b"leader", 100)
    follower = bench.submit(b"x" * 100 + b"follower", 4)
    for _ in range(5):
        bench.step()
    assert follower in bench.admitted
