"""One stream and sixteen at once through a workbench with the starter model: time to first token, tokens a second.

usage: python tests/bench/streams.py [MODEL.gguf]     default: $JACKFIELD_TEST_MODEL
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from jackfield.contracts.runs import RunRequest
from jackfield.events import Finished, TextDelta
from jackfield.messages import Message
from jackfield.plugin_host import loaded_host
from jackfield.settings import load_settings
from jackfield.wiring import open_workbench
from jackfield.workbench import Workbench

TOKENS = 64
ROUNDS = 5


class Stream(msgspec.Struct, frozen=True):
    """Seconds to the first text and to the end, and tokens written."""

    first: float
    whole: float
    tokens: int


async def stream(workbench: Workbench, seed: int) -> Stream:
    """One answer of at most 64 tokens to a short question."""
    began = time.perf_counter()
    first = 0.0
    question = Message.of("user", f"Tell me something about the number {seed}.")
    request = RunRequest(model="", messages=(question,), max_tokens=TOKENS, sampling={"seed": seed})
    run = await workbench.start(request)
    async for event in workbench.watch(run.id):
        if isinstance(event.body, TextDelta) and not first:
            first = time.perf_counter() - began
        if isinstance(event.body, Finished):
            return Stream(first, time.perf_counter() - began, event.body.usage.completion_tokens)
    raise RuntimeError("a stream did not finish")


async def measured(workbench: Workbench, count: int) -> tuple[float, float, float]:
    """Median over the rounds: tokens a second in all, median and worst time to first text."""
    rates, medians, worsts = [], [], []
    for turn in range(ROUNDS):
        began = time.perf_counter()
        streams = await asyncio.gather(*(stream(workbench, turn * 100 + place) for place in range(count)))
        rates.append(sum(each.tokens for each in streams) / (time.perf_counter() - began))
        firsts = [each.first for each in streams]
        medians.append(statistics.median(firsts))
        worsts.append(max(firsts))
    return statistics.median(rates), statistics.median(medians), statistics.median(worsts)


async def bench(path: Path) -> None:
    """Print a line for each number of streams, and how little of a step is not the engine's."""
    with tempfile.TemporaryDirectory() as home:
        async with open_workbench(load_settings(home=Path(home)), loaded_host()) as workbench:
            model = await workbench.models.pull(str(path), name="bench", link=True)
            loop = await workbench.residency.decoder(model)
            await stream(workbench, 1)
            for count in (1, 16):
                rate, median, worst = await measured(workbench, count)
                print(f"{count:2} streams: {rate:6.1f} tokens/s, first text after {median:.2f} s (worst {worst:.2f} s)")
            steps = loop.statistics
            share = 1 - steps.evaluating / steps.stepping
            print(f"outside the engine: {share:.1%} of a step ({steps.steps} steps, {steps.preemptions} preemptions)")


def main() -> None:
    """Bench the file that is named."""
    named = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("JACKFIELD_TEST_MODEL")
    if not named:
        sys.exit("Name a model file, or set JACKFIELD_TEST_MODEL.")
    asyncio.run(bench(Path(named)))


if __name__ == "__main__":
    main()
