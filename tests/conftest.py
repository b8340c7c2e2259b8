"""What every test starts from."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def _logs_as_at_start() -> Iterator[None]:
    """Commands that run in the test's own process configure logging for the whole process."""
    yield
    structlog.reset_defaults()
