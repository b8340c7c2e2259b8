"""What the KV cache keeps, shares, gives up, parks and brings back; the scripted engine counts its own cells."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield.contracts.engine import EngineLimits, TokenBatch
from jackfield.decoding.kv_cache import KVCache, Place
from jackfield.decoding.saved_prefixes import PrefixLimits, SavedPrefixes
from jackfield.errors import EngineFailure
from jackfield.testing.scripted_engine import ScriptedEngine, endless


class Clock:
    """A time that stands still until it is moved."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Kept:
    """A cache over a scripted engine, and what a loop would do with it."""

    def __init__(self, saved: SavedPrefixes | None = None, **limits: int) -> None:
        chosen = {"context_length": 512, "cells": 1024, "sequences": 4, "batch_tokens": 512} | limits
        self.engine = ScriptedEngine(endless, limits=EngineLimits(**chosen))  # type: ignore[arg-type]
        self.clock = Clock()
        self.saved = saved or SavedPrefixes()
        self.cache = KVCache(self.engine, self.saved, clock=self.clock)

    def begin(self, tokens: list[int]) -> Place:
        """Place a prompt and evaluate what is not cached of it."""
        place = self.cache.place(tokens)
        batch = TokenBatch()
        for position in range(place.cached, len(tokens)):
            batch.add(tokens[position], position=position, sequence=place.slot, logits=False)
        self.engine.evaluate(batch)
        self.cache.grew(place.slot, tokens[place.cached :])
        assert self.engine.used_cells == self.cache.used_cells
        return place

    def run(self, tokens: list[int]) -> Place:
        """Place, evaluate and end."""
        place = self.begin(tokens)
        self.cache.keep(place.slot)
        assert self.engine.used_cells == self.cache.used_cells
        return place


def tokens_of(text: str, count: int) -> list[int]:
    """So many tokens of a text said again and again."""
    return list((text * count).encode()[:count])


def test_the_next_turn_takes_its_conversation_over() -> None:
    kept = Kept()
    first = kept.run(tokens_of("turn", 40))
    second = kept.run(tokens_of("turn", 40) + tokens_of("more", 20))
    assert second == Place(slot=first.slot, cached=40)
    assert kept.cache.idle_sequences == 1


def test_a_prompt_that_is_wholly_cached_leaves_a_token_to_evaluate() -> None:
    kept = Kept()
    kept.run(tokens_of("same", 40))
    assert kept.run(tokens_of("same", 40)).cached == 39


def test_a_branch_shares_what_is_common_and_the_other_stays() -> None:
    kept = Kept()
    kept.run(tokens_of("sys", 50) + tokens_of("a", 20))
    assert kept.run(tokens_of("sys", 50) + tokens_of("b", 20)).cached == 50
    assert kept.cache.used_cells == 90
    assert kept.run(tokens_of("sys", 50) + tokens_of("a", 20) + [1]).cached == 70


def test_running_sequences_share_too() -> None:
    kept = Kept()
    kept.begin(tokens_of("sys", 50) + tokens_of("a", 20))
    assert kept.begin(tokens_of("sys", 50) + tokens_of("b", 20)).cached == 50
    assert kept.cache.obtainable_cells == 1024 - 90


def test_the_least_lately_used_goes_first_and_what_runs_stays() -> None:
    kept = Kept(cells=100, sequences=8)
    running = kept.begin(tokens_of("running", 20))
    for name in "abc":
        kept.run(tokens_of(name, 20))
    kept.cache.match(tokens_of("a", 21))
    kept.run([*tokens_of("a", 20), 1])
    assert kept.cache.make_room(40)
    assert kept.cache.match(tokens_of("a", 21)).length == 20
    assert kept.cache.match(tokens_of("b", 21)).length == 0
    assert not kept.cache.make_room(90)
    assert kept.engine.used_cells == 20
    kept.cache.drop(running.slot)
    assert kept.engine.used_cells == 0


def test_a_parked_prefix_comes_back() -> None:
    kept = Kept(cells=256)
    kept.run(tokens_of("long ago", 200))
    kept.cache.make_room(256)
    assert kept.cache.used_cells == 0
    assert kept.run([*tokens_of("long ago", 200), 1, 2]).cached == 200
    assert kept.cache.restored_tokens == 200


def test_a_prefix_comes_back_though_what_gives_way_takes_its_place_in_memory() -> None:
    kept = Kept(SavedPrefixes(limits=PrefixLimits(memory=600)), cells=400)
    first, second = tokens_of("first", 300), tokens_of("second", 300)
    kept.run(first)
    kept.cache.make_room(400)
    assert kept.saved.memory_bytes > 300, "there is room for one"
    kept.run(second)
    assert kept.run([*first, 1]).cached == 300


def test_parked_prefixes_stay_within_their_memory() -> None:
    kept = Kept(SavedPrefixes(limits=PrefixLimits(memory=600)), cells=256)
    for name in "abcdef":
        kept.run(tokens_of(name, 150))
        kept.cache.make_room(256)
    assert 0 < kept.saved.memory_bytes <= 600
    assert kept.run([*tokens_of("f", 150), 1]).cached == 150
    kept.cache.make_room(256)
    assert kept.run([*tokens_of("a", 150), 1]).cached == 0


def test_idle_ones_are_parked_where_they_slow_the_running() -> None:
    kept = Kept(sequences=8, cells=4096)
    kept.begin(tokens_of("running", 50))
    for name in "abcd":
        kept.run(tokens_of(name, 300))
    kept.cache.thin_out()
    assert kept.cache.idle_sequences == 4
    kept.clock.now = 10
    for _ in range(5):
        kept.cache.thin_out()
    assert kept.cache.used_cells <= 50 + 600
    assert kept.run([*tokens_of("a", 300), 1]).cached == 300


def crowd(kept: Kept) -> Place:
    """A running sequence beside many cells that idle ones took, and time that passes until these were parked."""
    running = kept.begin(tokens_of("running", 50))
    for name in "abcd":
        kept.run(tokens_of(name, 400))
    kept.clock.now = 10
    for _ in range(3):
        kept.cache.thin_out()
    return running


def test_what_runs_moves_down_once_the_others_are_parked() -> None:
    kept = Kept(sequences=8, cells=4096)
    running = crowd(kept)
    assert kept.cache.thin_out() == set()
    assert kept.engine.used_cells == kept.cache.used_cells
    kept.cache.keep(running.slot)
    assert kept.run([*tokens_of("running", 50), 1]).cached == 50


def test_what_is_lost_on_the_way_is_told() -> None:
    kept = Kept(sequences=8, cells=4096)
    running = crowd(kept)
    kept.engine.restore = refusing  # type: ignore[method-assign]
    assert kept.cache.thin_out() == {running.slot}
    del kept.engine.restore
    assert kept.engine.used_cells == kept.cache.used_cells


def test_what_cannot_be_saved_stays_where_it_is() -> None:
    kept = Kept(sequences=8, cells=4096)
    running = crowd(kept)
    kept.engine.save = unsaved  # type: ignore[method-assign]
    assert kept.cache.thin_out() == set()
    del kept.engine.save
    assert kept.engine.used_cells == kept.cache.used_cells
    kept.cache.keep(running.slot)
    assert kept.run([*tokens_of("running", 50), 1]).cached == 50


def unsaved(sequence: int) -> bytes:
    """As an engine that cannot copy a sequence."""
    raise EngineFailure("no memory")


def refusing(sequence: int, state: bytes) -> None:
    """As an engine whose memory is full."""
    raise EngineFailure("no room")


def test_a_sequence_that_cannot_be_emptied_is_never_used_again() -> None:
    kept = Kept(sequences=2, cells=200)
    place = kept.begin(tokens_of("broken", 30))
    kept.engine.truncate = lambda sequence, length: False  # type: ignore[method-assign]
    kept.cache.drop(place.slot)
    del kept.engine.truncate
    for name in "abcd":
        assert kept.run(tokens_of(name, 30)).slot != place.slot
    assert kept.cache.obtainable_cells == 170


def test_without_a_slot_the_source_itself_is_cut() -> None:
    kept = Kept(sequences=1)
    kept.run(tokens_of("sys", 50) + tokens_of("a", 20))
    assert kept.run(tokens_of("sys", 50) + tokens_of("b", 20)) == Place(slot=0, cached=50)


def test_what_slid_is_no_prefix_any_more() -> None:
    kept = Kept()
    place = kept.begin(tokens_of("x", 100))
    kept.engine.slide(place.slot, 4, 40)
    kept.cache.slid(place.slot, 40)
    assert kept.cache.used_cells == kept.engine.used_cells == 60
    assert kept.cache.match(tokens_of("x", 50)).length == 0
    kept.cache.keep(place.slot)
    assert kept.engine.used_cells == 0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where prefixes are saved."""
    return tmp_path / "prefixes"


def test_a_shared_prefix_outlives_the_process(folder: Path) -> None:
    system = tokens_of("system prompt ", 300)
    before = Kept(SavedPrefixes(folder))
    before.run(system + tokens_of("a", 20))
    before.run(system + tokens_of("b", 20))
    before.saved.close()
    after = Kept(SavedPrefixes(folder))
    assert after.run(system + tokens_of("c", 20)).cached == 300
    assert len(list(folder.iterdir())) == 1


def test_a_prompt_that_is_asked_again_is_no_prefix_that_others_share(folder: Path) -> None:
    kept = Kept(SavedPrefixes(folder))
    question = tokens_of("the same question ", 300)
    first, second = kept.begin(question), kept.begin(question)
    assert (first.cached, second.cached) == (0, 299)
    kept.saved.close()
    assert not list(folder.iterdir())


def test_what_a_killed_process_left_half_written_is_removed(folder: Path) -> None:
    folder.mkdir()
    left, being_written = folder / "1234.partial", folder / "5678.partial"
    for path in (left, being_written):
        path.write_bytes(b"half")
    os.utime(left, (0, 0))
    SavedPrefixes(folder).close()
    assert list(folder.iterdir()) == [being_written]


def test_what_was_used_last_outlives_the_process_though_nobody_shared_it(folder: Path) -> None:
    before = Kept(SavedPrefixes(folder, PrefixLimits(memory=1 << 20, disk=24_000)))
    parked, kept, short = tokens_of("parked ", 300), tokens_of("kept ", 300), tokens_of("short ", 100)
    before.run(parked)
    before.cache.make_room(before.engine.limits.cells)
    before.run(kept)
    before.run(short)
    before.cache.save_kept()
    before.saved.close()
    after = Kept(SavedPrefixes(folder))
    assert after.run([*kept[:280], 1]).cached == 280
    assert after.run([*parked, 1]).cached == 300
    assert after.run([*short, 1]).cached == 0
    assert {path.stat().st_mode & 0o777 for path in (folder, *folder.iterdir())} == {0o700, 0o600}


def test_a_damaged_file_is_removed_and_costs_nothing_else(folder: Path) -> None:
    system = tokens_of("system prompt ", 300)
    before = Kept(SavedPrefixes(folder))
    before.run([*system, 1])
    before.run([*system, 2])
    before.saved.close()
    (path,) = folder.iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[:1400])
    after = Kept(SavedPrefixes(folder))
    assert after.run([*system, 3]).cached == 0
    after.saved.close()
    path.write_bytes(b"rubbish")
    again = Kept(SavedPrefixes(folder))
    assert again.run([*system, 3]).cached == 0
    again.saved.close()
    assert not list(folder.iterdir())


def test_a_prefix_that_was_parked_too_is_written_once(folder: Path) -> None:
    """Every request that branches off would write it again otherwise, and the file count as often."""
    kept = Kept(SavedPrefixes(folder))
    system = tokens_of("system prompt", 300)
    kept.run(system)
    kept.cache.make_room(kept.engine.limits.cells)
    for place in range(4):
        kept.run([*system, *tokens_of(chr(ord("a") + place), 20)])
    kept.saved.close()
    assert kept.saved.disk_bytes == sum(file.stat().st_size for file in folder.iterdir()) > 0


def test_files_stay_within_their_room(folder: Path) -> None:
    kept = Kept(SavedPrefixes(folder, PrefixLimits(disk=4000)), cells=4096)
    for name in "abcd":
        system = tokens_of(name, 300)
        kept.run([*system, 1])
        kept.run([*system, 2])
    kept.saved.close()
    assert 0 < sum(path.stat().st_size for path in folder.iterdir()) <= 4000


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 60), st.booleans()), max_size=30), st.integers(80, 200))
@settings(max_examples=80, deadline=None)
def test_cells_are_never_leaked(asked: list[tuple[int, int, bool]], cells: int) -> None:
    """Whatever comes, the cache counts as the engine does, and all of it can be had again."""
    kept = Kept(SavedPrefixes(limits=PrefixLimits(memory=2000)), cells=cells, sequences=5)
    running: list[int] = []
    for name, length, ends in asked:
        tokens = [*tokens_of("abcd"[name], length), name, length]
        if kept.cache.has_place() and kept.cache.make_room(len(tokens)):
            place = kept.begin(tokens)
            if ends:
                kept.cache.keep(place.slot)
            else:
                running.append(place.slot)
        elif running:
            kept.cache.keep(running.pop(0))
        assert kept.engine.used_cells == kept.cache.used_cells
    for slot in running:
        kept.cache.drop(slot)
    assert kept.cache.make_room(cells)
    assert kept.engine.used_cells == 0


def test_an_engine_without_a_free_sequence_says_so() -> None:
    kept = Kept(sequences=1)
    kept.begin(tokens_of("a", 20))
    assert not kept.cache.has_place()
    with pytest.raises(EngineFailure, match="No sequence"):
        kept.cache.place(tokens_of("b", 20))
