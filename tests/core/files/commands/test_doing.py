"""Words that become calls at the command line: shown, agreed to, done, and undone as one."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def filled_home(desk_at: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a few files; made once, copied for each test."""
    desk = desk_at(tmp_path_factory.mktemp("shelf") / "home")
    desk.write("finance/budget.md", "# Budget\n\nRent 900\n")
    desk.write("finance/budget.md", "# Budget\n\nRent 950\n\n# Food\n\n300\n")
    desk.write("notes/solar.md", "Solar panels give 4 kW.\n")
    desk.write("todo.md", "Buy milk\n")
    desk.write("plan-a.md", "Old plan\n")
    desk.write("plan-b.md", "New plan\n")
    return desk.home


@pytest.fixture
def shelf(desk: Any, filled_home: Path) -> Any:
    """A desk with a few files."""
    shutil.rmtree(desk.home)
    shutil.copytree(filled_home, desk.home)
    return desk


def do(desk: Any, words: str, *options: str) -> Any:
    """What the words came to."""
    return desk("do", words, *options)


def done(desk: Any, words: str) -> Any:
    """Agreed to from the start, and gone well."""
    said = do(desk, words, "--yes")
    assert said.code == 0, said.err
    return said


def paths(desk: Any) -> list[str]:
    return [file["path"] for file in desk.done("ls", "--recursive", "--json").json["files"]]


def test_what_only_looks_is_done_at_once(shelf: Any) -> None:
    assert "Rent 950" in do(shelf, "what's in the budget?").out
    assert "Rent 900" in do(shelf, "show me version 1 of the budget").out
    assert "plan-a.md" in do(shelf, "list all files").out
    assert "todo.md" in do(shelf, "which files mention milk?").out
    assert do(shelf, "show the history of the budget").out.count("version") == 2
    assert "New headings: 'Food'" in do(shelf, "what changed in the budget?").out


def test_nothing_is_written_that_nobody_agreed_to(shelf: Any) -> None:
    said = do(shelf, "delete todo.md")
    assert said.code == 3
    assert "delete 'todo.md'" in said.err
    assert "--yes" in said.err
    assert "todo.md" in paths(shelf)


def test_a_dry_run_only_shows_the_plan(shelf: Any) -> None:
    said = do(shelf, "move everything in notes/ into the archive folder and delete todo.md", "--dry-run")
    assert said.code == 0
    assert "'notes/solar.md' as 'archive/solar.md'" in said.err
    assert "delete 'todo.md'" in said.err
    assert "todo.md" in paths(shelf)


def test_last_versions_come_back_by_a_vague_name(shelf: Any) -> None:
    done(shelf, "put the previous version of the budget back")
    assert shelf.done("cat", "finance/budget.md").out == "# Budget\n\nRent 900\n"
    assert "Rent 900" in do(shelf, "what is in the budget?").out


def test_several_steps_are_one_change(shelf: Any) -> None:
    before = paths(shelf)
    said = do(shelf, "rename todo.md to tasks.md, then append 'call Bob' to it and delete plan-a.md", "--yes", "--json")
    assert said.code == 0, said.err
    assert shelf.done("cat", "tasks.md").out == "Buy milk\ncall Bob\n"
    assert "plan-a.md" not in paths(shelf)
    shelf.done("undo", said.json["change"])
    assert paths(shelf) == before
    assert shelf.done("cat", "todo.md").out == "Buy milk\n"


def test_undo_in_words_takes_the_last_change_back(shelf: Any) -> None:
    done(shelf, "delete both plan-a.md and plan-b.md")
    assert "plan-a.md" not in paths(shelf)
    done(shelf, "undo that")
    assert {"plan-a.md", "plan-b.md"} <= set(paths(shelf))


def test_a_name_that_fits_several_files_is_asked_about(shelf: Any) -> None:
    said = do(shelf, "delete the plan", "--yes")
    assert said.code == 2
    assert "'plan-a.md', 'plan-b.md'" in said.err
    assert "plan-a.md" in paths(shelf)
    done(shelf, "delete all the plans")
    assert not [path for path in paths(shelf) if "plan" in path]


def test_a_file_is_found_by_what_is_in_it(shelf: Any) -> None:
    assert "4 kW" in do(shelf, "show me the panels").out


def test_a_step_that_fails_stops_the_rest_and_tells_how_to_undo(shelf: Any) -> None:
    said = do(shelf, "append 'x' to todo.md, then create plan-a.md, then delete plan-b.md", "--yes")
    assert said.code == 5
    assert "Step 2 (create) failed" in said.err
    assert "jackfield files undo change_" in said.err
    assert "plan-b.md" in paths(shelf)
    assert shelf.done("cat", "todo.md").out == "Buy milk\nx\n"


def test_what_is_not_there_is_told_with_what_is_like_it(shelf: Any) -> None:
    said = do(shelf, "delete tood.md", "--yes")
    assert said.code == 4
    assert "todo.md" in said.err
    gone = do(shelf, "restore todo.md to version 7", "--yes")
    assert gone.code == 4
    assert "no version 7" in gone.err


def test_words_that_mean_nothing_here_are_refused_with_an_example(shelf: Any) -> None:
    said = do(shelf, "the weather is nice", "--yes")
    assert said.code == 2
    assert "not understood" in said.err
    assert do(shelf, " ").code == 2
    assert "more than 150 words" in do(shelf, "delete " + "it and then " * 80).err


def test_deleted_files_come_back_under_another_name(shelf: Any) -> None:
    done(shelf, "bin todo.md")
    assert "todo.md" in do(shelf, "what's in the bin?").out
    done(shelf, "undelete todo.md as tasks.md")
    assert "tasks.md" in paths(shelf)


def test_links_are_made_told_once_and_revoked(shelf: Any) -> None:
    said = done(shelf, "share the budget for two days")
    assert "/shared/" in said.out
    (link,) = shelf.done("links", "--json").json
    assert link["expires_at"]
    done(shelf, "revoke the link to the budget")
    (link,) = shelf.done("links", "--json").json
    assert link["revoked_at"]


def test_files_are_locked_and_unlocked(shelf: Any) -> None:
    done(shelf, "lock todo.md for 30 minutes")
    (file,) = [one for one in shelf.done("ls", "--json").json["files"] if one["path"] == "todo.md"]
    assert file["lock"]
    done(shelf, "unlock todo.md")
    (file,) = [one for one in shelf.done("ls", "--json").json["files"] if one["path"] == "todo.md"]
    assert not file["lock"]


@pytest.mark.parametrize("words", ["please don't delete todo.md", "delete todo.md and do not delete plan-a.md"])
def test_what_is_not_to_be_done_is_no_other_call(shelf: Any, words: str) -> None:
    before = paths(shelf)
    said = do(shelf, words, "--yes")
    assert said.code == 2
    assert "says what is not to be done, so nothing was done" in said.err
    assert paths(shelf) == before


def test_two_verbs_are_two_steps_of_one_change(shelf: Any) -> None:
    shelf.write("finance/budget.md", "# Budget\n\nRent 990\n")
    done(shelf, "roll back finance/budget.md two versions and delete todo.md")
    assert "Rent 900" in shelf.done("cat", "finance/budget.md").out
    assert "todo.md" not in paths(shelf)


def test_a_copy_has_the_bytes_and_is_one_change_with_what_follows(shelf: Any) -> None:
    before = paths(shelf)
    said = do(shelf, "copy todo.md to archive/tasks.md and delete todo.md", "--yes", "--json")
    assert said.code == 0, said.err
    assert shelf.done("cat", "archive/tasks.md").out == "Buy milk\n"
    assert "todo.md" not in paths(shelf)
    shelf.done("undo", said.json["change"])
    assert paths(shelf) == before


def test_a_copy_over_a_file_says_so_and_keeps_its_versions(shelf: Any) -> None:
    shown = do(shelf, "copy plan-a.md to plan-b.md", "--dry-run")
    assert "copy 'plan-a.md' as 'plan-b.md'. There already, and written over: plan-b.md." in shown.err
    done(shelf, "copy plan-a.md to plan-b.md")
    assert shelf.done("cat", "plan-b.md").out == "Old plan\n"
    done(shelf, "put the previous version of plan-b.md back")
    assert shelf.done("cat", "plan-b.md").out == "New plan\n"


def test_a_copy_without_a_name_gets_one_of_its_own(shelf: Any) -> None:
    done(shelf, "duplicate todo.md")
    assert shelf.done("cat", "todo-2.md").out == "Buy milk\n"
    assert do(shelf, "copy todo.md to todo.md", "--yes").code == 2


def test_links_that_hold_are_listed(shelf: Any) -> None:
    assert "No share link holds." in do(shelf, "which links are still open").out
    done(shelf, "share todo.md")
    done(shelf, "make a link to plan-a.md")
    listed = do(shelf, "which links are still active").out
    assert "'todo.md'" in listed
    assert "'plan-a.md'" in listed
    only = do(shelf, "what links are there to todo.md").out
    assert "'plan-a.md'" not in only
    done(shelf, "revoke every link to todo.md")
    assert "'todo.md'" not in do(shelf, "show me the open links").out


def test_the_last_change_is_the_last_of_the_text(shelf: Any) -> None:
    """What was deleted, brought back and renamed since has the same text."""
    shelf.done("rm", "finance/budget.md")
    shelf.done("restore", "finance/budget.md")
    shelf.done("mv", "finance/budget.md", "finance/plan.md")
    assert "Rent 900" in do(shelf, "show the old version of finance/plan.md").out
    assert "New headings: 'Food'" in do(shelf, "what changed in finance/plan.md?").out
    done(shelf, "undo the last change to finance/plan.md")
    assert shelf.done("cat", "finance/plan.md").out == "# Budget\n\nRent 900\n"


def test_a_text_that_never_changed_has_none_before(shelf: Any) -> None:
    shelf.done("mv", "todo.md", "tasks.md")
    said = do(shelf, "put the previous version of tasks.md back", "--yes")
    assert said.code == 4
    assert "has had one text in all its versions" in said.err


@pytest.mark.parametrize("words", ["what's the weather like", "sing me a song"])
def test_what_is_not_about_files_is_refused_with_what_can_be_said(shelf: Any, words: str) -> None:
    said = do(shelf, words, "--yes")
    assert said.code == 2
    assert "is not understood as anything to do with files" in said.err
    assert "such as: restore" in said.err


SEVERAL_CALLS_ON_ONE_FILE = {
    "append 'call Bob' to todo.md, then overwrite todo.md with 'Nothing' and append 'more' to it": "Nothing\nmore\n",
    "overwrite todo.md with 'Nothing' and then append 'more' to it, then delete it and bring todo.md back": (
        "Nothing\nmore\n"
    ),
    "append 'one' to todo.md and then put the previous version of todo.md back": "Buy milk\n",
    "delete todo.md, then create todo.md saying 'New' and append 'more' to it": "New\nmore\n",
    "overwrite plan-a.md with 'Mine', then copy plan-a.md to todo.md and append 'more' to todo.md": "Mine\nmore\n",
    "rename todo.md to old.md, then rename plan-a.md to todo.md and overwrite todo.md with 'x'": "x\n",
    "append 'a' to todo.md, copy it to tasks.md, delete todo.md and rename tasks.md to todo.md": "Buy milk\na\n",
    "restore finance/budget.md to version 1, then copy it to finance/b.md, delete todo.md, move finance/b.md to old/, "
    "and rename old/b.md to todo.md": None,
}


@pytest.mark.parametrize("words", SEVERAL_CALLS_ON_ONE_FILE)
def test_each_step_sees_what_the_step_before_left_and_all_are_one_change(shelf: Any, words: str) -> None:
    def everything() -> dict[str, str]:
        return {path: shelf.done("cat", path).out for path in paths(shelf)}

    before = everything()
    said = do(shelf, words, "--yes", "--json")
    assert said.code == 0, said.err
    if (left := SEVERAL_CALLS_ON_ONE_FILE[words]) is not None:
        assert shelf.done("cat", "todo.md").out == left
    assert everything() != before or "previous" in words
    shelf.done("undo", said.json["change"])
    assert everything() == before


def test_what_is_shown_last_is_what_the_steps_left(shelf: Any) -> None:
    shown = done(shelf, "append 'call Bob' to todo.md and then show me todo.md")
    assert "Buy milk\ncall Bob" in shown.out
    compared = done(shelf, "append 'call Ann' to todo.md, then show me what changed in todo.md")
    assert "call Ann" in compared.out
    assert (
        "to the version before"
        in do(shelf, "append 'x' to todo.md and put the previous version of todo.md back", "--dry-run").err
    )


def test_two_files_never_go_to_one_path(shelf: Any) -> None:
    shelf.write("old/todo.md", "Old\n")
    said = do(shelf, "move todo.md and old/todo.md into archive/", "--yes")
    assert said.code == 2
    assert "would both be 'archive/todo.md'" in said.err
    assert "todo.md" in paths(shelf)


def test_taking_back_is_a_command_of_its_own(shelf: Any) -> None:
    said = do(shelf, "append 'x' to todo.md and then undo that", "--yes")
    assert said.code == 2
    assert "a command of its own" in said.err
    assert shelf.done("cat", "todo.md").out == "Buy milk\n"


def test_all_but_some_are_meant(shelf: Any) -> None:
    done(shelf, "delete everything except the budget and plan-a.md")
    assert sorted(paths(shelf)) == ["finance/budget.md", "plan-a.md"]
    said = do(shelf, "delete everything except the invoices", "--yes")
    assert said.code == 4
    assert sorted(paths(shelf)) == ["finance/budget.md", "plan-a.md"]


def test_the_original_is_what_was_copied(shelf: Any) -> None:
    done(shelf, "copy todo.md to archive/tasks.md and then delete the original")
    assert "todo.md" not in paths(shelf)
    assert "archive/tasks.md" in paths(shelf)


def test_only_what_was_deleted_then_comes_back(shelf: Any) -> None:
    done(shelf, "delete todo.md")
    assert do(shelf, "restore everything I deleted last year", "--yes").code == 4
    assert "todo.md" not in paths(shelf)
    done(shelf, "restore everything I deleted today")
    assert "todo.md" in paths(shelf)


def test_files_moved_from_a_folder_are_those_of_that_folder(shelf: Any) -> None:
    done(shelf, "move all files from notes/ to old/")
    assert "old/solar.md" in paths(shelf)
    assert "todo.md" in paths(shelf)


def test_what_is_not_named_is_changed_only_where_somebody_looks(shelf: Any) -> None:
    shown = do(shelf, "delete the kilowatts kW", "--dry-run")
    assert "Nothing is called 'kilowatts kw'" in shown.err or shown.code == 4
    said = do(shelf, "delete the solar panels note", "--yes")
    assert said.code == 3
    assert "somebody has to look" in said.err
    assert "notes/solar.md" in paths(shelf)
    assert do(shelf, "overwrite milk with 'x'", "--yes").code == 4


def test_what_words_do_not_do_says_what_does(shelf: Any) -> None:
    said = do(shelf, "replace milk with bread in todo.md", "--yes")
    assert said.code == 2
    assert "not changed within" in said.err
    assert "jackfield files purge" in do(shelf, "delete todo.md permanently", "--yes").err
    assert "Nothing was done" in do(shelf, "never mind", "--yes").err
    assert "'hi' is not understood" in do(shelf, "hi", "--yes").err
    assert "todo.md" in paths(shelf)


def test_taking_back_says_what_the_change_did(shelf: Any) -> None:
    said = done(shelf, "copy todo.md to tasks.md and delete plan-a.md")
    assert "jackfield files undo change_" in said.err
    shown = do(shelf, "undo that", "--dry-run")
    assert "In it 'tasks.md' was written, 'plan-a.md' was deleted." in shown.err


def test_a_folder_is_renamed_with_everything_in_it_where_it_is(shelf: Any) -> None:
    shelf.write("notes/old/heat.md", "Heat\n")
    done(shelf, "rename the folder notes to journal")
    assert {"journal/solar.md", "journal/old/heat.md"} <= set(paths(shelf))
    said = do(shelf, "put everything from the journal folder into archive/", "--yes")
    assert said.code == 0, said.err
    assert {"archive/solar.md", "archive/old/heat.md"} <= set(paths(shelf))


def test_a_file_is_emptied_and_keeps_its_versions(shelf: Any) -> None:
    done(shelf, "empty todo.md")
    assert shelf.done("cat", "todo.md").out == ""
    done(shelf, "undo that")
    assert shelf.done("cat", "todo.md").out == "Buy milk\n"


def test_a_reason_is_not_another_step(shelf: Any) -> None:
    done(shelf, "delete todo.md, I don't need it any more")
    assert "todo.md" not in paths(shelf)
    done(shelf, "bring todo.md back, I deleted it by accident")
    assert "todo.md" in paths(shelf)
