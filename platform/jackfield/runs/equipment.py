"""What all runs that call tools share."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from jackfield.contracts.runs import RunRequest, ToolUse
from jackfield.contracts.tools import CallMode, Permission, RunScope, ScopedTool, Tool
from jackfield.errors import InvalidRequest
from jackfield.runs.meter import Price
from jackfield.tools.catalog import ToolCatalog
from jackfield.tools.runner import CallRunner
from jackfield.tools.source_numbers import SourceNumbers

if TYPE_CHECKING:
    from jackfield.contracts.agents import Agent
    from jackfield.contracts.guards import Guard
    from jackfield.contracts.identity import Account, Principal
    from jackfield.contracts.protocols import CallProtocol
    from jackfield.files.libraries import Libraries
    from jackfield.registry import Shelf


T = TypeVar("T")


class ToolDefaults(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for a run that does not say otherwise; prices are by model."""

    protocol: str = "constrained"
    mode: CallMode = "async"
    agent: str = "tool-loop"
    allowed: tuple[Permission, ...] = ()
    folder: Path | None = None
    prices: Mapping[str, Price] = {}


class Equipment:
    """The tools, and everything that plugins offer around them."""

    def __init__(
        self,
        *,
        catalog: ToolCatalog,
        runner: CallRunner,
        protocols: Shelf[CallProtocol],
        agents: Shelf[Agent],
        guards: Shelf[Guard],
        defaults: ToolDefaults,
        libraries: Libraries | None = None,
    ) -> None:
        self.catalog = catalog
        self.runner = runner
        self.protocols = protocols
        self.agents = agents
        self.guards = guards
        self.defaults = defaults
        self._libraries = libraries

    async def check(self, request: RunRequest) -> None:
        """Raise InvalidRequest or ToolNotFound for a protocol, agent or tool that a run names and nobody has."""
        use = request.tools or ToolUse()
        if request.tools or request.agent:
            _check_name(self.protocols, use.protocol or self.defaults.protocol, "call_protocol")
        if request.agent or (request.tools and not use.callers):
            _check_name(self.agents, request.agent or self.defaults.agent, "agent")
        if use.names:
            await self.catalog.chosen(use.names)

    def protocol(self, use: ToolUse) -> CallProtocol:
        """The one that a run is to call by; raises InvalidRequest for a name that none has."""
        return _named(self.protocols, use.protocol or self.defaults.protocol, "call_protocol")

    def agent(self, name: str | None) -> Agent:
        """The policy over a run; raises InvalidRequest for a name that none has."""
        return _named(self.agents, name or self.defaults.agent, "agent")

    async def tools(self, use: ToolUse, scope: RunScope) -> dict[str, Tool]:
        """The tools that a run may call here, each as this run has it; raises ToolNotFound or InvalidRequest."""
        chosen = await self.catalog.chosen(use.names)
        return {name: tool.within(scope) if isinstance(tool, ScopedTool) else tool for name, tool in chosen.items()}

    def scope(
        self, run_id: str, use: ToolUse, owner: Account | Principal | None, sources: SourceNumbers | None = None
    ) -> RunScope:
        """What a run grants its tools: its own folder, or the one in the settings; and its owner's files.

        What is read of them is numbered on in `sources`, or from 1 on.
        """
        return RunScope(
            run_id=run_id,
            folder=Path(use.folder) if use.folder else self.defaults.folder,
            library=partial(self._libraries.of_owner, owner) if self._libraries else None,
            cite=(sources or SourceNumbers()).cite,
        )

    def price(self, model: str) -> Price:
        """What a million tokens of a model cost to read and to write."""
        return self.defaults.prices.get(model, (0.0, 0.0))

    async def close(self) -> None:
        """Let go of tools' servers, and of calls that would not stop."""
        try:
            await self.runner.close()
        finally:
            await self.catalog.close()


def _named(shelf: Shelf[T], name: str, parameter: str) -> T:
    _check_name(shelf, name, parameter)
    return shelf.get(name)


def _check_name(shelf: Shelf[Any], name: str, parameter: str) -> None:
    if name not in shelf:
        known = ", ".join(f"'{known}'" for known in shelf.names()) or "none"
        raise InvalidRequest(f"There is no {shelf.kind} '{name}'; there are {known}.", parameter=parameter)
