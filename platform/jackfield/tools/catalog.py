"""Every tool of this installation: those that plugins registered, and those that their sources list when asked."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Iterable, Mapping

import structlog

from jackfield.contracts.tools import Tool, ToolSource
from jackfield.errors import InvalidRequest, JackfieldError, NameTaken, PluginError, ToolNotFound
from jackfield.registry import Shelf
from jackfield.tools.arguments import checked_description

log = structlog.get_logger()

LISTING_LIMIT = 30.0
"""Seconds in which a source must list its tools."""


class ToolCatalog:
    """Finds tools by name. What a plugin registered goes before what a source lists under the same name.

    `failures` says what cannot be had now and why, by the name of the tool or source; what works works without it.
    """

    def __init__(self, tools: Shelf[Tool], sources: Shelf[ToolSource], *, listing_limit: float = LISTING_LIMIT) -> None:
        self._tools = tools
        self._sources = sources
        self._listing_limit = listing_limit
        self._building = asyncio.Lock()
        self._opened: dict[str, ToolSource] = {}
        self._failures: dict[str, str] = {}
        self._origins: dict[str, str] = {}

    @property
    def origins(self) -> Mapping[str, str]:
        """The plugin that registered each tool, or the source that lists it; as of when it was asked for."""
        return self._origins

    @property
    def failures(self) -> Mapping[str, str]:
        """As of the last time that each was asked for."""
        return self._failures

    async def all(self) -> Mapping[str, Tool]:
        """Every tool that works now, by name; a name that two sources list is left out, and among the failures."""
        found: dict[str, Tool] = {}
        for name in self._tools.names():
            try:
                found[name] = await self._registered(name)
            except JackfieldError as error:
                self._fail(name, error)
        for name, offers in (await self._listed()).items():
            try:
                found.setdefault(name, _only(name, offers))
            except NameTaken as error:
                self._fail(name, error)
        return found

    async def chosen(self, names: Iterable[str]) -> dict[str, Tool]:
        """Tools by their names; raises ToolNotFound, NameTaken where two sources list one, PluginError.

        Sources are only asked where no plugin registered a name.
        """
        wanted = list(dict.fromkeys(names))
        listed = await self._listed() if any(name not in self._tools for name in wanted) else {}
        found: dict[str, Tool] = {}
        for name in wanted:
            if name in self._tools:
                found[name] = await self._registered(name)
            elif name in listed:
                found[name] = _only(name, listed[name])
            else:
                raise ToolNotFound(self._unknown(name, listed), parameter="tools")
        return found

    async def close(self) -> None:
        """Let go of every source that was asked; a second call does nothing."""
        opened, self._opened = self._opened, {}
        closing = [asyncio.wait_for(source.close(), self._listing_limit) for source in opened.values()]
        for name, outcome in zip(opened, await asyncio.gather(*closing, return_exceptions=True), strict=True):
            if isinstance(outcome, BaseException):
                log.error("a tool source did not close", source=name, exc_info=outcome)

    async def _registered(self, name: str) -> Tool:
        owner = f"Plugin '{self._tools.owner(name)}'"
        async with self._building:
            tool = await asyncio.to_thread(self._tools.get, name)
        _checked(tool, owner)
        if tool.description.name != name:
            raise PluginError(
                f"{owner} registers a tool as '{name}' that calls itself '{tool.description.name}'; "
                "both must be the same."
            )
        self._failures.pop(name, None)
        self._origins[name] = self._tools.owner(name)
        return tool

    async def _listed(self) -> dict[str, list[tuple[str, Tool]]]:
        """What sources list, by name, each with its owner in words."""
        offers: dict[str, list[tuple[str, Tool]]] = {}
        names = self._sources.names()
        for source, tools in zip(names, await asyncio.gather(*map(self._of_source, names)), strict=True):
            owner = self._source_owner(source)
            for tool in tools:
                try:
                    offers.setdefault(_checked(tool, owner).description.name, []).append((owner, tool))
                    self._origins.setdefault(tool.description.name, source)
                except PluginError as error:
                    self._fail(str(tool.description.name), error)
        for name in set(offers) & set(self._tools.names()):
            holder = self._tools.owner(name)
            self._fail(
                f"{name} ({offers[name][0][0]})",
                NameTaken(
                    f"Tool '{name}' of {offers[name][0][0]} has the name of one of plugin '{holder}', which keeps it."
                ),
            )
        return offers

    async def _of_source(self, name: str) -> tuple[Tool, ...]:
        """A source's tools; none, and a failure kept, where it cannot list them."""
        owner = _capitalised(self._source_owner(name))
        try:
            async with self._building:
                source = await asyncio.to_thread(self._sources.get, name)
            self._opened[name] = source
            tools = await asyncio.wait_for(source.tools(), self._listing_limit)
        except TimeoutError:
            self._fail(name, PluginError(f"{owner} did not list its tools within {self._listing_limit:g} seconds."))
        except JackfieldError as error:
            self._fail(name, error)
        except Exception as error:  # noqa: BLE001 the boundary: a plugin may raise anything; it is logged
            self._fail(name, PluginError(f"{owner} failed: {type(error).__name__}: {error}"))
        else:
            self._failures.pop(name, None)
            return tools
        return ()

    def _source_owner(self, source: str) -> str:
        return f"tool source '{source}' of plugin '{self._sources.owner(source)}'"

    def _fail(self, name: str, error: JackfieldError) -> None:
        if self._failures.get(name) != error.message:
            log.warning("tools cannot be had", name=name, reason=error.message)
        self._failures[name] = error.message

    def _unknown(self, name: str, listed: Mapping[str, object]) -> str:
        known = [*self._tools.names(), *listed]
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = (
            "did you mean " + " or ".join(f"'{each}'" for each in near) + "?"
            if near
            else (f"there are: {', '.join(known) or 'none'}.")
        )
        silent = [source for source in self._sources.names() if source in self._failures]
        reasons = "".join(f" Tools of '{source}' cannot be listed now: {self._failures[source]}" for source in silent)
        return f"There is no tool '{name}'; {hint}{reasons}"


def _checked(tool: Tool, owner: str) -> Tool:
    try:
        checked_description(tool.description)
    except InvalidRequest as error:
        raise PluginError(f"{_capitalised(owner)} offers a tool that cannot be used: {error.message}") from error
    return tool


def _only(name: str, offers: list[tuple[str, Tool]]) -> Tool:
    if len(offers) > 1:
        first, second = offers[0][0], offers[1][0]
        raise NameTaken(
            f"Tool '{name}' is listed by both {first} and {second}; rename or remove one.", parameter="tools"
        )
    return offers[0][1]


def _capitalised(words: str) -> str:
    return words[0].upper() + words[1:]
