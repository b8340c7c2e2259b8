"""The state store's promises, for any implementation of `jackfield.contracts.records`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from jackfield.contracts.records import StateStore
from jackfield.contracts.runs import Conversation, RunRequest, RunState
from jackfield.errors import Conflict, ConversationNotFound, NameTaken, RunNotFound
from jackfield.events import Finished, RunEventBody, TextDelta, Usage
from jackfield.messages import Message
from jackfield.testing.contract_suites import records_made as made
from jackfield.testing.contract_suites.budgets import BudgetRecordsContract
from jackfield.testing.contract_suites.identity_records import CredentialRecordsContract, UserRecordsContract
from jackfield.testing.contract_suites.records_made import NOON, a_model, a_run, numbered, words
from jackfield.testing.contract_suites.run_leases import RunLeasesContract
from jackfield.testing.contract_suites.store_fixtures import StateStoreFixtures, examples
from jackfield.testing.contract_suites.uploads import UploadRecordsContract


@pytest.mark.asyncio
class ModelRecordsContract(StateStoreFixtures):
    """Installed models by name."""

    async def test_a_model_comes_back_as_it_was_put(self, store: StateStore) -> None:
        await store.models.put(a_model())
        assert await store.models.get("starter") == a_model()

    async def test_putting_a_name_again_replaces_its_model(self, store: StateStore) -> None:
        await store.models.put(a_model())
        await store.models.put(a_model(sha256="f" * 64))
        assert await store.models.all() == (a_model(sha256="f" * 64),)

    async def test_models_are_listed_by_name(self, store: StateStore) -> None:
        for name in ("qwen", "Starter", "gemma-3", "gemma_2", "é"):
            await store.models.put(a_model(name))
        assert [model.name for model in await store.models.all()] == ["Starter", "gemma-3", "gemma_2", "qwen", "é"]

    async def test_a_name_that_is_not_there_has_no_model(self, store: StateStore) -> None:
        assert await store.models.get("starter") is None
        assert await store.models.all() == ()

    async def test_removing_says_whether_there_was_one(self, store: StateStore) -> None:
        await store.models.put(a_model())
        assert await store.models.remove("starter")
        assert not await store.models.remove("starter")
        assert await store.models.get("starter") is None

    async def test_what_is_put_at_once_ends_as_one_model(self, store: StateStore, other_store: StateStore) -> None:
        await asyncio.gather(*(keeper.models.put(a_model()) for keeper in (store, other_store) for _ in range(5)))
        assert await store.models.all() == (a_model(),)


@pytest.mark.asyncio
class RunRecordsContract(StateStoreFixtures):
    """Runs and how they stand."""

    async def test_a_run_that_is_not_there_is_none(self, store: StateStore) -> None:
        assert await store.runs.get("run_0") is None

    async def test_an_identifier_is_taken_once(self, store: StateStore) -> None:
        run = a_run()
        await store.runs.add(run)
        with pytest.raises(NameTaken, match=run.id):
            await store.runs.add(replace(run, state="failed"))
        assert await store.runs.get(run.id) == run

    async def test_recent_runs_come_newest_first(self, store: StateStore) -> None:
        runs = [a_run(created_at=NOON + timedelta(microseconds=number)) for number in range(5)]
        for run in (runs[3], runs[0], runs[4], runs[2], runs[1]):
            await store.runs.add(run)
        assert await store.runs.recent(limit=3) == (runs[4], runs[3], runs[2])
        assert await store.runs.recent() == tuple(reversed(runs))

    async def test_recent_runs_of_one_state_are_found_behind_newer_ones(self, store: StateStore) -> None:
        states: tuple[RunState, ...] = ("paused", "finished", "paused", "running", "finished")
        runs = [a_run(state=state, created_at=NOON + timedelta(minutes=at)) for at, state in enumerate(states)]
        for run in runs:
            await store.runs.add(run)
        assert await store.runs.recent(limit=2, state="paused") == (runs[2], runs[0])
        assert await store.runs.recent(state="queued") == ()
        assert all(run.finished_at is None for run in await store.runs.recent(state="paused"))

    async def test_times_come_back_in_utc(self, store: StateStore) -> None:
        here = datetime.fromisoformat("2026-03-01T14:30:00.000001+02:30")
        run = a_run(state="finished", created_at=here, finished_at=here)
        await store.runs.add(run)
        stored = await store.runs.get(run.id)
        assert stored == run
        assert stored.created_at.utcoffset() == timedelta(0)
        assert stored.created_at.isoformat() == "2026-03-01T12:00:00.000001+00:00"

    async def test_set_state_replaces_how_a_run_stands(self, store: StateStore) -> None:
        run, usage = a_run(), Usage(prompt_tokens=9, completion_tokens=4, cached_tokens=8)
        await store.runs.add(run)
        await store.runs.set_state(run.id, "failed", finished_at=NOON, usage=usage, error="engine_failure")
        assert await store.runs.get(run.id) == replace(
            run, state="failed", finished_at=NOON, usage=usage, error="engine_failure"
        )
        await store.runs.set_state(run.id, "queued")
        assert await store.runs.get(run.id) == run

    async def test_a_run_that_ends_without_a_time_ends_now(self, store: StateStore) -> None:
        run = a_run()
        await store.runs.add(run)
        before = datetime.now(UTC)
        await store.runs.set_state(run.id, "cancelled")
        stored = await store.runs.get(run.id)
        assert stored is not None
        assert stored.finished_at is not None
        assert before <= stored.finished_at <= datetime.now(UTC)

    async def test_an_unknown_run_has_no_state_to_set(self, store: StateStore) -> None:
        with pytest.raises(RunNotFound):
            await store.runs.set_state("run_0", "running")

    async def test_unfinished_runs_come_oldest_first(self, store: StateStore) -> None:
        states: tuple[RunState, ...] = ("running", "finished", "queued", "failed", "running", "cancelled")
        runs = [a_run(state=state, created_at=NOON - timedelta(days=age)) for age, state in enumerate(states)]
        for run in runs:
            await store.runs.add(run)
        assert await store.runs.unfinished() == (runs[4], runs[2], runs[0])

    async def test_unfinished_runs_are_counted_by_state(self, store: StateStore) -> None:
        assert await store.runs.unfinished_counts() == {}
        states: tuple[RunState, ...] = ("running", "finished", "queued", "failed", "running", "paused", "cancelled")
        for state in states:
            await store.runs.add(a_run(state=state))
        assert await store.runs.unfinished_counts() == {"running": 2, "queued": 1, "paused": 1}

    async def test_prune_deletes_runs_that_ended_before(self, store: StateStore) -> None:
        old, long_ago = NOON - timedelta(seconds=1), NOON - timedelta(days=400)
        gone = [a_run(state=state, created_at=long_ago, finished_at=old) for state in ("finished", "failed")]
        kept = [
            a_run(state="finished", created_at=long_ago, finished_at=NOON),
            a_run(state="running", created_at=long_ago),
            a_run(state="queued", created_at=long_ago),
        ]
        for run in (*gone, *kept):
            await store.runs.add(run)
            await store.runs.append(run.id, numbered(run.id, words(3)))
        assert await store.runs.prune(before=NOON) == 2
        assert {run.id for run in await store.runs.recent()} == {run.id for run in kept}
        assert [len(await store.runs.events(run.id)) for run in (*gone, *kept)] == [0, 0, 3, 3, 3]
        assert await store.runs.prune(before=NOON) == 0

    @examples
    @given(request=made.requests, created_at=made.moments)
    async def test_any_request_comes_back_as_it_was(
        self, store: StateStore, request: RunRequest, created_at: datetime
    ) -> None:
        run = replace(a_run(created_at=created_at), request=request)
        await store.runs.add(run)
        assert await store.runs.get(run.id) == run


@pytest.mark.asyncio
class RunEventsContract(StateStoreFixtures):
    """The numbered events of a run."""

    @examples
    @given(batches=st.lists(st.lists(made.bodies, max_size=4), max_size=4), after=st.integers(0, 20))
    async def test_a_replay_is_what_was_appended(
        self, store: StateStore, batches: Sequence[Sequence[RunEventBody]], after: int
    ) -> None:
        run = a_run()
        await store.runs.add(run)
        every = numbered(run.id, [body for batch in batches for body in batch])
        start = 0
        for batch in batches:
            await store.runs.append(run.id, every[start : start + len(batch)])
            start += len(batch)
        assert await store.runs.events(run.id) == every
        assert await store.runs.events(run.id, after=after) == every[after:]

    async def test_events_are_of_their_own_run(self, store: StateStore) -> None:
        one, other = a_run(), a_run()
        for run in (one, other):
            await store.runs.add(run)
        await store.runs.append(one.id, numbered(one.id, words(2)))
        assert await store.runs.events(other.id) == ()

    @pytest.mark.parametrize("first", [1, 2, 3])
    async def test_a_number_that_exists_is_taken_and_nothing_is_added(self, store: StateStore, first: int) -> None:
        run = a_run()
        await store.runs.add(run)
        await store.runs.append(run.id, numbered(run.id, words(3)))
        with pytest.raises(NameTaken):
            await store.runs.append(run.id, numbered(run.id, words(5), first=first))
        assert await store.runs.events(run.id) == numbered(run.id, words(3))

    async def test_a_number_twice_in_one_batch_adds_nothing(self, store: StateStore) -> None:
        run = a_run()
        await store.runs.add(run)
        with pytest.raises(NameTaken):
            await store.runs.append(run.id, [*numbered(run.id, words(2)), *numbered(run.id, words(1), first=2)])
        assert await store.runs.events(run.id) == ()

    async def test_a_gap_is_refused_and_nothing_is_added(self, store: StateStore) -> None:
        run = a_run()
        await store.runs.add(run)
        with pytest.raises(Conflict):
            await store.runs.append(run.id, numbered(run.id, words(1), first=2))
        one, _, three = numbered(run.id, words(3))
        with pytest.raises(Conflict):
            await store.runs.append(run.id, [one, three])
        assert await store.runs.events(run.id) == ()

    async def test_an_unknown_run_takes_no_events(self, store: StateStore) -> None:
        with pytest.raises(RunNotFound):
            await store.runs.append("run_0", numbered("run_0", words(1)))
        assert await store.runs.events("run_0") == ()

    async def test_of_two_writers_with_the_same_numbers_one_wins(
        self, store: StateStore, other_store: StateStore
    ) -> None:
        run = a_run()
        await store.runs.add(run)
        mine, theirs = words(40), (TextDelta(text="another answer", tokens=2),) * 40
        outcomes = await asyncio.gather(
            store.runs.append(run.id, numbered(run.id, mine)),
            other_store.runs.append(run.id, numbered(run.id, theirs)),
            return_exceptions=True,
        )
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NameTaken", "NoneType"]
        won = mine if outcomes[0] is None else theirs
        assert await store.runs.events(run.id) == numbered(run.id, won)

    async def test_many_runs_write_at_once(self, store: StateStore, other_store: StateStore) -> None:
        runs = [a_run() for _ in range(8)]

        async def write(run_id: str, keeper: StateStore) -> None:
            for number in range(1, 16):
                await keeper.runs.append(run_id, numbered(run_id, words(1), first=number))

        for run in runs:
            await store.runs.add(run)
        await asyncio.gather(*(write(run.id, (store, other_store)[at % 2]) for at, run in enumerate(runs)))
        for run in runs:
            assert [event.number for event in await other_store.runs.events(run.id)] == list(range(1, 16))


@pytest.mark.asyncio
class ConversationRecordsContract(StateStoreFixtures):
    """Conversations and their messages."""

    async def test_a_new_conversation_can_be_got(self, store: StateStore) -> None:
        added = await store.conversations.add("Jackfields", model="starter")
        assert (added.title, added.model, added.created_at) == ("Jackfields", "starter", added.updated_at)
        assert await store.conversations.get(added.id) == added
        assert (await store.conversations.add("No model")).model is None
        assert await store.conversations.messages(added.id) == ()

    async def test_a_conversation_that_is_not_there(self, store: StateStore) -> None:
        assert await store.conversations.get("conversation_0") is None
        assert not await store.conversations.remove("conversation_0")
        with pytest.raises(ConversationNotFound):
            await store.conversations.rename("conversation_0", "Anything")
        with pytest.raises(ConversationNotFound):
            await store.conversations.append("conversation_0", Message.of("user", "Anyone?"))
        with pytest.raises(ConversationNotFound):
            await store.conversations.messages("conversation_0")

    async def test_the_last_touched_comes_first(self, store: StateStore) -> None:
        first, second, third = [await store.conversations.add(title) for title in ("first", "second", "third")]
        assert await _ids(store) == [third.id, second.id, first.id]
        await store.conversations.append(first.id, Message.of("user", "Hello"))
        await store.conversations.rename(second.id, "second, renamed")
        assert await _ids(store) == [second.id, first.id, third.id]
        assert await _ids(store, limit=1) == [second.id]

    async def test_renaming_changes_the_title_alone(self, store: StateStore) -> None:
        added = await store.conversations.add("Old", model="starter")
        await store.conversations.rename(added.id, "New")
        renamed = await _conversation(store, added.id)
        assert replace(renamed, updated_at=added.updated_at) == replace(added, title="New")
        assert renamed.updated_at >= added.updated_at

    async def test_removing_takes_the_messages_along(self, store: StateStore) -> None:
        gone, kept = [await store.conversations.add(title) for title in ("gone", "kept")]
        for conversation in (gone, kept):
            await store.conversations.append(conversation.id, Message.of("user", "Hello"))
        assert await store.conversations.remove(gone.id)
        assert await store.conversations.get(gone.id) is None
        with pytest.raises(ConversationNotFound):
            await store.conversations.messages(gone.id)
        assert len(await store.conversations.messages(kept.id)) == 1

    @examples
    @given(turns=st.lists(st.tuples(st.integers(0, 2), made.messages, st.none() | st.just("run_1")), max_size=8))
    async def test_messages_are_numbered_and_come_back_as_they_were(
        self, store: StateStore, turns: Sequence[tuple[int, Message, str | None]]
    ) -> None:
        conversations = [await store.conversations.add(f"{number}") for number in range(3)]
        for at, message, run_id in turns:
            appended = await store.conversations.append(conversations[at].id, message, run_id=run_id)
            assert (await store.conversations.messages(conversations[at].id))[-1] == appended
        for at, conversation in enumerate(conversations):
            stored = await store.conversations.messages(conversation.id)
            assert [(each.message, each.run_id) for each in stored] == [turn[1:] for turn in turns if turn[0] == at]
            assert [each.number for each in stored] == list(range(1, len(stored) + 1))
            assert all(each.conversation_id == conversation.id for each in stored)

    async def test_messages_outlive_the_run_that_wrote_them(self, store: StateStore) -> None:
        run = a_run(state="finished", finished_at=NOON)
        await store.runs.add(run)
        conversation = await store.conversations.add("Kept")
        appended = await store.conversations.append(conversation.id, Message.of("assistant", "Hi"), run_id=run.id)
        assert await store.runs.prune(before=NOON + timedelta(days=1)) == 1
        assert await store.conversations.messages(conversation.id) == (appended,)

    async def test_appending_at_once_gives_each_its_own_number(
        self, store: StateStore, other_store: StateStore
    ) -> None:
        conversation = await store.conversations.add("Busy")
        texts = [f"message {number}" for number in range(30)]
        keepers = (store, other_store)
        appended = await asyncio.gather(
            *(
                keepers[at % 2].conversations.append(conversation.id, Message.of("user", text))
                for at, text in enumerate(texts)
            )
        )
        stored = await store.conversations.messages(conversation.id)
        assert [each.number for each in stored] == list(range(1, 31))
        assert sorted(each.number for each in appended) == list(range(1, 31))
        assert sorted(each.message.text for each in stored) == sorted(texts)


@pytest.mark.asyncio
class StateStoreContract(
    ModelRecordsContract,
    RunRecordsContract,
    RunEventsContract,
    RunLeasesContract,
    BudgetRecordsContract,
    UserRecordsContract,
    CredentialRecordsContract,
    UploadRecordsContract,
    ConversationRecordsContract,
):
    """Everything that a state store promises; override `store`, and `other_store` where two can be open at once."""

    async def test_check_passes_and_changes_nothing_that_is_kept(self, store: StateStore) -> None:
        await store.models.put(a_model())
        await store.check()
        assert await store.models.all() == (a_model(),)

    async def test_what_was_written_is_there_for_another_process(
        self, store: StateStore, other_store: StateStore
    ) -> None:
        run = a_run()
        await store.runs.add(run)
        await store.runs.append(run.id, numbered(run.id, words(2)))
        await store.models.put(a_model())
        conversation = await store.conversations.add("Shared")
        await store.close()
        assert await other_store.runs.get(run.id) == run
        assert await other_store.runs.events(run.id) == numbered(run.id, words(2))
        assert await other_store.models.get("starter") == a_model()
        assert await other_store.conversations.get(conversation.id) == conversation

    async def test_an_appender_that_is_cancelled_leaves_all_or_nothing(self, store: StateStore) -> None:
        for patience in range(12):
            run = a_run()
            await store.runs.add(run)
            task = asyncio.create_task(store.runs.append(run.id, numbered(run.id, words(5))))
            for _ in range(patience):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert len(await store.runs.events(run.id)) in (0, 5)
        await store.check()

    async def test_a_finished_run_is_kept_whole(self, store: StateStore) -> None:
        run, usage = a_run(), Usage(prompt_tokens=3, completion_tokens=6)
        await store.runs.add(run)
        await store.runs.set_state(run.id, "running")
        await store.runs.append(run.id, numbered(run.id, (*words(3), Finished(reason="stop", usage=usage))))
        await store.runs.set_state(run.id, "finished", finished_at=NOON, usage=usage)
        assert (await store.runs.events(run.id))[-1].final
        assert await store.runs.unfinished() == ()

    async def test_closing_twice_does_nothing(self, store: StateStore) -> None:
        await store.close()
        await store.close()


async def _ids(store: StateStore, *, limit: int = 50) -> list[str]:
    return [conversation.id for conversation in await store.conversations.recent(limit=limit)]


async def _conversation(store: StateStore, conversation_id: str) -> Conversation:
    found = await store.conversations.get(conversation_id)
    assert found is not None
    return found
