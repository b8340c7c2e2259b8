"""What is to be done so that a folder and a collection hold the same again: a pure three-way comparison.

What each side holds is held against what both last had in common. A file that only one side changed is changed on the
other; one that both changed is kept twice. The collection's changes reach the folder only where that is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, get_args

import msgspec

from jackfield.contracts.files import CommonFile
from jackfield.files.paths import parents, path_key
from jackfield.files.watching.asides import is_aside_of
from jackfield.files.watching.renames import renamed_locally
from jackfield.files.watching.sides import Kept, Local, in_step

StepKind = Literal[
    "move_kept",
    "move_local",
    "follow",
    "set_aside",
    "copy_aside",
    "make_way",
    "upload",
    "remove_local",
    "fetch",
    "remove_kept",
    "settle",
    "forget",
]
ORDER: tuple[StepKind, ...] = get_args(StepKind)
"""Renames first. Nothing is removed from the collection before everything else is in it, but what must `make_way`: a
file where there is to be a folder, or the other way round.
"""

AsideName = Callable[[str, str, int], str]
"""A path to put a file to: from its path, who wrote it (empty: this machine), and a number from 1 on."""


class Step(msgspec.Struct, frozen=True):
    """One thing to do; `to` is the other path of those that have two."""

    kind: StepKind
    path: str
    to: str = ""


class Clash(msgspec.Struct, frozen=True):
    """A file that is left alone, since another's path differs from its own only in case."""

    path: str
    other: str


class Plan(msgspec.Struct, frozen=True):
    """Steps in the order in which they are to be taken, and what nothing can be done about."""

    steps: tuple[Step, ...]
    clashes: tuple[Clash, ...] = ()

    def number_of(self, kind: StepKind) -> int:
        return sum(step.kind == kind for step in self.steps)


def plan(
    folder: Mapping[str, Local],
    collection: Mapping[str, Kept],
    common: Mapping[str, CommonFile],
    *,
    both_ways: bool,
    aside: AsideName,
) -> Plan:
    """The steps from two sides and what they had in common; none where they are in step."""
    return _Comparison(folder, collection, common, both_ways, aside).plan()


class _Comparison:
    """The three views, which renames change as the sides will be changed."""

    def __init__(
        self,
        folder: Mapping[str, Local],
        collection: Mapping[str, Kept],
        common: Mapping[str, CommonFile],
        both_ways: bool,
        aside: AsideName,
    ) -> None:
        self._folder = dict(folder)
        self._collection = dict(collection)
        self._common = dict(common)
        self._both_ways = both_ways
        self._aside = aside
        self._steps: list[Step] = []
        self._clashes: list[Clash] = []

    def plan(self) -> Plan:
        self._leave_local_clashes()
        self._follow_local_renames()
        self._follow_kept_renames()
        self._leave_clashes_of_both()
        for path in sorted({*self._folder, *self._collection, *self._common}):
            self._compare(path)
        ordered = sorted(self._made_way(), key=lambda step: ORDER.index(step.kind))
        return Plan(tuple(ordered), tuple(self._clashes))

    def _made_way(self) -> list[Step]:
        uploads = {path_key(step.path) for step in self._steps if step.kind == "upload"}
        folders = {parent for path in uploads for parent in parents(path)}
        return [
            Step("make_way", step.path)
            if step.kind == "remove_kept"
            and (path_key(step.path) in folders or uploads.intersection(parents(path_key(step.path))))
            else step
            for step in self._steps
        ]

    def _leave_local_clashes(self) -> None:
        """Of files whose names differ only in case, one can be in the collection: the one that is, or was."""
        by_key: dict[str, list[str]] = {}
        for path in sorted(self._folder):
            by_key.setdefault(path_key(path), []).append(path)
        for paths in by_key.values():
            if len(paths) > 1:
                kept = next((p for side in (self._collection, self._common) for p in paths if p in side), paths[0])
                for path in paths:
                    if path != kept:
                        self._leave(path, kept)

    def _follow_local_renames(self) -> None:
        places = {file.file_id: path for path, file in self._collection.items()}
        keys = {path_key(path): path for path in self._collection}
        for old, new in renamed_locally(self._folder, self._common).items():
            place = places.get(self._common[old].file_id)
            if place is None or keys.get(path_key(new), place) != place:
                continue
            if place != new:
                self._steps.append(Step("move_kept", place, new))
                kept = self._collection.pop(place)
                self._collection[new] = msgspec.structs.replace(kept, version=kept.version + 1)
                del keys[path_key(place)]
                keys[path_key(new)] = new
            self._move_common(old, new)

    def _follow_kept_renames(self) -> None:
        if not self._both_ways:
            return
        places = {file.file_id: path for path, file in self._collection.items()}
        keys = {path_key(path): path for path in self._folder}
        for old in sorted(set(self._common) & set(self._folder)):
            new = places.get(self._common[old].file_id, old)
            if new == old or new in self._common or keys.get(path_key(new), old) != old:
                continue
            self._steps.append(Step("move_local", old, new))
            self._folder[new] = self._folder.pop(old)
            del keys[path_key(old)]
            keys[path_key(new)] = new
            self._move_common(old, new)

    def _move_common(self, old: str, new: str) -> None:
        self._steps.append(Step("follow", old, new))
        self._common[new] = msgspec.structs.replace(self._common.pop(old), path=new)

    def _leave_clashes_of_both(self) -> None:
        keys = {path_key(path): path for path in self._collection}
        for path in sorted(self._folder):
            other = keys.get(path_key(path), path)
            if other != path and not self._is_unchanged(path):
                self._leave(path, other)
                self._forget_views(other)

    def _leave(self, path: str, other: str) -> None:
        self._clashes.append(Clash(path, other))
        self._forget_views(path)

    def _forget_views(self, path: str) -> None:
        for view in (self._folder, self._collection, self._common):
            view.pop(path, None)

    def _is_unchanged(self, path: str) -> bool:
        return path in self._common and self._folder[path].digest == self._common[path].digest

    def _compare(self, path: str) -> None:
        local, kept, common = self._folder.get(path), self._collection.get(path), self._common.get(path)
        if local and kept and local.digest == kept.digest:
            if common != in_step(path, local, kept):
                self._steps.append(Step("settle", path))
        elif local and kept and common is None:
            self._keep_both(path)
        elif common is None:
            self._bring_over(path)
        else:
            self._compare_with(path, common, local, kept)

    def _bring_over(self, path: str) -> None:
        """A file that only one side has, and never both had."""
        if path in self._folder:
            self._steps.append(Step("upload", path))
        elif self._both_ways:
            self._steps.append(Step("fetch", path))

    def _compare_with(self, path: str, common: CommonFile, local: Local | None, kept: Kept | None) -> None:
        locally = local is None or local.digest != common.digest
        elsewhere = kept is None or kept.digest != common.digest
        if local is None and kept is None:
            self._steps.append(Step("forget", path))
        elif local and kept and locally and elsewhere:
            self._keep_both(path)
        elif local and locally:
            self._steps.append(Step("upload", path))
        elif kept and elsewhere:
            self._take_from_collection(path, gone=local is None)
        elif local is None:
            self._steps.append(Step("remove_kept", path))
        elif self._both_ways:
            self._steps.append(Step("remove_local", path))

    def _take_from_collection(self, path: str, *, gone: bool) -> None:
        """What only the collection changed; a file that was deleted here meanwhile comes back, or stays there."""
        if self._both_ways:
            self._steps.append(Step("fetch", path))
        elif gone:
            self._steps.append(Step("forget", path))

    def _keep_both(self, path: str) -> None:
        if self._both_ways:
            to = self._free_aside(path, "")
            self._steps += [Step("set_aside", path, to), Step("upload", to), Step("fetch", path)]
            return
        kept = self._collection[path]
        if not any(is_aside_of(path, other) and file.digest == kept.digest for other, file in self._collection.items()):
            self._steps.append(Step("copy_aside", path, self._free_aside(path, kept.author)))
        self._steps.append(Step("upload", path))

    def _free_aside(self, path: str, who: str) -> str:
        taken = {path_key(one) for view in (self._folder, self._collection, self._common) for one in view}
        taken |= {path_key(step.to) for step in self._steps if step.to}
        number = 1
        while path_key(to := self._aside(path, who, number)) in taken:
            number += 1
        return to
