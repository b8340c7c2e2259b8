"""What a budget without room tells whoever asked: to wait where that helps, and to ask for less where that does."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from jackfield.contracts.budgets import no_room
from jackfield.contracts.identity import Holder

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("more", "used", "most", "less", "wait"),
    [
        (4182, 0, 3000, True, False),
        (4182, 3000, 3000, True, True),
        (2000, 1500, 3000, True, True),
        (2000, 3000, 3000, False, True),
        (1, 0, 0, False, False),
    ],
)
def test_it_says_what_would_help(more: int, used: int, most: int, less: bool, wait: bool) -> None:
    refused = no_room(Holder("key", "k"), "2026-11-21", "tokens", more=more, used=used, most=most, at=NOON)
    assert ("max_tokens" in str(refused), "wait for the next day" in str(refused)) == (less, wait)
    assert (refused.retry_after is not None) == (more <= most)
    assert str(refused).endswith("ask an admin for a larger budget.")
