"""Files grouped, joined and compared at the command line."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def library(desk: Any) -> Any:
    """A desk with an embedder, and files on two topics."""
    desk.install_embedder()
    for number in range(4):
        desk.write(
            f"energy/{number}.md", f"Solar panels on roof {number} give power from the sun, a battery keeps power."
        )
        desk.write(
            f"food/{number}.md", f"A soup of leek and potato, number {number}: cook leek, then potato, then salt."
        )
    return desk


def test_files_are_grouped_by_which_words_they_hold(desk: Any) -> None:
    desk.write("a.md", "rent and salary")
    desk.write("b.md", "salary only")
    desk.write("c.md", "neither")
    found = desk.done("group", "rent", "salary", "--json").json
    assert [(group["name"], group["paths"]) for group in found["groups"]] == [
        ("rent", ["a.md"]),
        ("salary", ["a.md", "b.md"]),
    ]
    assert found["others"] == ["c.md"]


def test_files_are_grouped_by_meaning_under_telling_names(library: Any) -> None:
    found = library.done("group", "--json").json
    groups = {tuple(sorted({path.split("/")[0] for path in group["paths"]})): group for group in found["groups"]}
    assert set(groups) == {("energy",), ("food",)}
    assert {"solar", "power", "panels", "sun", "battery", "roof", "give", "keeps"} >= set(groups[("energy",)]["words"])
    asked = library.done("group", "--count", "3", "--json").json
    assert len(asked["groups"]) <= 3


def test_files_without_text_are_told_from_those_that_wait_for_their_vectors(desk: Any) -> None:
    desk.write("early.md", "This was written before there was a model.")
    desk.install_embedder()
    desk.done("add", "-", "--as", "empty.md", "--no-index", typed="")
    desk.write("roof.md", "Solar panels on the roof.")
    found = desk.done("group", "--json").json
    assert found["others"] == ["early.md", "empty.md"]
    without = "1 without text that can be read, and so in no group by meaning."
    assert found["notice"] == f"1 without vectors yet: `jackfield files index` makes them. {without}"
    desk.done("index")
    assert desk.done("group", "--json").json["notice"] == without


def test_without_an_embedding_model_grouping_by_meaning_says_what_is_missing(desk: Any) -> None:
    desk.write("a.md", "one")
    said = desk("group")
    assert said.code == 4
    assert "models pull embeddings" in said.err


def test_files_are_joined_with_where_each_part_came_from(desk: Any) -> None:
    desk.write("a.md", "first\n")
    desk.write("b.md", "second\n")
    desk.write("b.md", "second, again\n")
    made = desk.done("join", "a.md", "b.md", "--into", "ab.md", "--json").json
    text = desk.done("cat", "ab.md").out
    assert text.index("first") < text.index("second, again")
    assert "*From b.md, version 2.*" in text
    taken = desk("join", "a.md", "b.md", "--into", "ab.md")
    assert taken.code == 5
    desk.done("undo", made["change"])
    assert desk("cat", "ab.md").code == 4


def test_what_files_say_of_a_topic_is_joined_once(library: Any) -> None:
    library.write("copy.md", "Solar panels on roof 1 give power from the sun, a battery keeps power.")
    made = library.done("join", "--about", "solar power", "--into", "solar.md", "--json").json["joined"]
    paths = {part["path"] for part in made["parts"]}
    assert paths <= {*(f"energy/{number}.md" for number in range(4)), "copy.md"}
    assert made["repeated"] >= 1
    text = library.done("cat", "solar.md").out
    assert text.startswith("# solar power\n")
    assert "version 1, bytes 0-" in text or "version 1." in text
    nothing = library("join", "--about", "zebra", "--into", "zebra.md")
    assert nothing.code == 4


def test_versions_are_compared_in_counts_without_a_chat_model(desk: Any) -> None:
    desk.write("plan.md", "# One\n\na\n")
    desk.write("plan.md", "# Two\n\na\nb\n")
    found = desk.done("compare", "plan.md", "--json").json
    assert (found["added"], found["removed"]) == (2, 1)
    assert found["headings_added"] == ["# Two"]
    assert "No model" in found["notice"]
    desk.write("other.md", "# Two\n\na\nb\n")
    assert "equal" in desk.done("compare", "plan.md", "--with", "other.md").out
