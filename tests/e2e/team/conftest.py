"""One team server for all tests of a file: PostgreSQL, Redis, an API and two workers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jackfield.testing.team import Team, running_team

ENGINE = Path(__file__).parents[2] / "sample_plugin" / "team_engine"
TOKEN_SECONDS = "0.01"
WAIT_FOR_WORKER = "4"


@pytest.fixture(scope="module")
def team() -> Iterator[Team]:
    """An API over one worker for every model; tests start others, and leave one alive."""
    variables = {"JACKFIELD_TEST_TOKEN_SECONDS": TOKEN_SECONDS, "JACKFIELD_JOBS__WAIT_FOR_WORKER": WAIT_FOR_WORKER}
    with running_team(ENGINE, plugins=("team-engine",), models=("counter", "other"), **variables) as team:
        team.api()
        yield team
