"""Tools are found by name wherever they come from, and what fails takes nothing else with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from jackfield.contracts.registration import Provided
from jackfield.contracts.tools import Tool, ToolSource
from jackfield.errors import MissingDependency, NameTaken, PluginError, ToolNotFound, Unavailable
from jackfield.registry import Shelf
from jackfield.testing.scripted_tools import ScriptedTool
from jackfield.tools.catalog import ToolCatalog


class Lister:
    """A source that lists tools of some names, or fails; it counts how often it was asked and closed."""

    def __init__(self, *tools: Tool, fails: Exception | None = None, hangs: bool = False) -> None:
        self.asked = self.closed = 0
        self._tools = tools
        self._fails = fails
        self._hangs = hangs

    async def tools(self) -> tuple[Tool, ...]:
        """List, fail or hang."""
        self.asked += 1
        if self._hangs:
            await asyncio.sleep(60)
        if self._fails:
            raise self._fails
        return self._tools

    async def close(self) -> None:
        """Count."""
        self.closed += 1
        if self._fails:
            raise self._fails


def scripted(name: str, **described: Any) -> ScriptedTool:
    """A tool of one name."""
    return ScriptedTool(name, lambda arguments: name, **described)


def catalog(
    *tools: Tool | tuple[str, Callable[[], Tool]], listing_limit: float = 5, **sources: ToolSource
) -> ToolCatalog:
    """One over tools that plugin `shop` registered, and sources that plugin `net` did."""
    shelf: Shelf[Tool] = Shelf("tool")
    for each in tools:
        name, build = each if isinstance(each, tuple) else (each.description.name, lambda each=each: each)  # type: ignore[misc]
        shelf.add(Provided(name, build), "shop")
    listed: Shelf[ToolSource] = Shelf("tool source")
    for name, source in sources.items():
        listed.add(Provided(name, lambda source=source: source), "net")  # type: ignore[misc]
    return ToolCatalog(shelf, listed, listing_limit=listing_limit)


async def test_all_that_work_are_found() -> None:
    tools = catalog(scripted("echo"), mail=Lister(scripted("send"), scripted("fetch")), none=Lister())
    assert list(await tools.all()) == ["echo", "send", "fetch"]
    assert list(await tools.chosen(["fetch", "echo", "fetch"])) == ["fetch", "echo"]
    assert tools.failures == {}


async def test_sources_are_only_asked_for_what_no_plugin_registered() -> None:
    mail = Lister(hangs=True)
    assert list(await catalog(scripted("echo"), mail=mail).chosen(["echo"])) == ["echo"]
    assert mail.asked == 0


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (Lister(fails=Unavailable("The mail server is down.")), "The mail server is down."),
        (Lister(fails=KeyError("x")), "Tool source 'mail' of plugin 'net' failed: KeyError: 'x'"),
        (Lister(hangs=True), "Tool source 'mail' of plugin 'net' did not list its tools within 0.05 seconds."),
        (Lister(scripted("no name")), "'no name' is no name for a tool"),
    ],
)
async def test_a_source_that_fails_is_named_and_the_others_work(source: Lister, reason: str) -> None:
    tools = catalog(scripted("echo"), listing_limit=0.05, mail=source, files=Lister(scripted("read")))
    assert list(await tools.all()) == ["echo", "read"]
    (failure,) = tools.failures.values()
    assert reason in failure
    with pytest.raises(ToolNotFound) as refusal:
        await tools.chosen(["send"])
    assert "no tool 'send'" in refusal.value.message


async def test_a_source_that_works_again_is_no_failure_any_more() -> None:
    mail = Lister(scripted("send"), fails=Unavailable("The mail server is down."))
    tools = catalog(mail=mail)
    with pytest.raises(ToolNotFound, match="Tools of 'mail' cannot be listed now: The mail server is down"):
        await tools.chosen(["send"])
    mail._fails = None
    assert list(await tools.chosen(["send"])) == ["send"]
    assert tools.failures == {}


async def test_a_misspelt_name_is_told_what_is_near() -> None:
    tools = catalog(scripted("calculator"), scripted("clock"), mail=Lister(scripted("calendar")))
    with pytest.raises(ToolNotFound, match="did you mean 'calculator'") as refusal:
        await tools.chosen(["clock", "calculater"])
    assert refusal.value.parameter == "tools"
    with pytest.raises(ToolNotFound, match="there are: calculator, clock, calendar"):
        await tools.chosen(["zzz"])


async def test_one_name_of_two_sources_is_refused_naming_both() -> None:
    tools = catalog(mail=Lister(scripted("send"), scripted("fetch")), chat=Lister(scripted("send")))
    with pytest.raises(NameTaken, match="'mail' of plugin 'net' and tool source 'chat' of plugin 'net'"):
        await tools.chosen(["send"])
    assert list(await tools.all()) == ["fetch"]
    assert "'mail'" in tools.failures["send"]


async def test_a_registered_tool_keeps_its_name_before_a_sources() -> None:
    echo = scripted("echo")
    tools = catalog(echo, mail=Lister(scripted("echo")))
    assert (await tools.all())["echo"] is echo
    assert (await tools.chosen(["echo"]))["echo"] is echo
    (failure,) = tools.failures.values()
    assert "tool source 'mail' of plugin 'net' has the name of one of plugin 'shop', which keeps it" in failure


@pytest.mark.parametrize(
    ("broken", "error", "reason"),
    [
        (scripted("broken", timeout=0), PluginError, "Plugin 'shop' offers a tool that cannot be used"),
        (("broken", lambda: scripted("other")), PluginError, "registers a tool as 'broken' that calls itself 'other'"),
        (("broken", lambda: 1 / 0), PluginError, "Plugin 'shop' failed to build tool 'broken': ZeroDivisionError"),
        (("broken", lambda: __import__("no_such_package")), MissingDependency, "no_such_package"),
    ],
)
async def test_a_broken_tool_is_its_plugins_fault_and_stops_no_other(
    broken: Any, error: type[Exception], reason: str
) -> None:
    tools = catalog(scripted("echo"), broken)
    assert list(await tools.all()) == ["echo"]
    assert reason in tools.failures["broken"]
    with pytest.raises(error, match=reason):
        await tools.chosen(["echo", "broken"])


async def test_closing_lets_go_of_what_was_asked_once() -> None:
    mail, chat = Lister(fails=Unavailable("down")), Lister()
    tools = catalog(mail=mail, chat=chat)
    await tools.close()
    assert (mail.closed, chat.closed) == (0, 0)
    await tools.all()
    await tools.close()
    await tools.close()
    assert (mail.closed, chat.closed) == (1, 1)
