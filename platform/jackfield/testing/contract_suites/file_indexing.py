"""How any file store indexes what it did not index at once: to the end, once, and by any number of processes."""

from __future__ import annotations

import asyncio

import pytest

from jackfield.contracts.files import FileStore, FileStoreParts, IndexProgress, Query
from jackfield.errors import CollectionNotFound, InvalidRequest, ModelNotFound
from jackfield.testing.contract_suites.file_search import found_paths
from jackfield.testing.contract_suites.file_store_fixtures import ANN, HOME, FileStoreFixtures, put
from jackfield.testing.file_store_parts import UNREADABLE
from jackfield.testing.word_embedder import WordEmbedder

LONG = "\n\n".join(f"Paragraph {number} of many. {'It goes on like this. ' * 30}" for number in range(200))
"""More passages than a batch."""


def embedder_of(parts: FileStoreParts) -> WordEmbedder:
    """The tests' own, which remembers what it was given."""
    assert isinstance(parts.embedder, WordEmbedder)
    return parts.embedder


@pytest.mark.asyncio
class IndexingContract(FileStoreFixtures):
    """Jobs."""

    async def test_what_takes_long_waits_for_the_job(self, store: FileStore) -> None:
        await put(store, "a.doc", "purple elephant")
        assert (await store.files.look(HOME, "a.doc")).index == "pending"
        result = await store.index.search(Query(text="elephant", collections=(HOME,)))
        assert (result.found, "not been read" in result.notice) == ((), True)
        before = await store.index.progress(HOME)
        assert (before.contents, before.contents_done, before.done) == (1, 0, False)
        done = await store.index.run()
        assert (done.contents_done, done.done) == (1, True)
        assert (await store.files.look(HOME, "a.doc")).index == "indexed"
        result = await store.index.search(Query(text="elephant", collections=(HOME,)))
        assert ([one.text for one in result.found], result.notice) == (["PURPLE ELEPHANT"], "")

    async def test_what_comes_in_bulk_gets_its_vectors_from_the_job(
        self, store: FileStore, parts: FileStoreParts
    ) -> None:
        await put(store, "a.txt", "purple elephant")
        before = list(embedder_of(parts).embedded)
        assert before
        for number in range(20):
            await put(store, f"{number}.txt", f"yellow mouse number {number}", in_bulk=True)
        assert embedder_of(parts).embedded == before
        assert await found_paths(store, '"mouse number 7"', mode="keyword") == ["7.txt"]
        assert not (await store.index.progress(HOME)).done
        assert (await store.index.run()).done
        assert "7.txt" in await found_paths(store, "mouse number 7", mode="meaning")

    async def test_progress_grows_to_the_end(self, store: FileStore) -> None:
        await put(store, "long.txt", LONG)
        told: list[IndexProgress] = []
        done = await store.index.run(told.append)
        assert (told[-1], done.done) == (done, True)
        assert [one.passages_done for one in told] == sorted(one.passages_done for one in told)

    async def test_progress_counts_what_files_hold_now_each_once(self, store: FileStore) -> None:
        await store.collections.add("other")
        for path in ("a.txt", "copy.txt", "gone.txt"):
            await put(store, path, "purple elephant" if path != "gone.txt" else "grey mouse")
        await store.files.delete(HOME, "gone.txt", actor=ANN)
        await put(store, "b.txt", "green parrot", in_bulk=True, collection="other")
        await put(store, "c.doc", "red fox", collection="other")
        counted = {name: await store.index.progress(name) for name in (None, HOME, "other")}
        assert {name: (one.contents, one.contents_done) for name, one in counted.items()} == {
            None: (3, 2),
            HOME: (1, 1),
            "other": (2, 1),
        }
        assert {name: (one.passages, one.passages_done) for name, one in counted.items()} == {
            None: (2, 1),
            HOME: (1, 1),
            "other": (1, 0),
        }
        done = await store.index.run()
        assert (done.contents_done, done.passages_done, done.done) == (3, 3, True)

    async def test_a_passage_is_embedded_once_whoever_has_it(self, store: FileStore, parts: FileStoreParts) -> None:
        await put(store, "long.txt", LONG)
        await store.index.run()
        await put(store, "copy.txt", LONG)
        await put(store, "longer.txt", f"{LONG}\n\nAnd one paragraph more. {'It is the last one. ' * 30}")
        await store.index.run()
        embedded = embedder_of(parts).embedded
        assert len(embedded) == len(set(embedded))
        await store.files.delete(HOME, "long.txt", actor=ANN)
        await store.files.undelete(HOME, "long.txt", actor=ANN)
        assert (await store.index.run()).done
        assert embedder_of(parts).embedded == embedded

    async def test_several_processes_share_the_work(
        self, store: FileStore, other_store: FileStore, parts: FileStoreParts
    ) -> None:
        for number in range(50):
            await put(store, f"{number}.doc", f"document number {number}")
        await put(store, "long.txt", LONG)
        outcomes = await asyncio.gather(store.index.run(), other_store.index.run())
        assert [outcome.done for outcome in outcomes] == [True, True]
        embedded = embedder_of(parts).embedded
        assert len(embedded) == len(set(embedded))
        assert (await store.verify()).faults == ()

    async def test_a_cancelled_job_goes_on_where_it_stood(self, store: FileStore, parts: FileStoreParts) -> None:
        for number in range(40):
            await put(store, f"{number}.doc", f"document number {number}")
        await put(store, "long.txt", LONG)
        for turns in (1, 5, 20, 60, 150, 400):
            job = asyncio.create_task(store.index.run())
            for _ in range(turns):
                await asyncio.sleep(0)
            job.cancel()
            await asyncio.gather(job, return_exceptions=True)
            assert (await store.verify()).faults == ()
        assert (await store.index.run()).done
        assert await found_paths(store, '"document number 17"', mode="keyword") == ["17.doc"]
        assert (await store.index.progress()).failed == 0

    async def test_what_cannot_be_read_is_told_and_not_tried_again_until_it_is_asked_for(
        self, store: FileStore
    ) -> None:
        await put(store, "locked.doc", UNREADABLE)
        await put(store, "picture.png", b"\x89PNG")
        done = await store.index.run()
        assert (done.failed, done.done) == (1, True)
        locked, picture = await store.files.look(HOME, "locked.doc"), await store.files.look(HOME, "picture.png")
        assert (locked.index, "encrypted" in (locked.index_error or "")) == ("failed", True)
        assert (picture.index, bool(picture.index_error)) == ("skipped", True)
        assert await store.index.retry(HOME) == 2
        assert (await store.index.progress(HOME)).done is False
        assert (await store.index.run()).failed == 1

    async def test_what_is_too_large_to_be_read_is_skipped(self, store: FileStore, parts: FileStoreParts) -> None:
        await put(store, "large.txt", b"x " * (parts.largest_indexed // 2 + 1))
        file = await store.files.look(HOME, "large.txt")
        assert (file.index, "largest_indexed_mb" in (file.index_error or "")) == ("skipped", True)

    async def test_another_model_has_its_own_vectors(self, store: FileStore, parts: FileStoreParts) -> None:
        await put(store, "a.txt", "purple elephant")
        embedder_of(parts).model = "another"
        result = await store.index.search(Query(text="purple", collections=(HOME,)))
        assert ([one.meaning_rank for one in result.found], "no vector yet" in result.notice) == ([None], True)
        assert (await store.index.run()).done
        result = await store.index.search(Query(text="purple", collections=(HOME,)))
        assert ([one.meaning_rank for one in result.found], result.notice) == ([1], "")

    async def test_a_second_process_sees_each_change_at_its_next_search(
        self, store: FileStore, other_store: FileStore
    ) -> None:
        assert await found_paths(other_store, "purple elephant", mode="meaning") == []
        await put(store, "a.txt", "purple elephant")
        assert await found_paths(other_store, "purple elephant", mode="meaning") == ["a.txt"]
        await put(other_store, "b.doc", "purple elephant indeed")
        await store.index.run()
        assert await found_paths(other_store, "purple elephant", mode="meaning") == ["a.txt", "b.doc"]
        await store.files.delete(HOME, "a.txt", actor=ANN)
        assert await found_paths(other_store, "purple elephant", mode="meaning") == ["b.doc"]

    async def test_vectors_are_given_of_what_is_below_a_folder(self, store: FileStore, parts: FileStoreParts) -> None:
        await put(store, "a/one.txt", "purple elephant")
        await put(store, "a/two.txt", "green mouse")
        await put(store, "b.txt", "something else")
        given = await store.index.vectors(HOME, under="a")
        assert (given.paths, given.texts) == (("a/one.txt", "a/two.txt"), ("purple elephant", "green mouse"))
        assert given.vectors.shape[0] == 2
        with pytest.raises(InvalidRequest, match="more than 2 passages"):
            await store.index.vectors(HOME, most=2)
        with pytest.raises(CollectionNotFound):
            await store.index.vectors("nobodys")
        embedder_of(parts).model = None
        with pytest.raises(ModelNotFound):
            await store.index.vectors(HOME)
