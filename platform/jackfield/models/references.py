"""Model references: which source knows one, and what to say when none does."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import TypeVar

from jackfield.contracts.sources import ModelSource
from jackfield.errors import InvalidRequest, JackfieldError, PluginError, ReferenceNotFound
from jackfield.registry import Shelf

T = TypeVar("T")


class GuardedSource:
    """A registered source whose unexpected failures are its plugin's, by name."""

    def __init__(self, source: ModelSource, name: str, owner: str) -> None:
        self._source = source
        self._label = f"Model source '{name}' of plugin '{owner}'"

    def call(self, action: Callable[[ModelSource], T]) -> T:
        """Do something with the source; raises JackfieldErrors as they are, and PluginError for all else."""
        try:
            return action(self._source)
        except JackfieldError:
            raise
        except Exception as error:
            raise PluginError(f"{self._label} failed: {type(error).__name__}: {error}") from error


def claiming_source(reference: str, sources: Shelf[ModelSource]) -> GuardedSource:
    """The first source that claims a reference; raises ReferenceNotFound with examples of what there is."""
    if not reference.strip():
        raise InvalidRequest(
            "The model reference is empty; `starter` is one that works everywhere.", parameter="reference"
        )
    if not sources.names():
        sources.first()  # raises NothingRegistered, in the shelf's own words
    examples: list[str] = []
    broken: list[str] = []
    for name in sources.names():
        try:
            guarded = GuardedSource(sources.get(name), name, sources.owner(name))
            if guarded.call(lambda source: source.claims(reference)):
                return guarded
            examples += guarded.call(lambda source: source.examples)
        except JackfieldError as error:
            broken.append(error.message)
    raise ReferenceNotFound(_unknown(reference, examples, broken), parameter="reference")


def _unknown(reference: str, examples: list[str], broken: list[str]) -> str:
    near = difflib.get_close_matches(reference, examples, n=1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    failed = f" ({'; '.join(broken)})" if broken else ""
    return f"No model source knows '{reference}'.{hint} References look like: {', '.join(examples)}.{failed}"
