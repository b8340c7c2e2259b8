"""What runs set aside and what they are charged, however they end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield.contracts.budgets import Budget, BudgetUse, Reservation, Spending, window_of
from jackfield.contracts.identity import Account, Holder, Principal
from jackfield.contracts.runs import RunRecord, RunRequest
from jackfield.errors import BudgetExceeded, EngineFailure, JackfieldError, ShuttingDown
from jackfield.events import Failed, Finished, Started, Usage
from jackfield.identity.prices import Prices
from jackfield.messages import Message
from jackfield.runs.crash_recovery import orphans_ended
from jackfield.runs.journal import RunJournal
from jackfield.testing.contract_suites.records_made import a_run, numbered
from jackfield.testing.memory_store import InMemoryStateStore
from jackfield.testing.scripted_engine import ScriptedEngine, Timing
from jackfield.testing.scripted_tools import ScriptedTool
from jackfield.testing.temporary_workbench import temporary_workbench
from jackfield.testing.tool_runs import asking, call
from jackfield.workbench import Workbench

ACCOUNT = Account(user_id="user_1", key_id="key_1", team_id="team_1")
KEY = Holder("key", "key_1")
PRICES = {"scripted": (2.0, 10.0), "starter": (2.0, 10.0)}
ENDED = ("finished", "failed", "cancelled")


def who(**fields: Any) -> Principal:
    return Principal(account=ACCOUNT, name="Ann", role="member", scopes=("inference", "read"), **fields)


def breaking(tokens: Sequence[int]) -> int:
    """Goes on through the alphabet; a prompt that begins with '!' breaks the engine after six tokens."""
    if tokens[0] == ord("!") and len(tokens) >= 12:
        raise EngineFailure("The scripted engine was told to break.")
    return ord("a") + len(tokens) % 26


async def used(workbench: Workbench) -> BudgetUse:
    [use] = await workbench._store.budgets.use([KEY], [window_of("day", datetime.now(UTC))])
    return use


async def ended(workbench: Workbench, run_id: str) -> RunRecord:
    while (run := await workbench.run(run_id)).state not in ENDED:
        await asyncio.sleep(0.002)
    return run


step = st.tuples(
    st.sampled_from(("short", "long", "breaks", "wrong", "unbounded")),
    st.sampled_from(("wait", "cancel", "cancel soon", "leave")),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(step, max_size=8), st.sampled_from((400, 2000, 100_000)))
def test_nothing_is_misbooked_however_runs_begin_and_end(steps: list[tuple[str, str]], most: int) -> None:
    with TemporaryDirectory() as folder:
        asyncio.run(_booked(Path(folder), steps, most))


async def _booked(folder: Path, steps: list[tuple[str, str]], most: int) -> None:
    requests = {
        "short": RunRequest(model="", prompt="short?", max_tokens=4),
        "long": RunRequest(model="", prompt="a long one", max_tokens=150),
        "breaks": RunRequest(model="", prompt="!break", max_tokens=30),
        "wrong": RunRequest(model="", prompt=(999_999,), max_tokens=5),
        "unbounded": RunRequest(model="", prompt="without an end"),
    }

    def engine() -> ScriptedEngine:
        return ScriptedEngine(breaking, timing=Timing(per_pass=0.0005))

    settings = {"models": {"prices": PRICES}, "identity": {"answer_tokens": 100}}
    async with temporary_workbench(folder, engine, **settings) as workbench:
        await workbench._store.budgets.put(Budget(holder=KEY, period="day", tokens=most))
        for kind, then in steps:
            with suppress(BudgetExceeded):
                run = await workbench.start(requests[kind], principal=who())
                if then == "wait":
                    await ended(workbench, run.id)
                elif then != "leave":
                    await asyncio.sleep(0.01 if then == "cancel soon" else 0)
                    await workbench.cancel(run.id)
            now = await workbench._store.budgets.use([KEY], [window_of("day", datetime.now(UTC))])
            assert all(use.spent.tokens + use.reserved.tokens <= most for use in now)
        runs = [await ended(workbench, run.id) for run in await workbench.runs.recent(limit=500)]
        if not runs:
            return
        use = await used(workbench)
        costs = [Prices(PRICES).spending(run, run.usage) for run in runs]
        assert use.reserved == Spending()
        assert use.requests == len(runs)
        assert use.spent == Spending(tokens=sum(cost.tokens for cost in costs), money=sum(cost.money for cost in costs))
        assert all(run.usage is None for run in runs if run.request.prompt == (999_999,))


async def test_a_run_that_breaks_is_charged_what_it_took_until_then(tmp_path: Path) -> None:
    async with temporary_workbench(tmp_path, lambda: ScriptedEngine(breaking), models={"prices": PRICES}) as workbench:
        run = await workbench.start(RunRequest(model="", prompt="!break", max_tokens=30), principal=who())
        broken = await ended(workbench, run.id)
        assert broken.state == "failed"
        assert broken.usage is not None
        assert broken.usage.prompt_tokens == len("!break")
        use = await used(workbench)
        assert (use.spent.tokens, use.reserved.tokens) == (broken.usage.total_tokens, 0)


async def test_a_run_that_no_executor_takes_spends_nothing(tmp_path: Path) -> None:
    async with temporary_workbench(tmp_path) as workbench:
        await workbench._executor.close()
        with pytest.raises(ShuttingDown):
            await workbench.start(RunRequest(model="", prompt="a"), principal=who())
        assert ((await used(workbench)).spent, (await used(workbench)).reserved) == (Spending(), Spending())


async def test_a_prompt_that_is_longer_than_was_thought_is_set_aside_for_before_it_is_read(tmp_path: Path) -> None:
    """The template says more than any estimate allows for."""

    class Verbose(ScriptedEngine):
        def render_chat(self, *arguments: Any, **named: Any) -> str:
            return "You are a very long-winded assistant. " * 6 + super().render_chat(*arguments, **named)

    async with temporary_workbench(tmp_path, Verbose) as workbench:
        asked = RunRequest(model="", messages=(Message.of("user", "hi"),), max_tokens=5)
        thought = workbench._books.estimate(msgspec.structs.replace(asked, model="scripted")).tokens
        budgets = workbench._store.budgets
        await budgets.put(Budget(holder=KEY, period="day", tokens=thought))
        refused = await ended(workbench, (await workbench.start(asked, principal=who())).id)
        assert refused.state == "failed"
        assert "no room" in (refused.error or "")
        assert refused.usage is None
        assert (await used(workbench)).spent.tokens == 0
        await budgets.put(Budget(holder=KEY, period="day", tokens=thought + 1000))
        done = await ended(workbench, (await workbench.start(asked, principal=who())).id)
        assert done.usage is not None
        assert done.usage.total_tokens > thought
        assert (await used(workbench)).spent.tokens == done.usage.total_tokens


async def test_an_agent_ends_where_its_next_answer_has_no_room(open_workbench: Any) -> None:
    """Each answer is set aside for before it is decoded; what the ones before it took is charged."""

    def look_again(prompt: str) -> str:
        return call("look", text=str(prompt.count("<|start|>")))

    async with open_workbench(look_again, ScriptedTool("look", lambda _: "It is dark. " * 10)) as workbench:
        request = msgspec.structs.replace(asking("Look around.", "look"), model="scripted", max_tokens=100)
        budgets = workbench._store.budgets
        first = workbench._books.estimate(request).tokens
        await budgets.put(Budget(holder=KEY, period="day", tokens=first + 1500))
        run = await ended(workbench, (await workbench.start(request, principal=who())).id)
        [*_, end] = await workbench.runs.events(run.id)
        assert isinstance(end.body, Failed)
        assert end.body.code == BudgetExceeded.code
        assert run.usage is not None
        assert run.usage.completion_tokens > 100
        use = await used(workbench)
        assert (use.spent.tokens, use.reserved.tokens) == (run.usage.total_tokens, 0)
        assert use.spent.tokens <= first + 1500


@pytest.mark.parametrize(
    ("told", "took"),
    [([], 0), ([Started(model="starter", prompt_tokens=30)], 30)],
    ids=["that had not begun", "that was answering"],
)
async def test_a_dead_process_is_charged_for_what_is_on_record(tmp_path: Path, told: list[Any], took: int) -> None:
    store = InMemoryStateStore()
    at = datetime.now(UTC)
    run = msgspec.structs.replace(a_run(state="running"), account=ACCOUNT)
    await store.runs.add(run, Reservation(id=run.id, holders=(KEY,), amount=Spending(tokens=90), at=at))
    if told:
        await store.runs.append(run.id, numbered(run.id, told))
    async with orphans_ended(tmp_path, store.runs, Prices(PRICES).spending):
        pass
    [use] = await store.budgets.use([KEY], [window_of("day", at)])
    assert (use.spent.tokens, use.spent.money, use.reserved.tokens) == (took, 2 * took, 0)


async def test_a_run_counts_in_the_day_and_month_that_it_was_asked_in() -> None:
    store = InMemoryStateStore()
    asked = datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC)
    run = msgspec.structs.replace(a_run(state="running"), account=ACCOUNT)
    await store.runs.add(run, Reservation(id=run.id, holders=(KEY,), amount=Spending(tokens=90), at=asked))
    journal = RunJournal(store.runs, run, spent=Prices(PRICES).spending)
    await journal.write(Finished(reason="stop", usage=Usage(prompt_tokens=3, completion_tokens=4)))
    later = asked + timedelta(seconds=2)
    windows = [window_of(period, moment) for moment in (asked, later) for period in ("day", "month")]
    uses = await store.budgets.use([KEY], windows)
    assert {use.window: use.spent.tokens for use in uses} == {"2026-11-30": 7, "2026-11": 7}
    assert {use.reserved.tokens for use in uses} == {0}


async def test_who_may_ask_no_model_and_who_asks_without_an_account(tmp_path: Path) -> None:
    async with temporary_workbench(tmp_path) as workbench:
        viewer = Principal(account=ACCOUNT, name="Vi", role="viewer", scopes=("inference", "read"))
        with pytest.raises(JackfieldError, match="role member or admin"):
            await workbench.start(RunRequest(model="", prompt="a"), principal=viewer)
        run = await workbench.start(RunRequest(model="", prompt="a", max_tokens=2))
        assert (await ended(workbench, run.id)).account is None
        assert await workbench._store.budgets.use([KEY], [window_of("day", datetime.now(UTC))]) == ()
