"""Whether calls are the right ones, by BFCL's own checker: the package bfcl-eval, which only this module imports."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Protocol

import msgspec

from jackfield.errors import MissingDependency
from jackfield_plugins.function_calls.bench.cases import Case

HOW_TO_INSTALL = (
    "Judging calls needs BFCL's checker: `pip install --no-deps bfcl-eval` "
    "(none of the packages that it asks for are needed)."
)
MODEL_TABLE = "bfcl_eval.constants.model_config"
ASKED_AS = "jackfield"
"""What the checker is told that the model is called."""

RestoredCall = dict[str, dict[str, Any]]
"""A function's own name with the arguments."""


class Verdict(msgspec.Struct, frozen=True):
    """Whether calls are the ones that were wanted, and what kind of mistake they are otherwise."""

    right: bool
    mistake: str = ""


class CallChecker(Protocol):
    """Judges the calls of one answer to a case that wants some."""

    def verdict(self, case: Case, calls: Sequence[RestoredCall]) -> Verdict: ...


class BfclChecker:
    """BFCL's comparison of calls with the ground truth; raises MissingDependency where it is not installed."""

    def __init__(self) -> None:
        self._check, self._language = _checker()

    def verdict(self, case: Case, calls: Sequence[RestoredCall]) -> Verdict:
        """What the checker says; calls of a form that it cannot even look at are wrong."""
        try:
            said = self._check(
                list(case.function), list(calls), list(case.ground_truth or ()), self._language, case.category, ASKED_AS
            )
        except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
            return Verdict(right=False, mistake=f"checker:{type(error).__name__}")
        return Verdict(right=bool(said["valid"]), mistake="" if said["valid"] else str(said["error_type"]))


def packaged_file(name: str) -> Path:
    """A file of cases that comes with the checker; raises MissingDependency."""
    found = find_spec("bfcl_eval")
    if found is None or not found.submodule_search_locations:
        raise MissingDependency(f"No cases are named with --data. {HOW_TO_INSTALL} It brings cases, too.")
    return Path(found.submodule_search_locations[0]) / "data" / name


def _checker() -> tuple[Callable[..., dict[str, Any]], Any]:
    """The checker's function, and the language of the calls.

    It looks up one thing in a table of every model that BFCL knows: whether dots in names were replaced. That table
    imports every vendor's client, so a table of one model stands in for it while the checker is imported: names are
    given back their dots before they are judged.
    """
    stand_in = ModuleType(MODEL_TABLE)
    vars(stand_in)["MODEL_CONFIG_MAPPING"] = {ASKED_AS: SimpleNamespace(underscore_to_dot=False)}
    theirs = sys.modules.get(MODEL_TABLE)
    sys.modules[MODEL_TABLE] = stand_in
    try:
        languages = import_module("bfcl_eval.constants.enums")
        judging = import_module("bfcl_eval.eval_checker.ast_eval.ast_checker")
    except ImportError as error:
        raise MissingDependency(HOW_TO_INSTALL) from error
    finally:
        del sys.modules[MODEL_TABLE]
        if theirs:
            sys.modules[MODEL_TABLE] = theirs
    return judging.ast_checker, languages.Language.PYTHON
