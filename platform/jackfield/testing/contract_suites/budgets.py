"""The promises of budgets, for any implementation of `jackfield.contracts.budgets.BudgetRecords`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from jackfield.contracts.budgets import Budget, BudgetRecords, BudgetUse, Period, Reservation, Spending
from jackfield.contracts.identity import Account, Holder
from jackfield.contracts.records import RunEnd, StateStore
from jackfield.errors import BudgetExceeded, NameTaken, NotFound
from jackfield.identifiers import new_identifier
from jackfield.testing.contract_suites.records_made import NOON, a_run, numbered, words
from jackfield.testing.contract_suites.store_fixtures import StateStoreFixtures, examples

DAY, MONTH = "2026-03-01", "2026-03"
RUNS_THAT_FIT = 50
amounts = st.builds(Spending, tokens=st.integers(0, 400), money=st.integers(0, 400))


def an_account() -> Account:
    """Somebody new, with a key and a team."""
    return Account(user_id=new_identifier("user"), team_id=new_identifier("team"), key_id=new_identifier("key"))


def a_reservation(account: Account, tokens: int = 10, *, money: int = 0, at: datetime = NOON) -> Reservation:
    """Something to set aside for all who pay."""
    amount = Spending(tokens=tokens, money=money)
    return Reservation(id=new_identifier("run"), holders=account.holders, amount=amount, at=at)


def user_of(account: Account) -> Holder:
    """The account's user as somebody with a budget."""
    return Holder("user", account.user_id)


async def use_of(budgets: BudgetRecords, holder: Holder, window: str = DAY) -> BudgetUse:
    """What a holder used in a window, nothing where nothing is on record."""
    used = await budgets.use([holder], [window])
    return used[0] if used else BudgetUse(holder=holder, window=window)


@pytest.mark.asyncio
class BudgetRecordsContract(StateStoreFixtures):
    """Budgets, their use and what is set aside."""

    async def test_budgets_are_replaced_listed_in_order_and_removed(self, store: StateStore) -> None:
        team, user = Holder("team", "team_b"), Holder("user", "user_a")
        for holder, period, tokens in ((user, "month", 5), (team, "day", 1), (user, "day", 3), (user, "day", 4)):
            await store.budgets.put(Budget(holder=holder, period=_period(period), tokens=tokens, money=None))
        listed = await store.budgets.all()
        assert [(each.holder, each.period, each.tokens) for each in listed] == [
            (team, "day", 1),
            (user, "day", 4),
            (user, "month", 5),
        ]
        assert await store.budgets.all([team, Holder("key", "key_0")]) == listed[:1]
        assert await store.budgets.all([]) == ()
        assert await store.budgets.remove(team, "day")
        assert not await store.budgets.remove(team, "day")
        assert await store.budgets.all() == listed[1:]

    async def test_without_a_budget_use_is_counted_for_everyone_who_pays(self, store: StateStore) -> None:
        account = an_account()
        reservation = a_reservation(account, 100, money=7)
        await store.budgets.reserve(reservation)
        open_use = await store.budgets.use(account.holders, [DAY, MONTH])
        assert [(use.holder, use.window) for use in open_use] == [
            (holder, window) for holder in account.holders for window in (MONTH, DAY)
        ]
        assert {(use.requests, use.spent, use.reserved) for use in open_use} == {
            (0, Spending(), Spending(tokens=100, money=7))
        }
        assert await store.budgets.settle(reservation.id, Spending(tokens=60, money=5))
        settled = await store.budgets.use(account.holders, [DAY, MONTH])
        assert {(use.requests, use.spent, use.reserved) for use in settled} == {
            (1, Spending(tokens=60, money=5), Spending())
        }

    async def test_settling_again_changes_nothing(self, store: StateStore, other_store: StateStore) -> None:
        account = an_account()
        reservation = a_reservation(account)
        await store.budgets.reserve(reservation)
        spent = Spending(tokens=4, money=2)
        keepers = (store, other_store) * 4
        outcomes = await asyncio.gather(*(keeper.budgets.settle(reservation.id, spent) for keeper in keepers))
        assert sorted(outcomes) == [False] * 7 + [True]
        assert await use_of(store.budgets, user_of(account)) == BudgetUse(
            holder=user_of(account), window=DAY, requests=1, spent=spent
        )
        assert not await store.budgets.settle("run_0", spent)

    async def test_an_identifier_is_set_aside_for_once(self, store: StateStore) -> None:
        account = an_account()
        reservation = a_reservation(account, 10)
        await store.budgets.reserve(reservation)
        with pytest.raises(NameTaken):
            await store.budgets.reserve(reservation)
        assert (await use_of(store.budgets, user_of(account))).reserved.tokens == 10

    @pytest.mark.parametrize("kind", ["key", "user", "team"])
    @pytest.mark.parametrize("period", ["day", "month"])
    @pytest.mark.parametrize("unit", ["tokens", "money"])
    async def test_any_budget_without_room_refuses_and_nothing_changes(
        self, store: StateStore, kind: str, period: Period, unit: str
    ) -> None:
        account = an_account()
        holder = next(holder for holder in account.holders if holder.kind == kind)
        await store.budgets.put(Budget(holder=holder, period=period, **{unit: 100}))
        await store.budgets.reserve(a_reservation(account, 40, money=40))
        before = await store.budgets.use(account.holders, [DAY, MONTH])
        with pytest.raises(BudgetExceeded, match=holder.id) as refusal:
            await store.budgets.reserve(a_reservation(account, 61, money=61))
        assert refusal.value.retry_after is not None
        assert await store.budgets.use(account.holders, [DAY, MONTH]) == before
        await store.budgets.reserve(a_reservation(account, 60, money=60))

    async def test_what_can_never_fit_names_no_time_to_wait(self, store: StateStore) -> None:
        account = an_account()
        await store.budgets.put(Budget(holder=user_of(account), period="day", tokens=100))
        with pytest.raises(BudgetExceeded) as refusal:
            await store.budgets.reserve(a_reservation(account, 101))
        assert refusal.value.retry_after is None

    async def test_a_used_up_budget_lets_through_what_costs_nothing_of_it(self, store: StateStore) -> None:
        account = an_account()
        await store.budgets.put(Budget(holder=user_of(account), period="month", money=0))
        await store.budgets.reserve(a_reservation(account, 10))
        with pytest.raises(BudgetExceeded):
            await store.budgets.reserve(a_reservation(account, 10, money=1))

    async def test_a_day_is_over_at_midnight_in_utc_and_its_reservations_count_in_it(self, store: StateStore) -> None:
        account = an_account()
        await store.budgets.put(Budget(holder=user_of(account), period="day", tokens=10))
        evening = datetime(2026, 3, 31, 23, 59, tzinfo=UTC)
        late = a_reservation(account, 10, at=evening)
        await store.budgets.reserve(late)
        with pytest.raises(BudgetExceeded):
            await store.budgets.reserve(a_reservation(account, 1, at=evening))
        await store.budgets.reserve(a_reservation(account, 10, at=evening + timedelta(minutes=1)))
        assert await store.budgets.settle(late.id, Spending(tokens=9))
        assert (await use_of(store.budgets, user_of(account), "2026-03-31")).spent.tokens == 9
        assert (await use_of(store.budgets, user_of(account), "2026-04-01")).spent.tokens == 0
        assert (await use_of(store.budgets, user_of(account), "2026-03")).spent.tokens == 9

    async def test_a_reservation_grows_while_there_is_room(self, store: StateStore) -> None:
        account = an_account()
        await store.budgets.put(Budget(holder=user_of(account), period="day", tokens=100))
        reservation = a_reservation(account, 10)
        await store.budgets.reserve(reservation)
        await store.budgets.extend(reservation.id, Spending(tokens=100))
        with pytest.raises(BudgetExceeded):
            await store.budgets.extend(reservation.id, Spending(tokens=101))
        assert (await use_of(store.budgets, user_of(account))).reserved.tokens == 100
        await store.budgets.extend(reservation.id, Spending(tokens=30))
        assert (await use_of(store.budgets, user_of(account))).reserved.tokens == 30
        assert await store.budgets.settle(reservation.id, Spending(tokens=20))
        assert (await use_of(store.budgets, user_of(account))).reserved == Spending()
        with pytest.raises(NotFound):
            await store.budgets.extend(reservation.id, Spending(tokens=1))

    async def test_what_nobody_settled_is_given_back_and_counts_as_no_request(self, store: StateStore) -> None:
        account = an_account()
        old, recent = a_reservation(account, 10), a_reservation(account, 5, at=NOON + timedelta(hours=1))
        run = a_run()
        of_a_run = Reservation(id=run.id, holders=account.holders, amount=Spending(tokens=3), at=NOON)
        await store.runs.add(run, of_a_run)
        for reservation in (old, recent):
            await store.budgets.reserve(reservation)
        assert await store.budgets.expire(before=NOON + timedelta(minutes=1)) == 1
        assert await store.budgets.expire(before=NOON + timedelta(minutes=1)) == 0
        use = await use_of(store.budgets, user_of(account))
        assert (use.requests, use.reserved, use.spent) == (0, Spending(tokens=8), Spending())
        assert not await store.budgets.settle(old.id, Spending(tokens=1))
        assert await store.budgets.settle(run.id, Spending(tokens=1))

    async def test_of_many_that_reserve_at_once_exactly_as_many_as_fit_do(
        self, store: StateStore, other_store: StateStore
    ) -> None:
        account = an_account()
        await store.budgets.put(Budget(holder=user_of(account), period="day", tokens=10 * RUNS_THAT_FIT))
        outcomes = await asyncio.gather(
            *((store, other_store)[at % 2].budgets.reserve(a_reservation(account)) for at in range(200)),
            return_exceptions=True,
        )
        assert sum(outcome is None for outcome in outcomes) == RUNS_THAT_FIT
        assert all(isinstance(outcome, BudgetExceeded) for outcome in outcomes if outcome is not None)
        assert (await use_of(store.budgets, user_of(account))).reserved.tokens == 10 * RUNS_THAT_FIT

    async def test_runs_that_are_added_at_once_share_a_budget_exactly(
        self, store: StateStore, other_store: StateStore
    ) -> None:
        account = an_account()
        await store.budgets.put(Budget(holder=user_of(account), period="month", tokens=10 * RUNS_THAT_FIT))

        async def one(keeper: StateStore) -> bool:
            run = a_run()
            try:
                await keeper.runs.add(run, replace(a_reservation(account), id=run.id))
            except BudgetExceeded:
                assert await keeper.runs.get(run.id) is None
                return False
            end = RunEnd(state="finished", finished_at=NOON, spent=Spending(tokens=10))
            await keeper.runs.append(run.id, numbered(run.id, words(1)), end=end)
            return True

        ran = await asyncio.gather(*(one((store, other_store)[at % 2]) for at in range(200)))
        assert sum(ran) == RUNS_THAT_FIT
        use = await use_of(store.budgets, user_of(account), MONTH)
        assert (use.requests, use.spent.tokens, use.reserved.tokens) == (50, 500, 0)

    async def test_holders_who_share_a_team_reserve_and_settle_at_once(
        self, store: StateStore, other_store: StateStore
    ) -> None:
        team = new_identifier("team")
        accounts = [Account(user_id=f"user_{at}", team_id=team, key_id=f"key_{5 - at}") for at in range(6)]

        async def use(account: Account, keeper: StateStore) -> None:
            for _ in range(10):
                reservation = a_reservation(account, 10)
                await keeper.budgets.reserve(reservation)
                await keeper.budgets.settle(reservation.id, Spending(tokens=7))

        await asyncio.gather(*(use(account, keeper) for account in accounts for keeper in (store, other_store)))
        total = await use_of(store.budgets, Holder("team", team))
        assert (total.requests, total.spent.tokens, total.reserved.tokens) == (120, 840, 0)

    async def test_beginning_ending_expiring_and_pruning_at_once_leave_exact_sums(
        self, store: StateStore, other_store: StateStore
    ) -> None:
        """Whatever order they come in, none waits for another that waits for it."""
        team = new_identifier("team")
        keepers = (store, other_store)

        async def begin_and_end(number: int) -> None:
            keeper, account = keepers[number % 2], Account(user_id=f"user_{number % 5}", team_id=team)
            for _ in range(4):
                run = a_run()
                await keeper.runs.add(run, replace(a_reservation(account), id=run.id))
                await keepers[1 - number % 2].runs.append(run.id, numbered(run.id, words(3)))
                spent = Spending(tokens=6)
                await keeper.runs.append(run.id, (), end=RunEnd(state="finished", finished_at=NOON, spent=spent))

        async def request(number: int) -> None:
            account = Account(user_id=f"user_{number % 3}", team_id=team)
            for _ in range(4):
                await keepers[number % 2].budgets.reserve(a_reservation(account, at=NOON))

        async def tidy(keeper: StateStore) -> None:
            for _ in range(6):
                await keeper.budgets.expire(before=NOON + timedelta(hours=1))
                await keeper.runs.prune(before=NOON + timedelta(hours=1))

        work = [begin_and_end(number) for number in range(12)] + [request(number) for number in range(6)]
        await asyncio.gather(*work, tidy(store), tidy(other_store))
        await store.budgets.expire(before=NOON + timedelta(hours=1))
        use = await use_of(store.budgets, Holder("team", team))
        assert (use.requests, use.spent.tokens, use.reserved) == (48, 288, Spending())

    @examples
    @given(limit=amounts, steps=st.lists(st.tuples(amounts, st.none() | amounts), max_size=12))
    async def test_no_sum_of_reservations_exceeds_a_budget_and_every_sum_is_exact(
        self, store: StateStore, limit: Spending, steps: Sequence[tuple[Spending, Spending | None]]
    ) -> None:
        """Each step reserves, and settles at once where it says for how much."""
        account = an_account()
        user = user_of(account)
        await store.budgets.put(Budget(holder=user, period="day", tokens=limit.tokens, money=limit.money))
        spent, reserved = Spending(), Spending()
        for amount, settled in steps:
            reservation = a_reservation(account, amount.tokens, money=amount.money)
            fits = all(
                not getattr(amount, unit)
                or getattr(spent, unit) + getattr(reserved, unit) + getattr(amount, unit) <= getattr(limit, unit)
                for unit in ("tokens", "money")
            )
            if not fits:
                with pytest.raises(BudgetExceeded):
                    await store.budgets.reserve(reservation)
                continue
            await store.budgets.reserve(reservation)
            if settled is None:
                reserved = _sum(reserved, amount)
            else:
                assert await store.budgets.settle(reservation.id, settled)
                spent = _sum(spent, settled)
        use = await use_of(store.budgets, user)
        assert (use.spent, use.reserved) == (spent, reserved)


def _sum(one: Spending, other: Spending) -> Spending:
    return Spending(tokens=one.tokens + other.tokens, money=one.money + other.money)


def _period(name: str) -> Period:
    return "day" if name == "day" else "month"
