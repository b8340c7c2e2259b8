"""The promises of memory, for any implementation of `jackfield.contracts.memory.Memory`."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from jackfield.contracts.memory import Asker, Memory, MemoryUnit
from jackfield.errors import InvalidRequest, MemoryNotFound, NotAllowed
from jackfield.identifiers import new_identifier
from jackfield.testing.word_embedder import WordEmbedder

ADA, BOB = Asker(id="ada", team_id="engine"), Asker(id="bob", team_id="engine")
STRANGER = Asker(id="eve")


def a_unit(text: str, *, owner: Asker = ADA, days_ago: float = 0) -> MemoryUnit:
    """A fact that somebody told."""
    then = datetime.now(UTC) - timedelta(days=days_ago)
    return MemoryUnit(
        id=new_identifier("mem"),
        text=text,
        provenance="user",
        owner_id=owner.id,
        team_id=owner.team_id,
        remembered_at=then,
        changed_at=then,
        source="run_1",
    )


class MemoryContract:
    """Override `memory`, which must embed with `embedder`."""

    @pytest.fixture
    def embedder(self) -> WordEmbedder:
        """What the memory finds by."""
        return WordEmbedder()

    @pytest.fixture
    def memory(self, embedder: WordEmbedder) -> Memory:
        """An empty one."""
        raise NotImplementedError

    async def test_what_was_remembered_is_there_whole(self, memory: Memory) -> None:
        unit = replace(a_unit("My dog is called Rex."), expires_at=datetime.now(UTC) + timedelta(days=1))
        assert await memory.remember(unit) == unit
        assert await memory.get(unit.id, asker=ADA) == unit
        assert await memory.versions(unit.id, asker=ADA) == (unit,)

    async def test_what_not_every_database_keeps_is_refused(self, memory: Memory) -> None:
        with pytest.raises(InvalidRequest, match="NUL"):
            await memory.remember(a_unit("tea\0coffee"))
        assert await memory.page(asker=ADA) == ()

    async def test_what_bears_on_a_question_is_recalled_best_first(self, memory: Memory) -> None:
        for text in ("The dog is called Rex", "I prefer tea over coffee", "The blue dog lead hangs in the hall"):
            await memory.remember(a_unit(text))
        recalled = await memory.recall("what is the dog called", asker=ADA)
        assert recalled[0].unit.text == "The dog is called Rex"
        assert [one.score for one in recalled] == sorted((one.score for one in recalled), reverse=True)
        assert "I prefer tea over coffee" not in {one.unit.text for one in recalled}

    async def test_of_two_that_say_as_much_the_newer_is_recalled_first(self, memory: Memory) -> None:
        await memory.remember(a_unit("the red bicycle stands in the cellar", days_ago=400))
        await memory.remember(a_unit("the red bicycle stands in the garage"))
        found = await memory.recall("where stands the red bicycle", asker=ADA)
        assert found[0].unit.text.endswith("garage")

    async def test_recalling_is_counted(self, memory: Memory) -> None:
        unit = await memory.remember(a_unit("The dog is called Rex"))
        await memory.recall("what is the dog called", asker=ADA)
        kept = await memory.get(unit.id, asker=ADA)
        assert kept.recalled == 1
        assert kept.recalled_at is not None

    async def test_an_empty_question_recalls_nothing(self, memory: Memory) -> None:
        await memory.remember(a_unit("The dog is called Rex"))
        assert await memory.recall("  ", asker=ADA) == ()

    async def test_without_a_model_words_are_enough(self, memory: Memory, embedder: WordEmbedder) -> None:
        embedder.model = None
        await memory.remember(a_unit("The dog is called Rex"))
        assert [one.unit.text for one in await memory.recall("the dog's name? Rex!", asker=ADA)] == [
            "The dog is called Rex"
        ]
        embedder.model = "another"
        (recalled,) = await memory.recall("what is the dog called", asker=ADA)
        assert recalled.similarity is not None

    async def test_the_same_words_are_kept_once(self, memory: Memory) -> None:
        first = await memory.remember(a_unit("I prefer tea"))
        again = await memory.remember(a_unit("i  prefer TEA"))
        assert again.id == first.id
        assert len(await memory.page(asker=ADA)) == 1
        assert (await memory.remember(a_unit("I prefer tea", owner=BOB))).id != first.id

    async def test_a_unit_that_is_remembered_again_has_another_version(self, memory: Memory) -> None:
        first = await memory.remember(a_unit("I live in Cologne", days_ago=2))
        second = await memory.remember(replace(a_unit("I live in Lyon"), id=first.id))
        assert (second.version, second.text) == (2, "I live in Lyon")
        assert second.remembered_at == first.remembered_at
        assert [unit.text for unit in await memory.versions(first.id, asker=ADA)] == [
            "I live in Cologne",
            "I live in Lyon",
        ]
        assert [one.unit.text for one in await memory.recall("where do I live in", asker=ADA)] == ["I live in Lyon"]

    async def test_nobody_sees_what_is_not_theirs(self, memory: Memory) -> None:
        unit = await memory.remember(a_unit("The dog is called Rex"))
        for asker in (BOB, STRANGER):
            assert await memory.recall("what is the dog called", asker=asker) == ()
            assert await memory.page(asker=asker) == ()
            with pytest.raises(MemoryNotFound):
                await memory.get(unit.id, asker=asker)
            with pytest.raises(MemoryNotFound):
                await memory.forget(unit.id, asker=asker)

    async def test_what_is_a_teams_only_its_owner_forgets(self, memory: Memory) -> None:
        unit = await memory.remember(replace(a_unit("The engine room is 4.12"), visibility="team"))
        assert [one.unit.id for one in await memory.recall("which room is the engine room", asker=BOB)] == [unit.id]
        assert await memory.recall("which room is the engine room", asker=STRANGER) == ()
        with pytest.raises(NotAllowed):
            await memory.forget(unit.id, asker=BOB)
        everyones = await memory.remember(replace(a_unit("The canteen opens at noon"), visibility="everyone"))
        assert (await memory.get(everyones.id, asker=STRANGER)).text == "The canteen opens at noon"

    async def test_what_expired_is_gone(self, memory: Memory) -> None:
        past = datetime.now(UTC) - timedelta(seconds=1)
        unit = await memory.remember(replace(a_unit("The review is tomorrow"), expires_at=past))
        assert await memory.recall("when is the review tomorrow", asker=ADA) == ()
        assert await memory.page(asker=ADA) == ()
        with pytest.raises(MemoryNotFound):
            await memory.get(unit.id, asker=ADA)

    async def test_what_expired_is_remembered_anew_where_it_is_said_again(self, memory: Memory) -> None:
        past = datetime.now(UTC) - timedelta(seconds=1)
        unit = a_unit("My name is Ada")
        await memory.remember(replace(unit, expires_at=past))
        assert (await memory.remember(unit)).version == 1
        assert await memory.get(unit.id, asker=ADA) == unit

    @pytest.mark.parametrize("same", [True, False], ids=["the same unit", "another unit"])
    async def test_what_is_said_again_lasts_until_the_later_end(self, memory: Memory, *, same: bool) -> None:
        days = [datetime.now(UTC) + timedelta(days=number) for number in (2, 9, 5)]
        first = await memory.remember(replace(a_unit("I am in Lyon this week"), expires_at=days[0]))
        for said, until in ((days[1], days[1]), (days[2], days[1]), (None, None), (days[0], None)):
            again = replace(first if same else a_unit("I am in Lyon this week"), expires_at=said)
            assert (await memory.remember(again)).expires_at == until
            assert await memory.get(first.id, asker=ADA) == replace(first, expires_at=until)

    async def test_what_is_forgotten_is_gone_with_its_versions(self, memory: Memory) -> None:
        unit = await memory.remember(a_unit("I live in Cologne"))
        await memory.remember(replace(unit, text="I live in Lyon"))
        await memory.forget(unit.id, asker=ADA)
        assert await memory.recall("where do I live in", asker=ADA) == ()
        for gone in (memory.get, memory.versions):
            with pytest.raises(MemoryNotFound):
                await gone(unit.id, asker=ADA)
        again = await memory.remember(replace(unit, text="I live in Rome"))
        assert again.version == 1

    async def test_everything_of_ones_own_is_forgotten_at_once(self, memory: Memory) -> None:
        for number in range(3):
            await memory.remember(a_unit(f"fact {number}"))
        await memory.remember(a_unit("a fact of Bob's", owner=BOB))
        assert await memory.forget_all(asker=ADA) == 3
        assert await memory.page(asker=ADA) == ()
        assert len(await memory.page(asker=BOB)) == 1

    async def test_pages_go_on_where_the_last_ended(self, memory: Memory) -> None:
        texts = [f"fact {number}" for number in range(5)]
        for days, text in enumerate(texts):
            await memory.remember(a_unit(text, days_ago=days))
        first = await memory.page(asker=ADA, limit=2)
        rest = await memory.page(asker=ADA, before=first[-1].id)
        assert [unit.text for unit in (*first, *rest)] == texts

    async def test_kept_texts_are_listed_and_never_recalled(self, memory: Memory) -> None:
        kept = await memory.remember(replace(a_unit("You are a pirate. " * 1000), kind="activation", model="starter"))
        assert await memory.page(asker=ADA, kind="activation") == (kept,)
        assert await memory.page(asker=ADA, kind="fact") == ()
        assert await memory.recall("are you a pirate", asker=ADA) == ()

    async def test_texts_that_are_none_are_refused(self, memory: Memory) -> None:
        for text in ("", "   ", "x" * 100_000):
            with pytest.raises(InvalidRequest):
                await memory.remember(a_unit(text))

    async def test_many_at_once_are_all_kept(self, memory: Memory) -> None:
        await asyncio.gather(*(memory.remember(a_unit(f"number {number}")) for number in range(20)))
        assert len(await memory.page(asker=ADA)) == 20

    async def test_what_is_said_by_many_at_once_is_kept_once(self, memory: Memory) -> None:
        for number in range(5):
            said = [memory.remember(a_unit(f"The dog is called Rex {number}")) for _ in range(3)]
            assert len({unit.id for unit in await asyncio.gather(*said)}) == 1
        assert len(await memory.page(asker=ADA)) == 5

    async def test_of_changes_at_once_each_is_a_version(self, memory: Memory) -> None:
        for number in range(5):
            unit = await memory.remember(a_unit(f"Tea {number}"))
            await asyncio.gather(*(memory.remember(replace(unit, text=f"{text} {number}")) for text in ("Rum", "Milk")))
            versions = await memory.versions(unit.id, asker=ADA)
            assert [version.version for version in versions] == [1, 2, 3]
            assert {version.text for version in versions[1:]} == {f"Rum {number}", f"Milk {number}"}
