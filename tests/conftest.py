"""What every test starts from."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog

from jackfield.logs import StderrHandler


@pytest.fixture(autouse=True)
def _logs_as_at_start() -> Iterator[None]:
    """Commands that run in the test's own process configure logging for the whole process."""
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, StderrHandler)]:
        root.removeHandler(handler)
        root.setLevel(logging.WARNING)
