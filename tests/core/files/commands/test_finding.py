"""`jackfield files find`: by words, and by meaning where a model is installed."""

from __future__ import annotations

from typing import Any

import pytest

GARDEN = "# Garden\n\nTomatoes like sun and water.\n"
KITCHEN = "# Kitchen\n\nThe oven is hot, and bread is in it.\n"


@pytest.fixture
def house(desk: Any) -> Any:
    """A desk with two files."""
    desk.write("garden.md", GARDEN)
    desk.write("rooms/kitchen.md", KITCHEN)
    return desk


def found(desk: Any, *words: str) -> list[str]:
    return [one["path"] for one in desk.done("find", *words, "--json").json["found"]]


def test_passages_are_found_by_words_and_it_is_said_that_there_is_no_meaning(house: Any) -> None:
    said = house.done("find", "tomatoes", "water")
    assert said.rows[0][1] == "garden.md"
    assert said.rows[0][2] == "1"
    assert "Tomatoes like sun and water." in said.rows[0][7]
    assert "models pull embeddings" in said.err
    start, end = int(said.rows[0][3]), int(said.rows[0][4])
    assert "Tomatoes" in GARDEN.encode()[start:end].decode()


def test_with_a_model_files_are_found_by_meaning_too(house: Any) -> None:
    house.install_embedder()
    house.done("index")
    result = house.done("find", "--mode", "meaning", "hot oven", "--limit", "1", "--json").json
    assert [one["path"] for one in result["found"]] == ["rooms/kitchen.md"]
    assert result["found"][0]["similarity"] > 0
    assert result["notice"] == ""


def test_only_a_folder_or_a_collection_is_looked_in(house: Any) -> None:
    house.done("collections", "add", "attic")
    house.done("add", "-", "--as", "box.md", "-c", "attic", typed="Old bread knives.\n")
    assert sorted(found(house, "bread")) == ["box.md", "rooms/kitchen.md"]
    assert found(house, "bread", "-c", "attic") == ["box.md"]
    assert found(house, "bread", "--in", "rooms") == ["rooms/kitchen.md"]
    assert found(house, "bread", "--in", "garden") == []
    assert found(house, "bread", "--in", "attic:") == ["box.md"]


def test_what_is_not_there_any_more_is_not_found_and_comes_back_with_it(house: Any) -> None:
    house.write("garden.md", "# Garden\n\nOnly cucumbers.\n")
    assert found(house, "tomatoes") == []
    house.done("rollback", "garden.md", "--to", "1")
    assert found(house, "tomatoes") == ["garden.md"]
    house.done("rm", "garden.md")
    assert found(house, "tomatoes") == []
    house.done("restore", "garden.md")
    assert found(house, "tomatoes") == ["garden.md"]


def test_nothing_found_is_said(house: Any) -> None:
    said = house.done("find", "zebra")
    assert said.rows == []
    assert said.err.startswith("Nothing was found.\n")


def test_an_empty_question_is_refused(house: Any) -> None:
    assert house("find", " ").code == 2
    assert house("find", "bread", "-c", "nobody").code == 4
