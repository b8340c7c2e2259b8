"""Conveyor: a tool that works on the lines of a program while the model still writes the rest."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

import msgspec

from jackfield.messages import Call, Message
from jackfield.workbench import Workbench
from jackfield_plugins.function_calls.bench.bounds import bound
from jackfield_plugins.function_calls.bench.equipment import BenchEquipment
from jackfield_plugins.function_calls.bench.latency import warm_up
from jackfield_plugins.function_calls.bench.timed_tools import LineWork
from jackfield_plugins.function_calls.bench.timeline import Timeline, timeline

TASK = (Message.of("user", "Write a program that totals the orders of a shop by month, and run it."),)
PROGRAM = """\
import csv
from collections import defaultdict
totals = defaultdict(float)
orders = defaultdict(int)
with open("orders.csv", newline="") as file:
    for row in csv.DictReader(file):
        month = row["date"][:7]
        totals[month] += float(row["price"])
        orders[month] += 1
best = max(totals, key=totals.get)
worst = min(totals, key=totals.get)
mean = sum(totals.values()) / len(totals)
print("best month:", best, round(totals[best], 2))
print("worst month:", worst, round(totals[worst], 2))
print("mean:", round(mean, 2))
for month in sorted(totals):
    print(month, orders[month], round(totals[month], 2))
"""


class Streaming(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds to the result with the whole program and with streamed lines, medians; `saved` is over pairs of runs.

    `tool` is the tool's whole work, `decode` the time to write the call.
    """

    protocol: str
    pairs: int
    lines: int
    decode: float
    tool: float
    whole: float
    streamed: float
    saved: float
    bound_whole: float


async def streaming(
    workbench: Workbench, model: str, equipment: BenchEquipment, protocol: str, rounds: int, say: Callable[[str], None]
) -> Streaming:
    """Run the program in turns; its work takes as long as writing it, which is timed first."""
    lines = len(PROGRAM.splitlines())

    async def run(tool: LineWork, a_line: float) -> Timeline:
        name = tool.description.name
        tool.seconds_a_line = a_line
        call = Call(identifier="call_gold_1", tool=name, arguments={"code": PROGRAM})
        request = equipment.request(protocol, TASK, (name,), (call,), "async")
        request = msgspec.structs.replace(request, model=model)
        await warm_up(workbench, request)
        return await timeline(workbench, request, "async")

    first = await run(equipment.whole, 0.0)
    a_line = first.decode[0] / lines
    pairs: list[tuple[Timeline, Timeline]] = []
    for number in range(1, rounds + 1):
        tools = (equipment.whole, equipment.streamed)
        order = tools if number % 2 else tools[::-1]
        seen = {tool.description.name: await run(tool, a_line) for tool in order}
        pairs.append((seen[equipment.whole.description.name], seen[equipment.streamed.description.name]))
        whole, streamed = pairs[-1]
        say(f"program, round {number} of {rounds}: whole {whole.results:.2f} s, streamed {streamed.results:.2f} s")
    return _streaming(protocol, lines, a_line, pairs)


def _streaming(protocol: str, lines: int, a_line: float, pairs: Sequence[tuple[Timeline, Timeline]]) -> Streaming:
    return Streaming(
        protocol=protocol,
        pairs=len(pairs),
        lines=lines,
        decode=statistics.median(whole.decode[0] for whole, _ in pairs),
        tool=lines * a_line,
        whole=statistics.median(whole.results for whole, _ in pairs),
        streamed=statistics.median(streamed.results for _, streamed in pairs),
        saved=statistics.median(1 - streamed.results / whole.results for whole, streamed in pairs),
        bound_whole=statistics.median(bound("async", whole.decode, whole.execution) for whole, _ in pairs),
    )
