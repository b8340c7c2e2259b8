"""Which worker a run goes to."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from jackfield.contracts.runs import RunRequest
from jackfield.contracts.workers import LiveWorker, ModelLoad
from jackfield.jobs.fingerprints import STEP, PrefixBook, fingerprints, shared_steps, unpacked
from jackfield.jobs.locality import CHARACTERS_PER_TOKEN, Candidate, ClientDeficits, Task, chosen

NOW = datetime(2026, 1, 1, tzinfo=UTC)
QUANTUM = 1000


def candidate(
    name: str,
    *,
    serves: tuple[str, ...] = (),
    holds: tuple[str, ...] = ("m",),
    running: int = 0,
    free: int = 0,
    prefixes: tuple[bytes, ...] = (),
    draining: bool = False,
) -> Candidate:
    worker = LiveWorker(
        id=name,
        seen_at=NOW,
        serves=serves,
        holds=holds,
        loads={"m": ModelLoad(running=running)} if running else {},
        concurrency=4,
        free_memory=free,
        draining=draining,
    )
    return Candidate(worker=worker, prefixes=frozenset(prefixes))


def asking(text: str) -> RunRequest:
    return RunRequest(model="m", prompt=text)


def task(text: str = "", client: str = "c") -> Task:
    return Task(model="m", client=client, length=len(text), prefixes=fingerprints(asking(text)))


def worker_for(wanted: Task, *candidates: Candidate) -> str | None:
    choice, _ = chosen(wanted, candidates, {}, quantum=QUANTUM)
    return choice and choice.worker


def test_the_longest_shared_prefix_wins_over_a_lesser_load() -> None:
    text = "once upon a time " * 100
    knows_half = candidate("half", prefixes=fingerprints(asking(text[: len(text) // 2])))
    knows_all = candidate("all", running=3, prefixes=fingerprints(asking(text)))
    assert worker_for(task(text), candidate("none"), knows_half, knows_all) == "all"


def test_the_least_load_wins_among_equals() -> None:
    assert worker_for(task(), candidate("a", running=2), candidate("b", running=1), candidate("c", running=3)) == "b"


def test_a_model_that_nobody_holds_is_loaded_where_most_memory_is_free() -> None:
    poor, rich = candidate("a", holds=(), free=1), candidate("b", holds=(), free=9)
    assert worker_for(task(), poor, rich, candidate("c", holds=(), free=99, serves=("other",))) == "b"


def test_a_worker_that_is_full_or_leaves_is_passed_over() -> None:
    full, leaving = candidate("a", running=4), candidate("b", draining=True)
    assert worker_for(task(), full, leaving, candidate("c", holds=(), free=1)) == "c"
    assert worker_for(task(), full, leaving) == "a"
    assert worker_for(task(), leaving) is None


def test_a_client_that_has_used_up_its_share_at_the_best_worker_goes_elsewhere() -> None:
    text = "x" * (CHARACTERS_PER_TOKEN * QUANTUM)
    known = candidate("known", prefixes=fingerprints(asking(text[: 4 * STEP])))
    first, deficits = chosen(task(text), [known, candidate("new")], {}, quantum=QUANTUM // 2)
    second, _ = chosen(task(text), [known, candidate("new")], deficits, quantum=QUANTUM // 2)
    assert (first and first.worker, second and second.worker) == ("known", "new")


def test_what_clients_cost_is_counted_for_each() -> None:
    deficits = ClientDeficits(limit=2)
    pair = [candidate("a"), candidate("b")]
    deficits.charge("greedy", "a", 10**6)
    assert getattr(deficits.choice(task(client="greedy"), pair), "worker", None) == "b"
    assert getattr(deficits.choice(task(client="other"), pair), "worker", None) == "a"


lengths = st.lists(st.integers(0, CHARACTERS_PER_TOKEN * 3 * QUANTUM), max_size=60)


@given(lengths=lengths, count=st.integers(1, 5))
def test_no_worker_bears_much_more_of_a_client_than_another(lengths: list[int], count: int) -> None:
    """The bound of D²LPM: shares differ by no more than a quantum and the dearest prompt, whatever is known where."""
    known = fingerprints(asking("a" * 10 * STEP))
    workers = [candidate(f"w{number}", prefixes=known if number == 0 else ()) for number in range(count)]
    deficits: dict[str, float] = {}
    spent = {worker.worker.id: 0 for worker in workers}
    dearest = 1
    for length in lengths:
        choice, deficits = chosen(task("a" * length), workers, deficits, quantum=QUANTUM)
        assert choice is not None
        spent[choice.worker] += choice.cost
        dearest = max(dearest, choice.cost)
        assert max(deficits.values()) <= QUANTUM
        assert min(deficits.values()) > -dearest
    assert max(spent.values()) - min(spent.values()) < QUANTUM + dearest


@given(before=st.text(max_size=1000), one=st.text(max_size=600), other=st.text(max_size=600))
def test_conversations_share_just_the_steps_that_are_the_same(before: str, one: str, other: str) -> None:
    first, second = fingerprints(asking(before + one)), fingerprints(asking(before + other))
    same = 0
    for a, b in zip(before + one, before + other, strict=False):
        if a != b:
            break
        same += 1
    assert shared_steps(first, frozenset(second)) == min(same // STEP, len(first), len(second))


def test_another_model_or_adapter_shares_nothing() -> None:
    text = "a" * 1000
    known = frozenset(fingerprints(asking(text)))
    assert shared_steps(fingerprints(RunRequest(model="n", prompt=text)), known) == 0
    assert shared_steps(fingerprints(RunRequest(model="m", prompt=text, adapter="x")), known) == 0


@given(st.lists(st.text(min_size=STEP, max_size=3 * STEP), max_size=10), st.integers(1, 8))
def test_a_book_forgets_the_least_lately_used(texts: list[str], limit: int) -> None:
    book = PrefixBook(limit)
    lately: list[bytes] = []
    for text in texts:
        chain = fingerprints(asking(text))
        book.remember(chain)
        lately = [mark for mark in lately if mark not in chain] + list(chain)
    assert unpacked(book.packed()) == frozenset(lately[-limit:])
