"""What each contract promises, as tests: subclass a suite, override its fixtures, and pytest holds yours to it.

To see the values in a failed assertion, put `pytest.register_assert_rewrite("jackfield.testing.contract_suites")`
in a conftest.py above the tests.
"""
