"""The promises of leases, for any implementation of `jackfield.contracts.records.RunRecords`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from jackfield.contracts.budgets import Reservation, Spending
from jackfield.contracts.identity import Account
from jackfield.contracts.records import RunEnd, StateStore
from jackfield.contracts.runs import RunRecord, RunState
from jackfield.errors import NameTaken, RunElsewhere, RunNotFound
from jackfield.events import Finished, Usage
from jackfield.testing.contract_suites.records_made import NOON, a_run, numbered, words
from jackfield.testing.contract_suites.store_fixtures import StateStoreFixtures, examples

USAGE = Usage(prompt_tokens=3, completion_tokens=6)
END = RunEnd(state="finished", finished_at=NOON, usage=USAGE, spent=Spending(tokens=9))
workers = st.sampled_from(("worker_a", "worker_b", "worker_c"))
deeds = st.sampled_from(("claim", "claim_dead", "renew", "release", "offer", "append"))


def soon() -> datetime:
    """A moment that does not come during a test."""
    return datetime.now(UTC) + timedelta(hours=1)


def past() -> datetime:
    """A moment that is over: a lease until then has run out."""
    return datetime.now(UTC) - timedelta(seconds=1)


async def added(store: StateStore, *, state: RunState = "queued", leased_until: datetime | None = None) -> RunRecord:
    """A run on record."""
    run = replace(a_run(state=state), leased_until=leased_until)
    await store.runs.add(run)
    return run


async def claimed(store: StateStore, worker: str = "worker_a", *, until: datetime | None = None) -> RunRecord:
    """A run that a worker holds."""
    run = await store.runs.claim((await added(store)).id, worker, until=until or soon())
    assert run is not None
    return run


@pytest.mark.asyncio
class RunLeasesContract(StateStoreFixtures):
    """Which worker executes which run, and what it may then add."""

    async def test_who_asked_and_the_trace_come_back(self, store: StateStore) -> None:
        account = Account(user_id="user_1", team_id="team_1", key_id="key_1")
        run = replace(a_run(), account=account, trace="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
        await store.runs.add(run)
        assert await store.runs.get(run.id) == run

    async def test_recent_runs_of_a_user_and_those_before_one(self, store: StateStore) -> None:
        accounts = [Account(user_id=f"user_{at % 2}") for at in range(6)]
        runs = [
            replace(a_run(created_at=NOON + timedelta(minutes=at // 2)), account=account)
            for at, account in enumerate(accounts)
        ]
        for run in runs:
            await store.runs.add(run)
        newest = await store.runs.recent()
        assert list(newest) == sorted(runs, key=lambda run: (run.created_at, run.id), reverse=True)
        assert await store.runs.recent(before=newest[1].id, limit=2) == newest[2:4]
        assert await store.runs.recent(user_id="user_1") == (runs[5], runs[3], runs[1])
        assert await store.runs.recent(user_id="user_1", before=runs[3].id) == (runs[1],)
        assert await store.runs.recent(before=newest[-1].id) == ()

    async def test_a_claimed_run_is_running_and_nobody_elses(self, store: StateStore, other_store: StateStore) -> None:
        run, until = await added(store), soon()
        got = await store.runs.claim(run.id, "worker_a", until=until)
        assert got == replace(run, state="running", worker="worker_a", leased_until=until)
        assert await store.runs.get(run.id) == got
        assert await other_store.runs.claim(run.id, "worker_b", until=until) is None
        assert await store.runs.claim("run_0", "worker_a", until=until) is None

    @pytest.mark.parametrize("state", ["paused", "finished", "failed", "cancelled"])
    async def test_what_is_not_to_be_executed_cannot_be_claimed(self, store: StateStore, state: RunState) -> None:
        run = await added(store, state=state)
        assert await store.runs.claim(run.id, "worker_a", until=soon()) is None
        assert await store.runs.offer([run.id], until=soon()) == ()
        assert await store.runs.adrift(at=soon()) == ()

    async def test_of_many_that_claim_at_once_one_gets_the_run(
        self, store: StateStore, other_store: StateStore
    ) -> None:
        run = await added(store)
        claims = [(store, other_store)[at % 2].runs.claim(run.id, f"worker_{at}", until=soon()) for at in range(12)]
        got = [claim for claim in await asyncio.gather(*claims) if claim]
        assert len(got) == 1
        stored = await store.runs.get(run.id)
        assert stored == got[0]

    async def test_a_lease_that_ran_out_can_be_claimed_by_another(self, store: StateStore) -> None:
        run = await claimed(store, until=past())
        taken = await store.runs.claim(run.id, "worker_b", until=soon())
        assert taken is not None
        assert taken.worker == "worker_b"

    async def test_a_worker_without_the_lease_adds_nothing(self, store: StateStore) -> None:
        run = await claimed(store, until=past())
        await store.runs.append(run.id, numbered(run.id, words(2)), worker="worker_a")
        await store.runs.claim(run.id, "worker_b", until=soon())
        for events in (numbered(run.id, words(1), first=3), numbered(run.id, words(2))):
            with pytest.raises(RunElsewhere):
                await store.runs.append(run.id, events, worker="worker_a", end=END)
        stored = await store.runs.get(run.id)
        assert stored is not None
        assert (stored.state, stored.worker) == ("running", "worker_b")
        assert await store.runs.events(run.id) == numbered(run.id, words(2))

    async def test_a_queued_run_takes_no_events_of_a_worker(self, store: StateStore) -> None:
        run = await added(store)
        with pytest.raises(RunElsewhere):
            await store.runs.append(run.id, numbered(run.id, words(1)), worker="worker_a")
        with pytest.raises(RunNotFound):
            await store.runs.append("run_0", numbered("run_0", words(1)), worker="worker_a")

    async def test_a_last_event_ends_the_run_and_settles_what_it_set_aside(self, store: StateStore) -> None:
        run = a_run()
        reservation = Reservation(
            id=run.id, holders=Account(user_id="user_1").holders, amount=Spending(tokens=50), at=NOON
        )
        await store.runs.add(run, reservation)
        await store.runs.claim(run.id, "worker_a", until=soon())
        events = numbered(run.id, (*words(2), Finished(reason="stop", usage=USAGE)))
        await store.runs.append(run.id, events, worker="worker_a", end=END)
        stored = await store.runs.get(run.id)
        assert stored is not None
        assert (stored.state, stored.finished_at, stored.usage, stored.error) == ("finished", NOON, USAGE, None)
        assert stored.leased_until is None
        (day,) = await store.budgets.use(reservation.holders, ["2026-03-01"])
        assert (day.requests, day.spent, day.reserved) == (1, Spending(tokens=9), Spending())
        assert not await store.budgets.settle(run.id, Spending(tokens=9))

    async def test_a_last_append_that_is_tried_again_is_known_for_one(self, store: StateStore) -> None:
        run = await claimed(store)
        events = numbered(run.id, words(2))
        await store.runs.append(run.id, events, worker="worker_a", end=END)
        with pytest.raises(NameTaken):
            await store.runs.append(run.id, events, worker="worker_a", end=END)
        assert await store.runs.events(run.id) == events

    async def test_an_end_without_events_and_a_failed_append_that_ends_nothing(self, store: StateStore) -> None:
        run = await claimed(store)
        await store.runs.append(run.id, numbered(run.id, words(1)), worker="worker_a")
        with pytest.raises(NameTaken):
            await store.runs.append(run.id, numbered(run.id, words(1)), worker="worker_a", end=END)
        still = await store.runs.get(run.id)
        assert still is not None
        assert still.state == "running"
        await store.runs.append(run.id, (), end=replace(END, state="failed", error="interrupted"))
        stored = await store.runs.get(run.id)
        assert stored is not None
        assert (stored.state, stored.error) == ("failed", "interrupted")

    async def test_a_pause_is_no_end(self, store: StateStore) -> None:
        run = await claimed(store)
        await store.runs.append(run.id, numbered(run.id, words(1)), end=replace(END, state="paused"))
        stored = await store.runs.get(run.id)
        assert stored is not None
        assert (stored.state, stored.finished_at, stored.leased_until) == ("paused", None, None)

    async def test_a_run_that_is_queued_again_is_nobodys(self, store: StateStore) -> None:
        run = await claimed(store)
        await store.runs.append(run.id, numbered(run.id, words(1)), end=replace(END, state="paused"))
        await store.runs.set_state(run.id, "queued")
        stored = await store.runs.get(run.id)
        assert stored is not None
        assert (stored.state, stored.worker, stored.leased_until) == ("queued", None, None)
        assert await store.runs.adrift(at=NOON) == (stored,)

    async def test_events_of_several_runs_are_added_but_for_those_not_held(self, store: StateStore) -> None:
        mine, other, gap, theirs = [await claimed(store) for _ in range(3)] + [await claimed(store, "worker_b")]
        refused = await store.runs.append_all(
            [
                (mine.id, numbered(mine.id, words(2))),
                (theirs.id, numbered(theirs.id, words(2))),
                (gap.id, numbered(gap.id, words(1), first=2)),
                ("run_0", numbered("run_0", words(1))),
                (other.id, numbered(other.id, words(1))),
                (other.id, numbered(other.id, words(2), first=2)),
            ],
            worker="worker_a",
        )
        assert set(refused) == {theirs.id, gap.id, "run_0"}
        counts = [len(await store.runs.events(run.id)) for run in (mine, other, gap, theirs)]
        assert counts == [2, 3, 0, 0]
        again = await store.runs.append_all([(mine.id, numbered(mine.id, words(2)))], worker="worker_a")
        assert again == (mine.id,)
        assert await store.runs.append_all([], worker="worker_a") == ()

    async def test_renewing_gives_what_the_worker_still_holds(self, store: StateStore) -> None:
        held, late, lost, ended = [await claimed(store, until=past()) for _ in range(4)]
        await store.runs.claim(lost.id, "worker_b", until=soon())
        await store.runs.append(ended.id, (), end=END)
        until = soon()
        renewed = await store.runs.renew("worker_a", [held.id, late.id, lost.id, ended.id, "run_0"], until=until)
        assert set(renewed) == {held.id, late.id}
        stored = await store.runs.get(held.id)
        assert stored is not None
        assert stored.leased_until == until
        assert await store.runs.renew("worker_a", [], until=until) == ()

    async def test_what_is_given_back_can_be_claimed_at_once(self, store: StateStore) -> None:
        held, theirs = await claimed(store), await claimed(store, "worker_b")
        await store.runs.release("worker_a", [held.id, theirs.id])
        stored = await store.runs.get(held.id)
        assert stored == replace(held, state="queued", worker=None, leased_until=None)
        assert await store.runs.claim(theirs.id, "worker_c", until=soon()) is None
        assert await store.runs.claim(held.id, "worker_c", until=soon()) is not None

    async def test_a_run_is_offered_once_until_the_offer_has_run_out(
        self, store: StateStore, other_store: StateStore
    ) -> None:
        runs = [await added(store) for _ in range(4)]
        ids = [run.id for run in runs]
        keepers = (store, other_store) * 3
        offered = await asyncio.gather(*(keeper.runs.offer(ids, until=soon()) for keeper in keepers))
        assert sorted(run_id for each in offered for run_id in each) == sorted(ids)
        assert await store.runs.offer(ids, until=soon()) == ()
        assert await store.runs.claim(ids[0], "worker_a", until=soon()) is not None

    async def test_a_dead_workers_run_is_offered_and_its_worker_cannot_write_any_more(self, store: StateStore) -> None:
        dead, alive = await claimed(store, until=past()), await claimed(store)
        assert await store.runs.offer([dead.id, alive.id], until=past()) == (dead.id,)
        stored = await store.runs.get(dead.id)
        assert stored is not None
        assert (stored.state, stored.worker) == ("queued", None)
        with pytest.raises(RunElsewhere):
            await store.runs.append(dead.id, numbered(dead.id, words(1)), worker="worker_a")
        assert await store.runs.offer([dead.id], until=soon()) == (dead.id,)

    async def test_runs_that_nobody_cares_for_are_adrift_oldest_first(self, store: StateStore) -> None:
        at = datetime.now(UTC)
        leases = (None, at - timedelta(minutes=1), at + timedelta(minutes=1), None)
        states: tuple[RunState, ...] = ("queued", "running", "running", "paused")
        for age, (state, lease) in enumerate(zip(states, leases, strict=True)):
            run = replace(a_run(state=state, created_at=NOON - timedelta(days=age)), leased_until=lease)
            await store.runs.add(run)
        found = await store.runs.adrift(at=at)
        assert [run.state for run in found] == ["running", "queued"]
        assert await store.runs.adrift(at=at, limit=1) == found[:1]

    async def test_asking_to_stop_is_noted_until_the_run_has_ended(self, store: StateStore) -> None:
        asked, left, over = [await claimed(store) for _ in range(3)]
        await store.runs.ask_to_stop(asked.id)
        await store.runs.ask_to_stop(over.id)
        await store.runs.append(over.id, (), end=END)
        assert await store.runs.asked_to_stop([left.id, asked.id, over.id, "run_0"]) == (asked.id,)
        assert await store.runs.asked_to_stop([]) == ()
        with pytest.raises(RunNotFound):
            await store.runs.ask_to_stop("run_0")

    async def test_writers_of_many_runs_and_renewals_do_not_lock_one_another_out(
        self, store: StateStore, other_store: StateStore
    ) -> None:
        runs = [await claimed(store) for _ in range(12)]
        ids = [run.id for run in runs]

        async def write(keeper: StateStore, order: Sequence[str]) -> None:
            for _ in range(6):
                batches = [(run_id, numbered(run_id, words(1))) for run_id in order]
                await keeper.runs.append_all(batches, worker="worker_a")
                assert len(await keeper.runs.renew("worker_a", order, until=soon())) == len(ids)

        await asyncio.gather(
            write(store, ids), write(other_store, ids[::-1]), write(store, ids[::-1]), write(other_store, ids)
        )
        assert [len(await store.runs.events(run_id)) for run_id in ids] == [1] * 12

    @examples
    @given(steps=st.lists(st.tuples(deeds, workers), max_size=16))
    async def test_at_any_time_one_worker_at_most_can_write(
        self, store: StateStore, steps: Sequence[tuple[str, str]]
    ) -> None:
        run = await added(store)
        holder: str | None = None
        expired, written = True, 0
        for deed, worker in steps:
            if deed.startswith("claim"):
                got = await store.runs.claim(run.id, worker, until=past() if deed == "claim_dead" else soon())
                assert (got is not None) == (holder is None or expired)
                if got:
                    holder, expired = worker, deed == "claim_dead"
            elif deed == "renew":
                assert await store.runs.renew(worker, [run.id], until=soon()) == ((run.id,) if worker == holder else ())
                expired = expired and worker != holder
            elif deed == "release":
                await store.runs.release(worker, [run.id])
                holder = None if worker == holder else holder
            elif deed == "offer":
                offered = await store.runs.offer([run.id], until=past())
                assert bool(offered) == (holder is None or expired)
                holder = None if offered else holder
            else:
                event = numbered(run.id, words(1), first=written + 1)
                refused = await store.runs.append_all([(run.id, event)], worker=worker)
                assert bool(refused) == (worker != holder)
                written += not refused
        assert len(await store.runs.events(run.id)) == written
