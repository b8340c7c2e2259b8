"""The checker of bfcl-eval: taken without what it drags in, or missed with a sentence."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from jackfield.errors import MissingDependency
from jackfield_plugins.function_calls.bench.cases import Case, Turn
from jackfield_plugins.function_calls.bench.checker import BfclChecker

CASE = Case(
    id="simple_0",
    question=((Turn("user", "How far is it?"),),),
    function=(
        {
            "name": "trip.length",
            "description": "How far it is.",
            "parameters": {"type": "dict", "properties": {"to": {"type": "string"}}, "required": ["to"]},
        },
    ),
    ground_truth=({"trip.length": {"to": ["Oslo"]}},),
)


@pytest.mark.usefixtures("bfcl")
def test_its_table_of_models_is_not_needed() -> None:
    checker = BfclChecker()
    assert checker.verdict(CASE, [{"trip.length": {"to": "Oslo"}}]).right
    wrong = checker.verdict(CASE, [{"trip.length": {"to": "Rome"}}])
    assert (wrong.right, wrong.mistake) == (False, "value")


@pytest.mark.usefixtures("bfcl")
def test_what_it_cannot_look_at_is_wrong() -> None:
    verdict = BfclChecker().verdict(CASE, ["no call"])  # type: ignore[list-item]
    assert (verdict.right, verdict.mistake) == (False, "checker:AttributeError")


@pytest.mark.skipif(find_spec("bfcl_eval") is not None, reason="bfcl-eval is installed")
def test_where_it_is_not_installed_a_sentence_says_how_to_install_it() -> None:
    with pytest.raises(MissingDependency, match="pip install --no-deps bfcl-eval"):
        BfclChecker()


@pytest.mark.skipif(find_spec("bfcl_eval") is None, reason="bfcl-eval is not installed")
def test_the_real_one_knows_right_from_wrong() -> None:
    checker = BfclChecker()
    assert checker.verdict(CASE, [{"trip.length": {"to": "oslo"}}]).right
    assert checker.verdict(CASE, [{"trip.length": {"to": "Rome"}}]).mistake == "value_error:string"
    assert not checker.verdict(CASE, [{"trip_length": {"to": "Oslo"}}]).right
