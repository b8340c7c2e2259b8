"""Lets the shared suites show the values in a failed assertion."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("jackfield.testing.contract_suites")
