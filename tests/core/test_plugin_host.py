"""The plugin host: what loads, what does not and why, and that the rest works on."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from jackfield.contracts.registration import Provided
from jackfield.errors import MissingDependency, NameTaken, NothingRegistered, PluginError
from jackfield.hookspecs import hookimpl
from jackfield.plugin_host import PluginHost
from jackfield.registry import Shelf
from jackfield.testing.installed_plugins import lay_out_plugins
from jackfield.testing.warm_process import run_warm

SAMPLES = Path(__file__).parents[1] / "sample_plugin"
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")
BROKEN = ("misspells_a_hook", "raises_at_import", "takes_anothers_name")


class Installation:
    """A machine with some sample plugins installed and settings of its own; commands run in processes of their own."""

    def __init__(self, folder: Path) -> None:
        self.site = folder / "site"
        self.settings = folder / "jackfield.toml"
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("JACKFIELD_")},
            "PYTHONPATH": str(self.site),
            "JACKFIELD_SETTINGS": str(self.settings),
            "JACKFIELD_HOME": str(folder / "home"),
        }

    def install(self, *sources: str | Path) -> None:
        """Install samples by their folder's name, or any distribution by its folder."""
        lay_out_plugins(self.site, *(SAMPLES / source for source in sources))

    def jackfield(self, *arguments: str, load: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command, with JACKFIELD_LOAD_PLUGINS set unless `load` is None."""
        chosen = {} if load is None else {"JACKFIELD_LOAD_PLUGINS": load}
        done = run_warm(arguments, environment={**self._environment, **chosen})
        return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())

    @contextmanager
    def server(self, *, load: str) -> Iterator[str]:
        """The address of `jackfield serve`, stopped afterwards with Ctrl+C."""
        process = subprocess.Popen(
            [sys.executable, "-m", "jackfield", "serve", "--port", "0"],
            env={**self._environment, "JACKFIELD_LOAD_PLUGINS": load, "JACKFIELD_DATABASE_URL": "memory:"},
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            said = process.stderr or ()
            address = next((found[0] for line in said if (found := ADDRESS.search(line))), None)
            try:
                assert address is not None, "the server ended before it listened"
                yield address
            finally:
                process.send_signal(signal.SIGINT)
                process.communicate(timeout=30)

    def reports(self, *, load: str | None = None) -> dict[str, dict[str, Any]]:
        """What `plugins list --json` says, by plugin."""
        listed = self.jackfield("plugins", "list", "--json", load=load)
        assert listed.returncode == 0, listed.stderr
        return {report["name"]: report for report in json.loads(listed.stdout)}

    def loaded(self, *, load: str | None = None) -> set[str]:
        """The names of the plugins that load."""
        return {name for name, report in self.reports(load=load).items() if report["state"] == "loaded"}


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """A machine with no plugins but Jackfield's own."""
    return Installation(tmp_path)


def test_broken_plugins_are_listed_with_their_reasons_and_the_others_load(installation: Installation) -> None:
    alone = installation.loaded()
    installation.install("good", *BROKEN)
    reports = installation.reports()
    assert {name for name, report in reports.items() if report["state"] == "loaded"} == alone | {"dice"}
    dice = reports["dice"]
    assert (dice["version"], dice["distribution"]) == ("1.2.0", "jackfield-dice")
    assert set(dice["hooks"]) == {"jackfield_tools", "jackfield_commands"}
    reasons = {name: reports[name]["error"] for name in ("telescope", "hammer", "hasty")}
    assert "RuntimeError: no telescope is attached to this machine" in reasons["telescope"]
    assert "'jackfield_tolls'" in reasons["hammer"]
    assert "did you mean 'jackfield_tools'?" in reasons["hammer"]
    assert "'inline' is offered by both plugin 'platform' and plugin 'hasty'" in reasons["hasty"]
    assert all(reports[name]["state"] == "failed" for name in reasons)


def test_the_list_for_people_says_why_a_plugin_failed(installation: Installation) -> None:
    installation.install("good", "raises_at_import")
    listed = installation.jackfield("plugins", "list")
    lines = {line.split("\t")[0]: line for line in listed.stdout.splitlines()}
    assert "no telescope is attached" in lines["telescope"]
    assert "loaded" in lines["dice"]


def test_a_plugins_command_runs_beside_broken_plugins(installation: Installation) -> None:
    installation.install("good", *BROKEN)
    assert "roll" in installation.jackfield("--help").stdout
    rolled = installation.jackfield("roll", "--sides", "2")
    assert rolled.stdout.strip() in {"1", "2"}, rolled.stderr


def test_show_names_what_a_plugin_offers(installation: Installation) -> None:
    installation.install("good")
    shown = json.loads(installation.jackfield("plugins", "show", "dice", "--json").stdout)
    offers = {(offer["hook"], offer["name"]) for offer in shown["offers"]}
    assert offers == {("jackfield_tools", "roll_dice"), ("jackfield_commands", "roll")}


def test_the_variable_chooses_what_loads(installation: Installation) -> None:
    own = installation.loaded()
    installation.install("good")
    assert installation.loaded() == own | {"dice"}
    assert installation.loaded(load="") == set()
    assert installation.loaded(load="builtin") == own
    assert installation.loaded(load="dice, platform") == {"dice", "platform"}
    assert installation.reports(load="builtin")["dice"]["state"] == "skipped"


def test_a_name_in_the_variable_that_is_not_installed_is_reported(installation: Installation) -> None:
    report = installation.reports(load="builtin,dcie")["dcie"]
    assert report["state"] == "failed"
    assert "JACKFIELD_LOAD_PLUGINS" in report["error"]


def test_disabling_and_enabling_are_kept_in_the_settings(installation: Installation) -> None:
    installation.install("good")
    installation.settings.write_text("# mine\nlog_level = 'warning'\n", encoding="utf-8")
    assert installation.jackfield("plugins", "disable", "dice").returncode == 0
    assert installation.reports()["dice"]["state"] == "disabled"
    assert installation.reports(load="dice")["dice"]["state"] == "disabled"
    assert installation.jackfield("roll").returncode == 2
    assert installation.settings.read_text(encoding="utf-8").startswith("# mine\nlog_level = 'warning'\n")
    assert installation.jackfield("plugins", "enable", "dice").returncode == 0
    assert installation.reports()["dice"]["state"] == "loaded"


def test_a_plugin_that_is_not_installed_cannot_be_disabled(installation: Installation) -> None:
    refused = installation.jackfield("plugins", "disable", "dice")
    assert refused.returncode == 4
    assert "No plugin named 'dice' is installed" in refused.stderr
    assert not installation.settings.exists()


def test_a_settings_file_that_makes_no_sense_is_one_sentence(installation: Installation) -> None:
    installation.settings.write_text("[plugins]\ndisabled = 'dice'\n", encoding="utf-8")
    refused = installation.jackfield("plugins", "list")
    assert refused.returncode == 2
    assert "'plugins.disabled' must be a list of plugin names" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_two_distributions_with_one_plugin_name_are_both_named(installation: Installation, tmp_path: Path) -> None:
    rival = tmp_path / "rival"
    rival.mkdir()
    (rival / "pyproject.toml").write_text(
        textwrap.dedent("""
            [project]
            name = "loaded-dice"
            version = "6.6.6"
            [project.entry-points.jackfield]
            dice = "loaded_dice"
        """),
        encoding="utf-8",
    )
    (rival / "loaded_dice.py").write_text("", encoding="utf-8")
    installation.install("good", rival)
    reports = [report for name, report in installation.reports().items() if name.startswith("dice")]
    assert sorted(report["state"] for report in reports) == ["failed", "loaded"]
    (reason,) = (report["error"] for report in reports if report["error"])
    assert "jackfield-dice" in reason
    assert "loaded-dice" in reason


def test_the_server_answers_beside_broken_plugins(installation: Installation) -> None:
    installation.install("good", "scripted_model", *BROKEN)
    with installation.server(load="platform,web,scripted-model,dice,telescope,hammer,hasty") as address:
        answer = httpx.post(
            f"{address}/v1/chat/completions",
            json={"model": "scripted", "messages": [{"role": "user", "content": "Are you there?"}]},
            timeout=30,
        )
    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"][0]["message"]["content"] == "Are you there?"


# In this process: objects registered as plugins, as tests and embedders do.


def offering(**hooks: object) -> ModuleType:
    """A plugin whose hooks return the given values."""
    plugin = ModuleType("offering")
    for name, value in hooks.items():
        setattr(plugin, name, hookimpl(lambda value=value: value))
    return plugin


def test_a_refused_plugin_leaves_nothing_behind() -> None:
    host = PluginHost(entries=())
    host.register(offering(jackfield_tools=[Provided("clock", object)]), "first")
    with pytest.raises(PluginError, match="both plugin 'first' and plugin 'second'"):
        host.register(offering(jackfield_tools=[Provided("compass", object), Provided("clock", object)]), "second")
    assert host.registry.tools.names() == ("clock",)
    host.register(offering(jackfield_tools=[Provided("compass", object)]), "third")
    assert host.registry.tools.names() == ("clock", "compass")


@pytest.mark.parametrize("offered", [None, "clock", [object()], [Provided("", object)]])
def test_a_hook_that_returns_something_else_is_refused(offered: object) -> None:
    with pytest.raises(PluginError, match="jackfield_tools"):
        PluginHost(entries=()).register(offering(jackfield_tools=offered), "odd")


def test_a_plugin_that_exits_the_process_at_import_only_fails(tmp_path: Path, installation: Installation) -> None:
    quitter = tmp_path / "quitter"
    quitter.mkdir()
    (quitter / "pyproject.toml").write_text(
        "[project]\nname='quitter'\nversion='1'\n[project.entry-points.jackfield]\nquitter='quitter'\n",
        encoding="utf-8",
    )
    (quitter / "quitter.py").write_text("raise SystemExit(3)\n", encoding="utf-8")
    installation.install(quitter)
    assert "SystemExit: 3" in installation.reports()["quitter"]["error"]


def test_a_thing_is_built_once_and_only_when_it_is_first_needed() -> None:
    built: list[str] = []

    def clock() -> str:
        built.append("clock")
        return "tick"

    shelf: Shelf[str] = Shelf("tool")
    shelf.add(Provided("clock", clock), "clocks")
    assert built == []
    assert [shelf.get("clock"), shelf.get("clock")] == ["tick", "tick"]
    assert built == ["clock"]


def test_failures_to_build_name_the_plugin() -> None:
    def broken() -> str:
        raise ValueError("no spring")

    def incomplete() -> str:
        raise ModuleNotFoundError("No module named 'cogs'")

    shelf: Shelf[str] = Shelf("tool")
    shelf.add(Provided("clock", broken), "clocks")
    shelf.add(Provided("watch", incomplete), "clocks")
    with pytest.raises(PluginError, match=r"'clocks'.*'clock'.*no spring"):
        shelf.get("clock")
    with pytest.raises(MissingDependency, match=r"'clocks'.*'cogs'"):
        shelf.get("watch")


def test_a_name_is_taken_once_and_what_is_missing_is_named() -> None:
    shelf: Shelf[object] = Shelf("tool")
    with pytest.raises(NothingRegistered, match="registered: none"):
        shelf.get("clock")
    shelf.add(Provided("clock", object), "first")
    with pytest.raises(NameTaken, match="both plugin 'first' and plugin 'second'"):
        shelf.add(Provided("clock", object), "second")
    with pytest.raises(NothingRegistered, match=r"'watch'.*registered: clock"):
        shelf.get("watch")


def test_a_plugin_cannot_take_the_name_of_one_of_our_commands() -> None:
    class Usurper:
        @hookimpl
        def jackfield_commands(self) -> list[Provided[object]]:
            return [Provided("serve", object)]

    with pytest.raises(PluginError, match="'serve' of plugin 'usurper' has the name of one of Jackfield's own"):
        PluginHost(entries=[]).register(Usurper(), "usurper")


def test_a_hook_without_its_mark_is_refused_rather_than_ignored() -> None:
    plugin = ModuleType("forgetful")
    plugin.jackfield_tools = list  # type: ignore[attr-defined]
    with pytest.raises(PluginError, match="'jackfield_tools' is not marked"):
        PluginHost(entries=[]).register(plugin, "forgetful")


def test_a_registration_without_a_name_is_refused_for_that() -> None:
    with pytest.raises(PluginError, match="registers something without a name"):
        PluginHost(entries=[]).register(offering(jackfield_tools=[Provided("", object)]), "nameless")
