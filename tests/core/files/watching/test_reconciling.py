"""Rounds of keeping a real folder and a real collection in step."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jackfield.contracts.files import Actor
from jackfield.errors import FolderGone, MassDeletion
from jackfield.files.watching.batch import Batch
from jackfield.files.watching.selection import Selection
from jackfield.testing.watched_folder import Watched


def done(batch: Batch) -> list[tuple[str, str, str]]:
    return sorted((change.side, change.done, change.path) for change in batch.changes)


class TestFromTheFolder:
    """What happens in the folder happens in the collection."""

    async def test_files_are_added_changed_and_deleted(self, watched: Watched) -> None:
        watched.put("a.md", "one")
        watched.put("notes/b.md", "two")
        assert done(await watched.reconcile()) == [
            ("collection", "added", "a.md"),
            ("collection", "added", "notes/b.md"),
        ]
        watched.put("a.md", "three")
        (watched.folder / "notes/b.md").unlink()
        watched.put("notes/c.md", "four")
        assert done(await watched.reconcile()) == [
            ("collection", "added", "notes/c.md"),
            ("collection", "changed", "a.md"),
            ("collection", "deleted", "notes/b.md"),
        ]
        assert await watched.kept() == watched.local() == {"a.md": "three", "notes/c.md": "four"}
        assert (await watched.reconcile()).changes == ()
        brought_back = await watched.opened.undelete("notes/b.md")
        assert brought_back.file.size == 3

    async def test_a_round_is_one_step_that_can_be_taken_back(self, watched: Watched) -> None:
        watched.put("a.md", "one")
        watched.put("b.md", "two")
        batch = await watched.reconcile()
        (version,) = await watched.opened.history("a.md")
        assert (version.change, version.reason) == (batch.change, f"watched folder {watched.folder} on box")

    async def test_history_goes_on_under_a_new_name(self, watched: Watched) -> None:
        watched.put("a.md", "one")
        await watched.reconcile()
        (watched.folder / "sub").mkdir()
        (watched.folder / "a.md").rename(watched.folder / "sub/b.md")
        assert done(await watched.reconcile()) == [("collection", "renamed", "a.md")]
        assert [one.action for one in await watched.opened.history("sub/b.md")] == ["written", "renamed"]
        assert (await watched.reconcile()).changes == ()

    async def test_below_a_path_of_the_collection(self, watched: Watched) -> None:
        watched.put("a.md", "one")
        await watched.add("a.md", "something else")
        await watched.reconcile(under="work/notes")
        assert await watched.kept() == {"a.md": "something else", "work/notes/a.md": "one"}

    async def test_what_the_collection_changed_stays_as_it_is_there(self, watched: Watched) -> None:
        watched.put("a.md", "one")
        await watched.reconcile()
        await watched.add("a.md", "theirs")
        await watched.add("b.md", "more")
        assert (await watched.reconcile()).changes == ()
        assert watched.local() == {"a.md": "one"}
        assert (await watched.kept())["a.md"] == "theirs"

    async def test_what_both_changed_is_kept_twice(self, watched: Watched) -> None:
        watched.put("a.md", "one")
        await watched.reconcile()
        await watched.add("a.md", "theirs")
        watched.put("a.md", "ours")
        (change,) = (await watched.reconcile()).changes
        assert (change.done, change.side, change.path) == ("kept_both", "collection", "a.md")
        assert re.fullmatch(r"a \(conflict, local, \d{4}-\d\d-\d\d \d\d\.\d\d\)\.md", change.to)
        assert await watched.kept() == {"a.md": "ours", change.to: "theirs"}
        assert (await watched.reconcile()).changes == ()


class TestBothWays:
    """What happens on either side happens on the other."""

    async def test_the_collections_changes_reach_the_folder(self, watched: Watched) -> None:
        watched.put("a.md", "one")
        watched.put("b.md", "two")
        await watched.add("notes/c.md", "three")
        await watched.reconcile(both_ways=True)
        assert watched.local() == {"a.md": "one", "b.md": "two", "notes/c.md": "three"}
        await watched.add("a.md", "changed")
        await watched.opened.delete("b.md")
        await watched.opened.rename("notes/c.md", "d.md")
        assert done(await watched.reconcile(both_ways=True)) == [
            ("folder", "changed", "a.md"),
            ("folder", "deleted", "b.md"),
            ("folder", "renamed", "notes/c.md"),
        ]
        assert watched.local() == await watched.kept() == {"a.md": "changed", "d.md": "three"}
        assert not (watched.folder / "notes").exists()
        assert (await watched.reconcile(both_ways=True)).changes == ()

    async def test_what_both_changed_is_kept_twice_on_both_sides(self, watched: Watched) -> None:
        watched.put("a.md", "one")
        await watched.reconcile(both_ways=True)
        await watched.add("a.md", "theirs")
        watched.put("a.md", "ours")
        batch = await watched.reconcile(both_ways=True)
        aside = next(change.to for change in batch.changes if change.done == "kept_both")
        assert aside.startswith("a (conflict, box, ")
        assert watched.local() == await watched.kept() == {"a.md": "theirs", aside: "ours"}
        assert (await watched.reconcile(both_ways=True)).changes == ()

    async def test_a_running_watch_sees_what_the_collection_did_since(self, watched: Watched) -> None:
        watched.put("a.md", "one")
        watch = await watched.watch(both_ways=True)
        await watch.reconcile()
        await watched.add("a.md", "changed")
        await watched.add("b.md", "new")
        await watch.reconcile()
        assert watched.local() == {"a.md": "changed", "b.md": "new"}
        await watched.opened.rename("b.md", "c.md")
        await watched.opened.delete("a.md")
        await watch.reconcile()
        assert watched.local() == {"c.md": "new"}

    async def test_the_mode_of_a_file_stays(self, watched: Watched) -> None:
        place = watched.put("run.sh", "one")
        place.chmod(0o755)
        await watched.reconcile(both_ways=True)
        await watched.add("run.sh", "two")
        await watched.reconcile(both_ways=True)
        assert place.read_text() == "two"
        assert place.stat().st_mode & 0o777 == 0o755

    async def test_nothing_is_written_through_a_link(self, watched: Watched, tmp_path: Path) -> None:
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        (watched.folder / "link").symlink_to(elsewhere)
        await watched.add("link/a.md", "one")
        await watched.reconcile(both_ways=True)
        assert list(elsewhere.iterdir()) == []
        assert await watched.kept() == {"link/a.md": "one"}


class TestWhatIsLeftAlone:
    """Files that are not kept in step, and never taken for deleted."""

    async def test_hidden_temporary_and_linked_files_are_counted(self, watched: Watched) -> None:
        watched.put("a.md", "one")
        watched.put(".git/config", "x")
        watched.put(".hidden", "x")
        watched.put("b.md~", "x")
        watched.put("~$c.docx", "x")
        (watched.folder / "link.md").symlink_to(watched.folder / "a.md")
        batch = await watched.reconcile()
        assert await watched.kept() == {"a.md": "one"}
        assert batch.ignored == {"hidden": 2, "temporary": 2, "link": 1}

    async def test_patterns_choose(self, watched: Watched) -> None:
        for path in ("a.md", "b.txt", "build/c.md", "docs/d.md"):
            watched.put(path, path)
        await watched.reconcile(selection=Selection(include=("*.md",), exclude=("build",)))
        assert set(await watched.kept()) == {"a.md", "docs/d.md"}

    async def test_a_pattern_that_is_new_deletes_nothing(self, watched: Watched) -> None:
        watched.put("a.md", "one")
        watched.put("b.txt", "two")
        await watched.reconcile(both_ways=True)
        await watched.reconcile(both_ways=True, selection=Selection(exclude=("*.txt",)))
        assert watched.local() == await watched.kept() == {"a.md": "one", "b.txt": "two"}

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read any file")
    async def test_an_unreadable_file_is_told_and_passed_over(self, watched: Watched) -> None:
        watched.put("a.md", "one")
        watched.put("b.md", "two").chmod(0)
        batch = await watched.reconcile()
        assert done(batch) == [("collection", "added", "a.md"), ("collection", "left", "b.md")]

    async def test_a_name_that_no_collection_takes_is_told(self, watched: Watched) -> None:
        watched.put("a\\b.md", "one")
        (change,) = (await watched.reconcile()).changes
        assert (change.done, change.path) == ("left", "a\\b.md")
        assert "no collection takes" in change.detail

    async def test_names_that_differ_only_in_case_are_told(self, watched: Watched) -> None:
        watched.put("a.md", "one")
        watched.put("A.md", "two")
        if len(watched.local()) == 1:
            pytest.skip("this file system does not tell them apart")
        batch = await watched.reconcile()
        assert done(batch) == [("collection", "added", "A.md"), ("collection", "left", "a.md")]
        assert "differs only in case" in batch.changes[0].detail

    async def test_a_file_that_is_being_written_waits(self, watched: Watched) -> None:
        watched.put("a.md", "one")
        await watched.reconcile()
        (watched.folder / "a.md").write_text("half of a lo")
        batch = await watched.reconcile(quiet=3600.0)
        assert (batch.waiting, batch.changes) == (("a.md",), ())
        assert await watched.kept() == {"a.md": "one"}
        os.utime(watched.folder / "a.md", (time.time() - 7200,) * 2)
        await watched.reconcile(quiet=3600.0)
        assert await watched.kept() == {"a.md": "half of a lo"}

    async def test_trouble_with_a_file_is_told_once_and_ends_with_it(self, watched: Watched) -> None:
        watched.put("a.md", "one")
        watch = await watched.watch()
        await watch.reconcile()
        store = watched.opened._store
        anna = Actor(id="anna", name="anna")
        await store.files.lock(watched.opened.name, "a.md", actor=anna, until=datetime.now(UTC) + timedelta(hours=1))
        watched.put("a.md", "two")
        (change,) = (await watch.reconcile()).changes
        assert (change.done, "anna" in change.detail) == ("left", True)
        assert (await watch.reconcile()).changes == ()
        await store.files.unlock(watched.opened.name, "a.md", actor=anna)
        assert done(await watch.reconcile()) == [("collection", "changed", "a.md")]


class TestFoldersThatGo:
    """A folder that is not there any more has not been emptied."""

    async def test_a_folder_that_disappears_deletes_nothing(self, watched: Watched) -> None:
        watched.put("a.md", "one")
        watch = await watched.watch()
        await watch.reconcile()
        shutil.rmtree(watched.folder)
        with pytest.raises(FolderGone, match="nothing was deleted"):
            await watch.reconcile()
        assert await watched.kept() == {"a.md": "one"}

    async def test_another_folder_in_its_place_deletes_nothing(self, watched: Watched) -> None:
        watched.put("a.md", "one")
        watch = await watched.watch()
        await watch.reconcile()
        watched.folder.rename(watched.folder.with_name("before"))
        watched.folder.mkdir()
        with pytest.raises(FolderGone, match="Another folder"):
            await watch.reconcile()
        assert await watched.kept() == {"a.md": "one"}

    async def test_a_folder_that_is_empty_at_a_start_is_asked_about(self, watched: Watched) -> None:
        place = watched.put("a.md", "one")
        await watched.reconcile()
        place.unlink()
        with pytest.raises(MassDeletion, match="The only file is gone"):
            await watched.reconcile()
        assert await watched.kept() == {"a.md": "one"}
        await watched.reconcile(allow_mass_delete=True)
        assert await watched.kept() == {}

    async def test_most_files_at_once_are_asked_about(self, watched: Watched) -> None:
        for number in range(12):
            watched.put(f"{number}.md", str(number))
        watch = await watched.watch()
        await watch.reconcile()
        for number in range(7):
            (watched.folder / f"{number}.md").unlink()
        watched.put("11.md", "changed")
        with pytest.raises(MassDeletion, match="7 of 12 files"):
            await watch.reconcile()
        assert len(await watched.kept()) == 12

        async def agreed(sentence: str) -> bool:
            return "7 of 12" in sentence

        await watched.reconcile(confirm=agreed)
        assert await watched.kept() == watched.local()

    async def test_most_of_the_collection_at_once_is_asked_about(self, watched: Watched) -> None:
        for number in range(12):
            watched.put(f"{number}.md", str(number))
        await watched.reconcile(both_ways=True)
        for number in range(7):
            await watched.opened.delete(f"{number}.md")
        with pytest.raises(MassDeletion, match="from the folder too"):
            await watched.reconcile(both_ways=True)
        assert len(watched.local()) == 12


async def test_what_was_not_put_down_before_a_kill_is_found_out_again(watched: Watched) -> None:
    for number in range(5):
        watched.put(f"{number}.md", str(number))
    await watched.add("there.md", "theirs")
    watch = await watched.watch(both_ways=True)
    await watch.reconcile()
    record = watched.opened.watches
    await record.advance(watch.watch.id, (), [file.path for file in await record.files(watch.watch.id)])
    batch = await watched.reconcile(both_ways=True)
    assert batch.changes == ()
    assert len(await record.files(watch.watch.id)) == 6
    assert len(await watched.opened.history("0.md")) == 1


async def test_two_at_once_lose_nothing(watched: Watched, tmp_path: Path) -> None:
    """Two folders, such as of two machines, that change the same file and one more each."""
    other = Watched(tmp_path / "other", watched.library, watched.opened)
    other.folder.mkdir()
    watched.put("a.md", "from one")
    other.put("a.md", "from another")
    watched.put("b.md", "b")
    other.put("c.md", "c")
    await asyncio.gather(watched.reconcile(both_ways=True), other.reconcile(both_ways=True))
    for _ in range(2):
        await watched.reconcile(both_ways=True)
        await other.reconcile(both_ways=True)
    assert watched.local() == other.local() == await watched.kept()
    assert {"from one", "from another", "b", "c"} == set(watched.local().values())
