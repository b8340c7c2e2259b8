"""What the latency bench plugs in: its tools, and protocols whose answers are given beforehand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import msgspec

from jackfield.contracts.protocols import CallProtocol
from jackfield.contracts.registration import Provided
from jackfield.contracts.runs import RunRequest, ToolUse
from jackfield.contracts.tools import CallMode, Tool
from jackfield.hookspecs import hookimpl
from jackfield.messages import Call, Message
from jackfield_plugins.function_calls.bench.cases import Case
from jackfield_plugins.function_calls.bench.forced import ForcedProtocol
from jackfield_plugins.function_calls.bench.functions import offered_tools
from jackfield_plugins.function_calls.bench.gold import gold_calls, renamed
from jackfield_plugins.function_calls.bench.timed_tools import Delays, LineWork, SleepingTool, StreamedLineWork

T = TypeVar("T")

CLIENT = "bench"


class PreparedCase(msgspec.Struct, frozen=True):
    """A case, its functions as tools of the bench, and the calls to write."""

    case: Case
    tools: tuple[str, ...]
    calls: tuple[Call, ...]


class BenchEquipment:
    """A plugin for one bench: a sleeping tool for each function of the cases, and the forced protocols."""

    def __init__(self, protocols: Sequence[CallProtocol]) -> None:
        self.delays = Delays()
        self.protocols = {protocol.name: ForcedProtocol(protocol) for protocol in protocols}
        self.whole = LineWork("run_whole")
        self.streamed = StreamedLineWork("run_streamed")
        self._tools: dict[str, Tool] = {tool.description.name: tool for tool in (self.whole, self.streamed)}

    def prepared(self, case: Case) -> PreparedCase:
        """Make a case's functions tools of the bench, each under a name that none had before."""
        offered = offered_tools(case.function)
        names: dict[str, str] = {}
        for tool in offered.tools:
            name = f"{tool.name}_{len(self._tools)}" if tool.name in self._tools else tool.name
            self._tools[name] = SleepingTool(msgspec.structs.replace(tool, name=name), self.delays)
            names[offered.originals[tool.name]] = name
        calls = tuple(renamed(call, names) for call in gold_calls(case))
        return PreparedCase(case, tuple(names.values()), calls)

    def request(
        self,
        protocol: str,
        messages: Sequence[Message],
        tools: Sequence[str],
        calls: Sequence[Call],
        mode: CallMode,
    ) -> RunRequest:
        """A run that is to write these calls; it must be the next one."""
        forced = self.protocols[protocol]
        forced.calls = tuple(calls)
        use = ToolUse(names=tuple(tools), protocol=forced.name, mode=mode, approval="grant")
        return RunRequest(model="", messages=tuple(messages), sampling={"temperature": 0}, client=CLIENT, tools=use)

    @hookimpl
    def jackfield_tools(self) -> list[Provided[Tool]]:
        """Every tool that was prepared."""
        return [Provided(name, _giving(tool)) for name, tool in self._tools.items()]

    @hookimpl
    def jackfield_call_protocols(self) -> list[Provided[CallProtocol]]:
        """The forced ones."""
        return [Provided(each.name, _giving(each)) for each in self.protocols.values()]


def _giving(thing: T) -> Callable[[], T]:
    return partial(_same, thing)


def _same(thing: T) -> T:
    return thing
