"""The file store's promises, for any implementation of `jackfield.contracts.files.FileStore`."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.contracts.files import FileStore, Point
from jackfield.errors import FileNotThere, JackfieldError, NameTaken, VersionNotFound
from jackfield.testing.contract_suites.file_changing import ChangingContract
from jackfield.testing.contract_suites.file_collections import CollectionsContract, QuotasContract
from jackfield.testing.contract_suites.file_indexing import IndexingContract
from jackfield.testing.contract_suites.file_links import LinksContract
from jackfield.testing.contract_suites.file_looking import LookingContract
from jackfield.testing.contract_suites.file_search import SearchContract
from jackfield.testing.contract_suites.file_store_fixtures import ANN, HOME, FileStoreFixtures, got, put
from jackfield.testing.contract_suites.file_writing import WritingContract
from jackfield.testing.contract_suites.store_fixtures import examples
from jackfield.testing.contract_suites.uploads import pieces
from jackfield.testing.memory_blobs import InMemoryBlobs
from jackfield.testing.modelled_files import ModelledFiles

PATHS = st.sampled_from(["a", "A", "b", "a/b", "c/d", "C/e", "é"])
CONTENTS = st.sampled_from([b"", b"one", b"two", b"three"])
STEPS = st.one_of(
    st.tuples(st.just("write"), PATHS, CONTENTS),
    st.tuples(st.just("append"), PATHS, CONTENTS),
    st.tuples(st.just("delete"), PATHS),
    st.tuples(st.just("undelete"), PATHS),
    st.tuples(st.just("purge"), PATHS),
    st.tuples(st.just("rename"), PATHS, PATHS),
    st.tuples(st.just("rollback"), PATHS, st.integers(0, 6)),
)


@pytest.mark.asyncio
class SequencesContract(FileStoreFixtures):
    """Any changes one after the other."""

    @examples
    @given(steps=st.lists(STEPS, max_size=20))
    async def test_any_sequence_ends_as_a_simple_model_says(
        self, store: FileStore, steps: list[tuple[str, ...]]
    ) -> None:
        home, model = uuid4().hex, ModelledFiles()
        await store.collections.add(home)
        for step in steps:
            assert await _outcome(store, home, step) == model.outcome(step)
        files = await store.files.page(home)
        assert {file.path: file.version for file in files} == model.heads()
        for file in files:
            history = await store.files.history(home, file.path)
            contents = [await got(store, file.path, version.number, collection=home) for version in history]
            assert [(version.action, version.path) for version in history] == model.actions(file.path)
            assert contents == model.contents(file.path)
        collection = await store.collections.get(home)
        assert (collection.files, collection.used_bytes) == (len(files), model.used_bytes())
        assert (await store.verify()).faults == ()


@pytest.mark.asyncio
class VerifyingContract(FileStoreFixtures):
    """What `verify` finds and mends."""

    async def test_a_sound_store_has_no_faults(self, store: FileStore) -> None:
        await put(store, "a.txt", "one")
        await put(store, "a.txt", "two")
        await put(store, "b.doc", "three")
        await store.files.text(HOME, "b.doc")
        await store.files.delete(HOME, "a.txt", actor=ANN)
        report = await store.verify(deep=True)
        assert (report.sound, report.faults) == (True, ())
        assert (report.files, report.versions, report.blobs) == (2, 4, 4)

    async def test_missing_and_damaged_bytes_are_told_of_and_not_mended(
        self, store: FileStore, blobs: InMemoryBlobs
    ) -> None:
        missing, shorter, other = [(await put(store, f"{at}.txt", f"content {at}")).file.digest for at in range(3)]
        blobs.damage(missing, None)
        blobs.damage(shorter, b"conten")
        blobs.damage(other, b"content x")
        report = await store.verify(repair=True)
        assert not report.sound
        assert {(fault.kind, fault.where) for fault in report.faults} == {
            ("blob_missing", f"{HOME}:0.txt version 1"),
            ("blob_damaged", f"{HOME}:1.txt version 1"),
        }
        deep = await store.verify(deep=True)
        assert ("blob_damaged", f"{HOME}:2.txt version 1") in {(fault.kind, fault.where) for fault in deep.faults}
        await put(store, "1.txt", "new")
        await put(store, "1.txt", "content 1")
        assert len((await store.verify(deep=True)).faults) == 2

    async def test_orphaned_bytes_are_removed_when_they_are_an_hour_old(
        self, store: FileStore, blobs: InMemoryBlobs
    ) -> None:
        await put(store, "a.txt", "one")
        digest, _ = await blobs.put(pieces(b"orphan"), most=10)
        assert (await store.verify(repair=True)).faults == ()
        blobs.age(digest, timedelta(hours=1))
        blobs.age((await store.files.look(HOME, "a.txt")).digest, timedelta(hours=9))
        (fault,) = (await store.verify()).faults
        assert (fault.kind, fault.where, fault.mended) == ("blob_orphaned", digest, False)
        report = await store.verify(repair=True)
        assert ([fault.mended for fault in report.faults], report.sound) == ([True], True)
        assert (await store.verify()).faults == ()
        assert await got(store, "a.txt") == b"one"

    async def test_a_text_that_is_lost_is_read_again(self, store: FileStore, blobs: InMemoryBlobs) -> None:
        own = (await put(store, "a.doc", "one")).file.digest
        await store.files.text(HOME, "a.doc")
        (text,) = [blob.digest async for blob in blobs.all() if blob.digest != own]
        blobs.damage(text, None)
        (fault,) = (await store.verify()).faults
        assert (fault.kind, fault.where) == ("blob_missing", "text of 'a.doc'")
        assert (await store.verify(repair=True)).sound
        assert (await store.verify(deep=True)).faults == ()


class FileStoreContract(
    CollectionsContract,
    QuotasContract,
    WritingContract,
    ChangingContract,
    LookingContract,
    LinksContract,
    SequencesContract,
    VerifyingContract,
    SearchContract,
    IndexingContract,
):
    """All of it; override `store` and `other_store`."""


async def _outcome(store: FileStore, home: str, step: tuple[str, ...]) -> str:
    """How a step ends, as the model words it."""
    try:
        return await _taken(store, home, step)
    except (FileNotThere, NameTaken, VersionNotFound) as error:
        return type(error).__name__
    except JackfieldError as error:
        return error.code


async def _taken(store: FileStore, home: str, step: tuple[str, ...]) -> str:
    kind, path, *rest = step
    match kind:
        case "purge":
            return f"freed {await store.files.purge(home, path)}"
        case "write":
            written = await store.files.write(home, path, pieces(rest[0]), actor=ANN)  # type: ignore[arg-type]
        case "append":
            written = await store.files.append(home, path, pieces(rest[0]), actor=ANN)  # type: ignore[arg-type]
        case "rename":
            written = await store.files.rename(home, path, rest[0], actor=ANN)
        case "rollback":
            written = await store.files.rollback(home, path, Point(number=rest[0]), actor=ANN)  # type: ignore[arg-type]
        case "delete":
            written = await store.files.delete(home, path, actor=ANN)
        case _:
            written = await store.files.undelete(home, path, actor=ANN)
    return f"{'made' if written.changed else 'left'} {written.version.number}"
