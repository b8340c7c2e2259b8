"""Whatever happened on either side: carrying out the plan loses nothing, and leaves nothing to do."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield.contracts.files import CommonFile
from jackfield.files.paths import path_key
from jackfield.files.watching.asides import aside_path
from jackfield.files.watching.plan import Plan, Step, plan
from jackfield.files.watching.sides import Kept, Local, in_step

PATHS = ("a", "A", "b", "c", "d", "e/f", "E/g")
NOON = datetime(2026, 11, 21, 14, 2, tzinfo=UTC)

OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["folder", "collection"]),
        st.sampled_from(["write", "delete", "rename"]),
        st.sampled_from(PATHS),
        st.sampled_from(PATHS),
        st.sampled_from("123"),
    ),
    max_size=12,
)


class World:
    """A folder and a collection without disks: contents are letters, and the collection forgets none."""

    def __init__(self, *, both_ways: bool) -> None:
        self.both_ways = both_ways
        self.folder: dict[str, Local] = {}
        self.collection: dict[str, Kept] = {}
        self.common: dict[str, CommonFile] = {}
        self.ever_kept: set[str] = set()
        self._numbers = 0

    @property
    def contents(self) -> set[str]:
        """Everything that can still be read somewhere."""
        return self.ever_kept | {file.digest for file in self.folder.values()}

    def happen(self, side: str, what: str, path: str, other: str, digest: str) -> None:
        if side == "folder":
            self._happen_here(what, path, other, digest)
        else:
            self._happen_there(what, path, other, digest)

    def _happen_here(self, what: str, path: str, other: str, digest: str) -> None:
        if what == "write":
            inode = self.folder[path].inode if path in self.folder else self._new()
            self.folder[path] = Local(size=1, modified_ns=0, inode=inode, digest=digest)
        elif what == "delete":
            self.folder.pop(path, None)
        elif path in self.folder:
            self.folder[other] = self.folder.pop(path)

    def _happen_there(self, what: str, path: str, other: str, digest: str) -> None:
        if what == "write" and self._is_free(path):
            self.write(path, digest)
        elif what == "delete":
            self.collection.pop(path, None)
        elif what == "rename" and path in self.collection and self._is_free(other, besides=path):
            self.collection[other] = self.collection.pop(path) if other != path else self.collection[path]

    def write(self, path: str, digest: str) -> None:
        assert self._is_free(path), f"the collection would refuse {path}"
        old = self.collection.get(path)
        file_id, version = (old.file_id, old.version + 1) if old else (self._new(), 1)
        self.collection[path] = Kept(file_id=file_id, version=version, digest=digest, size=1, author="anna")
        self.ever_kept.add(digest)

    def _is_free(self, path: str, besides: str = "") -> bool:
        return all(one in (path, besides) or path_key(one) != path_key(path) for one in self.collection) and (
            path not in self.collection or path != besides or not besides
        )

    def _new(self) -> str:
        self._numbers += 1
        return str(self._numbers)

    def planned(self) -> Plan:
        return plan(self.folder, self.collection, self.common, both_ways=self.both_ways, aside=_aside)

    def carry_out(self, step: Step) -> None:
        if step.kind in ("remove_local", "remove_kept", "make_way", "forget"):
            side = {"remove_local": self.folder, "forget": self.common}.get(step.kind, self.collection)
            del side[step.path]
            self.common.pop(step.path, None)
        elif step.to:
            self._carry_over(step.kind, step.path, step.to)
        else:
            self._bring_in_step(step.kind, step.path)

    def _carry_over(self, kind: str, path: str, to: str) -> None:
        if kind == "move_kept":
            assert self._is_free(to, besides=path)
            kept = self.collection.pop(path)
            self.collection[to] = msgspec.structs.replace(kept, version=kept.version + 1)
        elif kind == "follow":
            self.common[to] = msgspec.structs.replace(self.common.pop(path), path=to)
        elif kind == "copy_aside":
            assert to not in self.collection
            self.write(to, self.collection[path].digest)
        else:
            assert kind in ("move_local", "set_aside")
            assert to not in self.folder
            self.folder[to] = self.folder.pop(path)

    def _bring_in_step(self, kind: str, path: str) -> None:
        if kind == "upload":
            self.write(path, self.folder[path].digest)
        elif kind == "fetch":
            inode = self.folder[path].inode if path in self.folder else self._new()
            self.folder[path] = Local(size=1, modified_ns=0, inode=inode, digest=self.collection[path].digest)
        self._settle(path)

    def _settle(self, path: str) -> None:
        assert self.folder[path].digest == self.collection[path].digest
        self.common[path] = in_step(path, self.folder[path], self.collection[path])


def _aside(path: str, who: str, number: int) -> str:
    return aside_path(path, who or "here", NOON, number)


def _world(both_ways: bool, before: list[tuple[str, ...]], after: list[tuple[str, ...]]) -> World:
    """In step once, where names allowed it, and then changed on both sides."""
    world = World(both_ways=both_ways)
    for operation in before:
        world.happen(*operation)
    for step in world.planned().steps:
        world.carry_out(step)
    for operation in after:
        world.happen(*operation)
    return world


@settings(max_examples=300, deadline=None)
@given(both_ways=st.booleans(), before=OPERATIONS, after=OPERATIONS)
def test_nothing_is_lost_and_nothing_is_left_to_do(
    both_ways: bool, before: list[tuple[str, ...]], after: list[tuple[str, ...]]
) -> None:
    world = _world(both_ways, before, after)
    contents, planned = world.contents, world.planned()
    rounds, clashed = 1, False
    while planned.steps:
        assert rounds == 1 or clashed, "one round is enough, unless a name became free that clashed"
        clashed = bool(planned.clashes)
        for step in planned.steps:
            world.carry_out(step)
        planned, rounds = world.planned(), rounds + 1
    assert rounds < 5
    assert world.contents >= contents
    apart = {path for clash in planned.clashes for path in (clash.path, clash.other)}
    if both_ways:
        assert _digests(world.folder, apart) == _digests(world.collection, apart)
    else:
        for path in set(world.folder) - apart:
            _check_one_way(world, path)


def _digests(side: dict[str, Local] | dict[str, Kept], apart: set[str]) -> dict[str, str]:
    return {path: file.digest for path, file in side.items() if path not in apart}


def _check_one_way(world: World, path: str) -> None:
    """A file of the folder is in the collection as it is here, unless it alone changed, there."""
    local, kept, common = world.folder[path], world.collection.get(path), world.common.get(path)
    assert (kept is not None and kept.digest == local.digest) or (common is not None and common.digest == local.digest)


@settings(max_examples=300, deadline=None)
@given(both_ways=st.booleans(), before=OPERATIONS, after=OPERATIONS, kill=st.integers(0, 8))
def test_a_plan_that_was_cut_short_is_made_up_for(
    both_ways: bool, before: list[tuple[str, ...]], after: list[tuple[str, ...]], kill: int
) -> None:
    world = _world(both_ways, before, after)
    contents = world.contents
    remembered = dict(world.common)
    for step in world.planned().steps[:kill]:
        world.carry_out(step)
    world.common = remembered  # what was done since is not on record
    for _ in range(4):
        for step in world.planned().steps:
            world.carry_out(step)
    assert world.contents >= contents
    assert world.planned().steps == ()
