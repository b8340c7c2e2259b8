"""What watching for calls costs an answer that makes none: processor time beside a plain run with the same prompt."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import structlog

from jackfield.contracts.runs import RunRequest
from jackfield.contracts.tools import ToolChoice
from jackfield.messages import Message
from jackfield.testing.scripted_tools import ScriptedTool
from jackfield.testing.tool_runs import asking, followed, tool_workbench
from jackfield.workbench import Workbench
from jackfield_plugins.agents import plugin as agents
from jackfield_plugins.function_calls import plugin as function_calls
from jackfield_plugins.guards import plugin as guards

ROUNDS = 30
UNTIMED = 4
ANSWER = ("The keeper of the old lighthouse climbed the stairs every evening with a lamp in his hand. " * 6)[:480]
PLUGINS = (("calls", function_calls), ("agents", agents), ("guards", guards))
NAMES = ("first", "second", "third")


async def measured(protocol: str) -> tuple[float, float]:
    """Milliseconds of a plain answer and of one that could call, medians; the model takes no time."""
    tools = [ScriptedTool(name, lambda arguments: "nothing") for name in NAMES]
    with tempfile.TemporaryDirectory() as folder:
        async with tool_workbench(Path(folder), lambda prompt: ANSWER, *tools, plugins=PLUGINS) as workbench:
            calling = asking("Describe a lighthouse.", *NAMES, protocol=protocol)
            plain = RunRequest(model="", messages=presented(workbench, calling, protocol))
            times: dict[int, list[float]] = {id(plain): [], id(calling): []}
            for number in range(ROUNDS):
                for request in (plain, calling) if number % 2 else (calling, plain):
                    began = time.process_time()
                    await followed(workbench, request)
                    times[id(request)].append(1000 * (time.process_time() - began))
    of_plain, of_calling = (statistics.median(times[id(request)][UNTIMED:]) for request in (plain, calling))
    return of_plain, of_calling


def presented(workbench: Workbench, request: RunRequest, protocol: str) -> tuple[Message, ...]:
    """The conversation with its tools, as the run with calls has it too."""
    registry = workbench.plugins.registry
    shown = registry.call_protocols.get(protocol).presentation(
        request.messages,
        [registry.tools.get(name).description for name in NAMES],
        choice=ToolChoice(),
        several=True,
        mode="async",
        template_shows_tools=False,
    )
    return shown.messages


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    print(f"{'PROTOCOL':12} {'PLAIN':>9} {'WITH CALLS':>11} {'A TOKEN':>9}")
    for protocol in ("native", "interrupts", "constrained"):
        plain, calling = asyncio.run(measured(protocol))
        print(f"{protocol:12} {plain:6.1f} ms {calling:8.1f} ms {1000 * (calling - plain) / len(ANSWER):6.0f} us")


if __name__ == "__main__":
    main()
