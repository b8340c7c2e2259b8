"""What lookahead gains in a bare loop, beside what the machine's batches allow, and where plain greedy parts from it.

usage: python tests/bench/lookahead_bound.py [MODEL.gguf ...] [--draft-model SMALL.gguf] [--task NAME ...]
           [--rounds N] [--tokens N]                           default: $JACKFIELD_TEST_MODEL, all tasks
"""

from __future__ import annotations

import argparse
import logging
import os
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random

import msgspec
import structlog

from jackfield.contracts.engine import EngineSettings, TokenBatch, TokenEngine
from jackfield.decoding.bench.texts import source_code
from jackfield.decoding.lookahead.draft_model import DraftModel
from jackfield.decoding.lookahead.drafter import Drafter
from jackfield.decoding.lookahead.lookup_drafter import PromptLookupDrafter
from jackfield.decoding.lookahead.near_tie import WITHIN, margin
from jackfield.decoding.lookahead.planner import Lookahead
from jackfield.messages import Message
from jackfield.testing.bare_loop import BareLoop, LookaheadGuessing, NoGuessing
from jackfield.testing.file_model import file_model
from jackfield_engines.llama_cpp.factory import LlamaCppFactory

SIZES = (*range(1, 10), 12, 16, 24, 32)
DEPTH = 512
COPIES = ("copy", "rename", "reword")


class Measured(msgspec.Struct):
    """One task: rows and seconds of all steps plain and with lookahead, how often each round gained, the answers."""

    plain: list[tuple[int, float]]
    ahead: list[tuple[int, float]]
    gains: list[float]
    alone: list[int]
    drafted: list[int]

    @property
    def sizes(self) -> Counter[int]:
        """Steps with lookahead by their rows."""
        return Counter(rows for rows, _ in self.ahead)

    def steady_gain(self) -> float:
        """The gain if every step took its size's median time: what others do on this machine plays no part in it."""
        taken: dict[int, list[float]] = {}
        for rows, seconds in self.ahead:
            taken.setdefault(rows, []).append(seconds)
        ahead = sum(len(seconds) * statistics.median(seconds) for seconds in taken.values())
        alone = statistics.median(seconds for _, seconds in self.plain)
        return len(self.gains) * len(self.drafted) * alone / ahead


def questions() -> dict[str, str]:
    """Copies of a text with a change, the first of them to be gone on with as it is, and answers of a model's own."""
    file = "".join(next(source_code(Random(seed))) for seed in range(5))
    code = f"\n\n```python\n{file}```"
    prose = (
        "The harbour at Lindow was built in 1843 by a company that had never built one. Its eastern wall leans by "
        "eleven degrees, which nobody noticed until the second winter, when the ferry from Lindow could not land. "
        "Since then every spring the wall is measured with a brass plumb that hangs in the town hall of Lindow. "
        "The plumb has its own key, its own guardian and, since 1901, its own feast, at which soup is served. "
    )
    return {
        "copy": f"Here is a Python file:{code}\n\nHere is the file again, with the first function renamed and nothing "
        "else changed:\n\n```python\n",
        "rename": f"Rename the variable `kept` to `chosen` everywhere in this file and return the whole file.{code}",
        "reword": f"Repeat this text exactly, but write Marlow instead of Lindow.\n\n{prose * 2}",
        "story": "Write a long story about a lighthouse keeper who finds a strange radio.",
        "explain": "Explain how photosynthesis works, step by step, in detail.",
        "write": "Write a Python class for a cache that drops what was used least recently, and explain it.",
    }


@contextmanager
def opened(path: Path) -> Iterator[TokenEngine]:
    """The model of a file, as the server would open it."""
    factory = LlamaCppFactory()
    model = file_model(factory, path)
    engine = factory.open(model, EngineSettings(context_length=2048, cells=4096, sequences=4))
    try:
        yield engine
    finally:
        engine.close()


def pass_seconds(engine: TokenEngine, rounds: int = 7) -> dict[int, float]:
    """Median time of a pass by its rows, all with logits, after a context of some length."""
    for start in range(0, DEPTH, 128):
        batch = TokenBatch()
        for position in range(start, start + 128):
            batch.add(100 + position, position=position, sequence=0, logits=False)
        engine.evaluate(batch)
    seconds: dict[int, list[float]] = {rows: [] for rows in SIZES}
    for _ in range(rounds):
        for rows, taken in seconds.items():
            batch = TokenBatch()
            for offset in range(rows):
                batch.add(100 + offset, position=DEPTH + offset, sequence=0, logits=True)
            began = time.perf_counter()
            engine.evaluate(batch)
            taken.append(time.perf_counter() - began)
            engine.truncate(0, DEPTH)
    engine.truncate(0, 0)
    return {rows: statistics.median(taken) for rows, taken in seconds.items()}


def prompt_of(engine: TokenEngine, name: str, question: str) -> list[int]:
    """A chat with one question, tokenized; the copy as plain text, which the smallest models go on with better."""
    begin = engine.model.begin_token
    text = question
    if name != "copy":
        text = engine.render_chat([Message.of("user", question)], (), reply_starts=True)
    return [*([] if begin is None else [begin]), *engine.tokenize(text, special=True)]


def measured(engine: TokenEngine, prompt: list[int], lookahead: Lookahead, *, rounds: int, tokens: int) -> Measured:
    """Plain and with lookahead in turns."""
    result = Measured([], [], [], [], [])
    for _ in range(rounds):
        plain, ahead = BareLoop(engine, most=tokens), BareLoop(engine, most=tokens)
        result.alone = plain.answers([prompt])[0]
        result.drafted = ahead.answers([prompt], LookaheadGuessing(lookahead))[0]
        seconds = [sum(seconds for _, seconds in loop.timed) for loop in (plain, ahead)]
        result.gains.append(seconds[0] / len(result.alone) / (seconds[1] / len(result.drafted)))
        result.plain += plain.timed
        result.ahead += ahead.timed
    return result


def lead_where_parted(engine: TokenEngine, prompt: list[int], result: Measured) -> float | None:
    """By how much the best logit led, evaluated as in the plain run, where two answers part; None if they are equal."""
    pairs = zip(result.alone, result.drafted, strict=False)
    parted = next((place for place, (alone, drafted) in enumerate(pairs) if alone != drafted), None)
    if parted is None:
        return None
    leads: list[float] = []
    answer = BareLoop(engine, most=parted + 1).answers([prompt], Watching(engine, leads))[0]
    if answer != result.alone[: parted + 1]:
        raise AssertionError("plain decoding gave another answer the second time")
    return leads[-1]


class Watching(NoGuessing):
    """Notes by how much the best logit led in every step."""

    def __init__(self, engine: TokenEngine, leads: list[float]) -> None:
        self._engine = engine
        self._leads = leads

    def stepped(self, rows: int, seconds: float, verified: Sequence[tuple[int, int]]) -> None:
        """Logits last until the next evaluation."""
        self._leads.append(margin(self._engine.logits(0)))


def equality(engine: TokenEngine, prompt: list[int], result: Measured) -> str:
    """Whether lookahead wrote what plain decoding did, in words."""
    lead = lead_where_parted(engine, prompt, result)
    if lead is None:
        return "output equal"
    return f"output parts at a {'near-tie' if lead < WITHIN else 'LEAD'} of {lead:.3f} logits"


def report(name: str, result: Measured, curve: dict[int, float], equal: str) -> None:
    """One line for a task."""
    common = ", ".join(f"{count}x{rows}" for rows, count in sorted(result.sizes.items()))
    alone = statistics.median(seconds for _, seconds in result.plain)
    line = (
        f"  {name:8} {statistics.median(result.gains):.2f}x as timed, {result.steady_gain():.2f}x by median steps; "
        f"{len(result.alone)} tokens, {1 / alone:.1f}/s plain; steps {common}"
    )
    if name in COPIES:
        # The size by which most tokens came: a handful of longer steps is no reason to measure by them.
        size = max(result.sizes, key=lambda rows: rows * result.sizes[rows])
        nearest = min(curve, key=lambda rows: abs(rows - size))
        line += f"; bound {nearest * curve[1] / curve[nearest]:.2f} ({nearest} rows)"
    print(f"{line}; {equal}", flush=True)


def bench(path: Path, draft_model: Path | None, options: argparse.Namespace) -> None:
    """Print what passes cost, and a line for each task."""
    with opened(path) as engine:
        curve = pass_seconds(engine)
        print(f"{path.stem}: a token alone {curve[1] * 1000:.1f} ms; by rows, times as many tokens a second:")
        print("  " + "  ".join(f"{rows}: {rows * curve[1] / taken:.2f}" for rows, taken in curve.items()), flush=True)
        drafters: list[Drafter] = [PromptLookupDrafter()]
        if draft_model:
            with opened(draft_model) as small:
                tasks(engine, Lookahead([*drafters, DraftModel(small, engine)]), curve, options)
        else:
            tasks(engine, Lookahead(drafters), curve, options)


def tasks(engine: TokenEngine, lookahead: Lookahead, curve: dict[int, float], options: argparse.Namespace) -> None:
    """Every task that was asked for."""
    for name, question in questions().items():
        if name in (options.task or questions()):
            prompt = prompt_of(engine, name, question)
            result = measured(engine, prompt, lookahead, rounds=options.rounds, tokens=options.tokens)
            report(name, result, curve, equality(engine, prompt, result))
    drafted, accepted = lookahead.statistics.drafted_tokens, lookahead.statistics.accepted_tokens
    print(f"  {accepted} of {drafted} drafted tokens were accepted")


def main() -> None:
    """Bench the files that are named."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    default = os.environ.get("JACKFIELD_TEST_MODEL")
    parser.add_argument("models", nargs="*", type=Path, default=[Path(default)] if default else [])
    parser.add_argument("--draft-model", type=Path)
    parser.add_argument("--task", action="append", choices=list(questions()))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=256)
    options = parser.parse_args()
    if not options.models:
        sys.exit("Name a model file, or set JACKFIELD_TEST_MODEL.")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    for path in options.models:
        bench(path, options.draft_model, options)


if __name__ == "__main__":
    main()
