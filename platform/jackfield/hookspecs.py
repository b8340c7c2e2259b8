"""Every hook, typed. All of them fire once, at start, and only register: what they give runs later, without pluggy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

from jackfield.contracts.registration import Provided

if TYPE_CHECKING:
    import click

    from jackfield.contracts.agents import Agent
    from jackfield.contracts.compressors import PromptCompressor
    from jackfield.contracts.diagnostics import Diagnostic
    from jackfield.contracts.doors import ServingDoor
    from jackfield.contracts.engine import EngineFactory
    from jackfield.contracts.executors import ExecutorFactory
    from jackfield.contracts.files import Extractor, FileStoreFactory, VectorIndexFactory
    from jackfield.contracts.guards import Guard
    from jackfield.contracts.memory import MemoryFactory
    from jackfield.contracts.mounts import Mount
    from jackfield.contracts.protocols import CallProtocol
    from jackfield.contracts.records import Archivist, Migrator, StateStoreFactory
    from jackfield.contracts.routers import Router
    from jackfield.contracts.sources import ModelSource
    from jackfield.contracts.tools import Tool, ToolSource
    from jackfield.contracts.uploads import BlobStoreFactory

PROJECT = "jackfield"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class Hooks:
    """The hooks a plugin module or object may implement, each under `@jackfield.hookspecs.hookimpl`."""

    @hookspec
    def jackfield_engines(self) -> list[Provided[EngineFactory]]:  # type: ignore[empty-body]
        """Offer engines that open models. Fires when plugins load; built when a model is first pulled or opened."""

    @hookspec
    def jackfield_model_sources(self) -> list[Provided[ModelSource]]:  # type: ignore[empty-body]
        """Offer places that models come from. Fires when plugins load; built at the first `models pull`."""

    @hookspec
    def jackfield_tools(self) -> list[Provided[Tool]]:  # type: ignore[empty-body]
        """Offer tools that models can call. Fires when plugins load; built when a run first names the tool."""

    @hookspec
    def jackfield_tool_sources(self) -> list[Provided[ToolSource]]:  # type: ignore[empty-body]
        """Offer tools that must be asked for, such as a server's. Fires when plugins load; built at first use."""

    @hookspec
    def jackfield_call_protocols(self) -> list[Provided[CallProtocol]]:  # type: ignore[empty-body]
        """Offer ways to show tools and see calls. Fires when plugins load; built at the first run with tools."""

    @hookspec
    def jackfield_agents(self) -> list[Provided[Agent]]:  # type: ignore[empty-body]
        """Offer policies over a run. Fires when plugins load; built when a run first names the agent."""

    @hookspec
    def jackfield_prompt_compressors(self) -> list[Provided[PromptCompressor]]:  # type: ignore[empty-body]
        """Offer prompt compressors. Fires when plugins load; to be built when a request first asks for one."""

    @hookspec
    def jackfield_routers(self) -> list[Provided[Router]]:  # type: ignore[empty-body]
        """Offer routers. Fires when plugins load; to be built when a request first names `auto`."""

    @hookspec
    def jackfield_file_stores(self) -> list[Provided[FileStoreFactory]]:  # type: ignore[empty-body]
        """Offer stores for semantic files. Fires when plugins load; the first that knows the database is built."""

    @hookspec
    def jackfield_extractors(self) -> list[Provided[Extractor]]:  # type: ignore[empty-body]
        """Offer readers of file formats. Fires when plugins load; built when files are first used.

        A plugin's are asked before Jackfield's own, and the first that claims a file reads it.
        """

    @hookspec
    def jackfield_vector_indexes(self) -> list[Provided[VectorIndexFactory]]:  # type: ignore[empty-body]
        """Offer nearest-neighbour indexes. Fires when plugins load; the first is built at the first search."""

    @hookspec
    def jackfield_memories(self) -> list[Provided[MemoryFactory]]:  # type: ignore[empty-body]
        """Offer memories across conversations. Fires when plugins load; the first that knows the database is built."""

    @hookspec
    def jackfield_guards(self) -> list[Provided[Guard]]:  # type: ignore[empty-body]
        """Offer judges of spans and calls. Fires when plugins load; built at the first run."""

    @hookspec
    def jackfield_executors(self) -> list[Provided[ExecutorFactory]]:  # type: ignore[empty-body]
        """Offer places where runs execute. Fires when plugins load; the one that settings name is built at start."""

    @hookspec
    def jackfield_state_stores(self) -> list[Provided[StateStoreFactory]]:  # type: ignore[empty-body]
        """Offer databases. Fires when plugins load; the first that claims the database's address is built at start."""

    @hookspec
    def jackfield_migrators(self) -> list[Provided[Migrator]]:  # type: ignore[empty-body]
        """Offer to bring a database's tables up to date. Fires when plugins load; built before a store is opened."""

    @hookspec
    def jackfield_archivists(self) -> list[Provided[Archivist]]:  # type: ignore[empty-body]
        """Offer to back databases up and bring them back. Fires when plugins load; built by `jackfield db backup`."""

    @hookspec
    def jackfield_blob_stores(self) -> list[Provided[BlobStoreFactory]]:  # type: ignore[empty-body]
        """Offer stores for uploaded bytes. Fires when plugins load; the first is built at the first upload."""

    @hookspec
    def jackfield_doors(self) -> list[Provided[ServingDoor]]:  # type: ignore[empty-body]
        """Offer ways in that serve. Fires when plugins load; built by `jackfield serve`."""

    @hookspec
    def jackfield_mounts(self) -> list[Provided[Mount]]:  # type: ignore[empty-body]
        """Offer ASGI apps under a path of the HTTP server. Fires when plugins load; built when the server starts."""

    @hookspec
    def jackfield_commands(self) -> list[Provided[click.Command]]:  # type: ignore[empty-body]
        """Offer subcommands of `jackfield`; one named `bench NAME` stands under `jackfield bench`.

        Fires when plugins load; built when its own help is shown or it runs.
        """

    @hookspec
    def jackfield_diagnostics(self) -> list[Provided[Diagnostic]]:  # type: ignore[empty-body]
        """Offer checks to `jackfield doctor`. Fires when plugins load; built when the doctor examines."""


HOOKS: tuple[str, ...] = tuple(name for name in vars(Hooks) if name.startswith("jackfield_"))
"""The names of all hooks, in the order they are documented."""
