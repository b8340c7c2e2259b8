from __future__ import annotations

from datetime import UTC, datetime

import pytest

from jackfield.cli.files.addresses import Address, addressed, all_addressed, chosen_point, point
from jackfield.contracts.files import Point
from jackfield.errors import InvalidRequest


@pytest.mark.parametrize(
    ("typed", "collection", "meant"),
    [
        ("notes/plan.md", None, Address(None, "notes/plan.md")),
        ("team:notes/plan.md", None, Address("team", "notes/plan.md")),
        (":odd:name.md", None, Address(None, "odd:name.md")),
        ("notes/12:30.md", None, Address(None, "notes/12:30.md")),
        ("12:30.md", "team", Address("team", "12:30.md")),
    ],
)
def test_a_collection_is_named_before_a_colon_or_by_the_option(
    typed: str, collection: str | None, meant: Address
) -> None:
    assert addressed(typed, collection) == meant


def test_paths_of_two_collections_are_refused() -> None:
    assert all_addressed(("a:x", "a:y"), None) == ("a", ["x", "y"])
    with pytest.raises(InvalidRequest, match="'a' and the default one"):
        all_addressed(("a:x", "y"), None)


def test_a_version_is_meant_by_its_number_or_a_time() -> None:
    assert point("3") == point("v3") == Point(number=3)
    assert point("2026-11-20T12:00:00.5Z") == Point(at=datetime(2026, 11, 20, 12, 0, 0, 500_000, tzinfo=UTC))
    with pytest.raises(InvalidRequest, match="'soon' is neither a version's number nor a time"):
        point("soon")


def test_a_version_and_a_time_are_not_asked_for_together() -> None:
    assert chosen_point(None, None) == Point()
    with pytest.raises(InvalidRequest, match="not both"):
        chosen_point(1, "yesterday")
