"""What plugins have registered: one shelf for each kind of thing, each name once."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from jackfield.command_table import OWN_COMMANDS
from jackfield.contracts.registration import Provided
from jackfield.errors import JackfieldError, MissingDependency, NameTaken, NothingRegistered, PluginError

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

T = TypeVar("T")


class Shelf(Generic[T]):
    """The registered things of one kind, by name; each is built on first use and then kept.

    `extra` is the extra of Jackfield's distribution that brings what our own of this kind need.
    """

    def __init__(self, kind: str, *, reserved: Collection[str] = (), extra: str = "all") -> None:
        self.kind = kind
        self._extra = extra
        self._reserved = reserved
        self._provided: dict[str, tuple[Provided[T], str]] = {}
        self._built: dict[str, T] = {}

    def add(self, provided: Provided[T], owner: str) -> None:
        """Register a name for an owning plugin; raises NameTaken naming both owners."""
        if provided.name in self._reserved:
            raise NameTaken(
                f"{self.kind} '{provided.name}' of plugin '{owner}' has the name of one of Jackfield's own; "
                "rename the plugin's."
            )
        if provided.name in self._provided:
            holder = self.owner(provided.name)
            raise NameTaken(
                f"{self.kind} '{provided.name}' is offered by both plugin '{holder}' and plugin '{owner}'; "
                f"'{holder}' keeps it: rename one, or disable one with `jackfield plugins disable NAME`."
            )
        self._provided[provided.name] = (provided, owner)

    def withdraw(self, owner: str) -> None:
        """Take off everything that a plugin registered."""
        for name in [name for name, (_, holder) in self._provided.items() if holder == owner]:
            del self._provided[name]
            self._built.pop(name, None)

    def owner(self, name: str) -> str:
        """The plugin that registered a name."""
        return self._provided[name][1]

    def summary(self, name: str) -> str:
        """One line on a registered thing, as its plugin words it."""
        return self._provided[name][0].summary

    def get(self, name: str) -> T:
        """Build or give what is registered under a name; raises NothingRegistered or PluginError."""
        if name in self._built:
            return self._built[name]
        if name not in self._provided:
            raise NothingRegistered(self._missing(f"named '{name}'"))
        provided, owner = self._provided[name]
        try:
            built = provided.build()
        except JackfieldError:
            raise
        except ImportError as error:
            raise MissingDependency(
                f"{self.kind.capitalize()} '{name}' of plugin '{owner}' lacks a package ({error}); "
                f"install what the plugin asks for (for Jackfield's own: pip install 'jackfield[{self._extra}]')."
            ) from error
        except Exception as error:
            raise PluginError(
                f"Plugin '{owner}' failed to build {self.kind} '{name}': {type(error).__name__}: {error}"
            ) from error
        self._built[name] = built
        return built

    def items(self) -> Iterator[tuple[str, T]]:
        """Every name with its built object, in the order they were registered."""
        for name in self.names():
            yield name, self.get(name)

    def first(self) -> T:
        """The one that was registered first; raises NothingRegistered."""
        for name in self._provided:
            return self.get(name)
        raise NothingRegistered(self._missing("at all"))

    def names(self) -> tuple[str, ...]:
        """In the order they were registered."""
        return tuple(self._provided)

    def __contains__(self, name: object) -> bool:
        return name in self._provided

    def __len__(self) -> int:
        return len(self._provided)

    def _missing(self, what: str) -> str:
        known = ", ".join(self._provided) or "none"
        return (
            f"No {self.kind} {what} is registered (registered: {known}); "
            "`jackfield plugins list` shows which plugins are loaded and why others are not."
        )


class Registry:
    """Every shelf; a shelf's attribute is its hook's name without `jackfield_`."""

    def __init__(self) -> None:
        self.engines: Shelf[EngineFactory] = Shelf("engine", extra="local")
        self.model_sources: Shelf[ModelSource] = Shelf("model source", extra="local")
        self.tools: Shelf[Tool] = Shelf("tool")
        self.tool_sources: Shelf[ToolSource] = Shelf("tool source", extra="local")
        self.call_protocols: Shelf[CallProtocol] = Shelf("call protocol")
        self.agents: Shelf[Agent] = Shelf("agent")
        self.prompt_compressors: Shelf[PromptCompressor] = Shelf("prompt compressor")
        self.routers: Shelf[Router] = Shelf("router")
        self.file_stores: Shelf[FileStoreFactory] = Shelf("file store")
        self.extractors: Shelf[Extractor] = Shelf("extractor")
        self.vector_indexes: Shelf[VectorIndexFactory] = Shelf("vector index")
        self.memories: Shelf[MemoryFactory] = Shelf("memory")
        self.guards: Shelf[Guard] = Shelf("guard")
        self.executors: Shelf[ExecutorFactory] = Shelf("executor")
        self.state_stores: Shelf[StateStoreFactory] = Shelf("state store", extra="local")
        self.migrators: Shelf[Migrator] = Shelf("migrator", extra="local")
        self.archivists: Shelf[Archivist] = Shelf("archivist", extra="server")
        self.blob_stores: Shelf[BlobStoreFactory] = Shelf("blob store", extra="server")
        self.doors: Shelf[ServingDoor] = Shelf("door", extra="server")
        self.mounts: Shelf[Mount] = Shelf("mount", extra="server")
        self.commands: Shelf[click.Command] = Shelf("command", reserved=OWN_COMMANDS)
        self.diagnostics: Shelf[Diagnostic] = Shelf("diagnostic")

    def shelf(self, hook: str) -> Shelf[Any]:
        """The shelf that a hook fills."""
        shelf: Shelf[Any] = getattr(self, hook.removeprefix("jackfield_"))
        return shelf

    def shelves(self) -> tuple[Shelf[Any], ...]:
        """All of them."""
        return tuple(vars(self).values())

    def withdraw(self, owner: str) -> None:
        """Take off everything that a plugin registered."""
        for shelf in self.shelves():
            shelf.withdraw(owner)
