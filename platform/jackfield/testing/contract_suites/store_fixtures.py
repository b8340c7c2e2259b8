"""What the suites of a state store share: the stores themselves, and how many examples each test tries."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

from jackfield.contracts.records import StateStore

# One store serves all examples: each makes its own records.
examples = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)


class StateStoreFixtures:
    """What a suite needs of whoever runs it."""

    @pytest.fixture
    def store(self) -> StateStore:
        """An open store that is empty; closed after the test."""
        raise NotImplementedError("override `store` with a fixture that yields an open, empty state store")

    @pytest.fixture
    def other_store(self) -> StateStore:
        """A second store on the same state, as another process has it; closed after the test."""
        pytest.skip("no second store was given: override `other_store` to test what two processes see")
