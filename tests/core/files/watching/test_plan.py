"""What a plan does with files that changed on either side, on both, or went by another name."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from jackfield.contracts.files import CommonFile
from jackfield.files.watching.asides import aside_path, is_aside_of
from jackfield.files.watching.plan import Clash, Plan, Step, plan
from jackfield.files.watching.sides import Kept, Local

NOON = datetime(2026, 11, 21, 14, 2, tzinfo=UTC)


def aside(path: str, who: str, number: int) -> str:
    return aside_path(path, who or "here", NOON, number)


def local(digest: str, inode: str = "", size: int = 1) -> Local:
    return Local(size=size, modified_ns=0, inode=inode or f"inode of {digest}", digest=digest)


def kept(digest: str, file_id: str = "f", version: int = 1, author: str = "anna") -> Kept:
    return Kept(file_id=file_id, version=version, digest=digest, size=1, author=author)


def common(path: str, digest: str, file_id: str = "f", version: int = 1, size: int = 1) -> CommonFile:
    return CommonFile(
        path=path,
        file_id=file_id,
        version=version,
        digest=digest,
        size=size,
        modified_ns=0,
        inode=f"inode of {digest}",
    )


def steps_of(
    folder: dict[str, Local], collection: dict[str, Kept], past: list[CommonFile], *, both_ways: bool = False
) -> list[Step]:
    return list(_plan(folder, collection, past, both_ways=both_ways).steps)


def _plan(
    folder: dict[str, Local], collection: dict[str, Kept], past: list[CommonFile], *, both_ways: bool = False
) -> Plan:
    return plan(folder, collection, {file.path: file for file in past}, both_ways=both_ways, aside=aside)


ASIDE_HERE = "a (conflict, here, 2026-11-21 14.02).md"
ASIDE_ANNA = "a (conflict, anna, 2026-11-21 14.02).md"
UPLOAD, FETCH = Step("upload", "a.md"), Step("fetch", "a.md")
KEEP_BOTH_THERE = [Step("copy_aside", "a.md", ASIDE_ANNA), UPLOAD]
KEEP_BOTH_HERE = [Step("set_aside", "a.md", ASIDE_HERE), Step("upload", ASIDE_HERE), FETCH]


@pytest.mark.parametrize(
    ("here", "there", "before", "one_way", "both_ways"),
    [
        pytest.param("1", None, None, [UPLOAD], [UPLOAD], id="new here"),
        pytest.param(None, "1", None, [], [FETCH], id="new there"),
        pytest.param("1", "1", None, [Step("settle", "a.md")], [Step("settle", "a.md")], id="the same on both sides"),
        pytest.param("1", "2", None, KEEP_BOTH_THERE, KEEP_BOTH_HERE, id="new on both, and different"),
        pytest.param("1", "1", "1", [], [], id="in step"),
        pytest.param("2", "1", "1", [UPLOAD], [UPLOAD], id="changed here"),
        pytest.param("1", "2", "1", [], [FETCH], id="changed there"),
        pytest.param("2", "2", "1", [Step("settle", "a.md")], [Step("settle", "a.md")], id="changed alike"),
        pytest.param("2", "3", "1", KEEP_BOTH_THERE, KEEP_BOTH_HERE, id="changed on both sides"),
        pytest.param(None, "1", "1", [Step("remove_kept", "a.md")], [Step("remove_kept", "a.md")], id="gone from here"),
        pytest.param("1", None, "1", [], [Step("remove_local", "a.md")], id="gone from there"),
        pytest.param(None, None, "1", [Step("forget", "a.md")], [Step("forget", "a.md")], id="gone from both"),
        pytest.param("2", None, "1", [UPLOAD], [UPLOAD], id="changed here and gone from there"),
        pytest.param(None, "2", "1", [Step("forget", "a.md")], [FETCH], id="gone from here and changed there"),
    ],
)
def test_a_file_by_what_became_of_it(
    here: str | None, there: str | None, before: str | None, one_way: list[Step], both_ways: list[Step]
) -> None:
    folder = {"a.md": local(here)} if here else {}
    collection = {"a.md": kept(there)} if there else {}
    past = [common("a.md", before)] if before else []
    assert steps_of(folder, collection, past) == one_way
    assert steps_of(folder, collection, past, both_ways=True) == both_ways


class TestRenames:
    """Files that go on under another name."""

    def test_here_the_collections_file_is_renamed(self) -> None:
        steps = steps_of({"b.md": local("1")}, {"a.md": kept("1")}, [common("a.md", "1")])
        assert steps == [Step("move_kept", "a.md", "b.md"), Step("follow", "a.md", "b.md"), Step("settle", "b.md")]

    def test_here_and_both_changed_only_names(self) -> None:
        steps = steps_of({"b.md": local("1")}, {"c.md": kept("1")}, [common("a.md", "1")], both_ways=True)
        assert steps == [Step("move_kept", "c.md", "b.md"), Step("follow", "a.md", "b.md"), Step("settle", "b.md")]

    def test_here_while_the_collections_text_changed(self) -> None:
        folder, collection, past = {"b.md": local("1")}, {"a.md": kept("2")}, [common("a.md", "1")]
        renamed = [Step("move_kept", "a.md", "b.md"), Step("follow", "a.md", "b.md")]
        assert steps_of(folder, collection, past) == renamed
        assert steps_of(folder, collection, past, both_ways=True) == [*renamed, Step("fetch", "b.md")]

    def test_there_reaches_the_folder_only_both_ways(self) -> None:
        folder, collection, past = {"a.md": local("1")}, {"b.md": kept("1")}, [common("a.md", "1")]
        assert steps_of(folder, collection, past) == []
        moved = [Step("move_local", "a.md", "b.md"), Step("follow", "a.md", "b.md")]
        assert steps_of(folder, collection, past, both_ways=True) == moved

    def test_there_while_the_text_here_changed(self) -> None:
        steps = steps_of({"a.md": local("2")}, {"b.md": kept("1")}, [common("a.md", "1")], both_ways=True)
        assert steps == [Step("move_local", "a.md", "b.md"), Step("follow", "a.md", "b.md"), Step("upload", "b.md")]

    def test_in_case_only_goes_on_although_the_text_changed_too(self) -> None:
        steps = steps_of({"A.md": local("2")}, {"a.md": kept("1")}, [common("a.md", "1")])
        assert steps == [Step("move_kept", "a.md", "A.md"), Step("follow", "a.md", "A.md"), Step("upload", "A.md")]

    def test_of_two_alike_the_inode_tells_which(self) -> None:
        past = [common("a.md", "1"), msgspec.structs.replace(common("b.md", "1", file_id="g"), inode="9")]
        folder = {"c.md": local("1", inode="9"), "d.md": local("1", inode="inode of 1")}
        steps = steps_of(folder, {"a.md": kept("1"), "b.md": kept("1", "g")}, past)
        assert {step for step in steps if step.kind == "move_kept"} == {
            Step("move_kept", "b.md", "c.md"),
            Step("move_kept", "a.md", "d.md"),
        }

    def test_an_empty_file_is_not_taken_for_another(self) -> None:
        steps = steps_of({"b.md": local("0", inode="9", size=0)}, {"a.md": kept("0")}, [common("a.md", "0", size=0)])
        assert steps == [Step("upload", "b.md"), Step("remove_kept", "a.md")]

    def test_over_a_file_that_the_collection_has_is_none(self) -> None:
        steps = steps_of({"b.md": local("1")}, {"a.md": kept("1"), "b.md": kept("2", "g")}, [common("a.md", "1")])
        assert steps == [
            Step("copy_aside", "b.md", "b (conflict, anna, 2026-11-21 14.02).md"),
            Step("upload", "b.md"),
            Step("remove_kept", "a.md"),
        ]


class TestNames:
    """Names that cannot stand beside each other."""

    def test_of_two_that_differ_only_in_case_one_is_left_alone(self) -> None:
        made = _plan({"A.md": local("1"), "a.md": local("2")}, {}, [])
        assert (made.steps, made.clashes) == ((Step("upload", "A.md"),), (Clash("a.md", "A.md"),))

    def test_the_one_that_is_in_the_collection_is_kept_in_step(self) -> None:
        made = _plan({"A.md": local("1"), "a.md": local("2")}, {"a.md": kept("1")}, [common("a.md", "1")])
        assert (made.steps, made.clashes) == ((Step("upload", "a.md"),), (Clash("A.md", "a.md"),))

    def test_one_on_each_side_are_both_left_alone(self) -> None:
        made = _plan({"A.md": local("1")}, {"a.md": kept("2")}, [], both_ways=True)
        assert (made.steps, made.clashes) == ((), (Clash("A.md", "a.md"),))

    def test_a_file_makes_way_for_a_folder_of_its_name(self) -> None:
        steps = steps_of({"a/b.md": local("2")}, {"a": kept("1")}, [common("a", "1")])
        assert steps == [Step("make_way", "a"), Step("upload", "a/b.md")]

    def test_a_folder_makes_way_for_a_file_of_its_name(self) -> None:
        steps = steps_of({"a": local("2")}, {"a/b.md": kept("1")}, [common("a/b.md", "1")])
        assert steps == [Step("make_way", "a/b.md"), Step("upload", "a")]


class TestAsides:
    """Files that are kept twice."""

    def test_a_copy_that_is_there_already_is_not_made_again(self) -> None:
        collection = {"a.md": kept("3"), ASIDE_ANNA: kept("3", "g")}
        assert steps_of({"a.md": local("2")}, collection, [common("a.md", "1")]) == [UPLOAD]

    def test_a_name_that_is_taken_is_not_taken_again(self) -> None:
        folder = {"a.md": local("2"), ASIDE_HERE: local("4")}
        collection = {"a.md": kept("3"), ASIDE_HERE: kept("4", "g")}
        past = [common("a.md", "1"), common(ASIDE_HERE, "4", "g")]
        steps = steps_of(folder, collection, past, both_ways=True)
        assert steps[0] == Step("set_aside", "a.md", "a (conflict, here, 2026-11-21 14.02) 2.md")

    @pytest.mark.parametrize(
        ("path", "who", "aside"),
        [
            ("notes/a.md", "box", "notes/a (conflict, box, 2026-11-21 14.02).md"),
            ("Makefile", "box", "Makefile (conflict, box, 2026-11-21 14.02)"),
            ("a.tar.gz", "a/b", "a.tar (conflict, a-b, 2026-11-21 14.02).gz"),
        ],
    )
    def test_names(self, path: str, who: str, aside: str) -> None:
        assert aside_path(path, who, NOON) == aside
        assert is_aside_of(path, aside)

    def test_a_long_name_stays_one_that_file_systems_take(self) -> None:
        made = aside_path("ü" * 120 + ".md", "box", NOON)
        assert len(made.encode()) <= 255
        assert made.endswith(" (conflict, box, 2026-11-21 14.02).md")
