"""`jackfield chat` and `jackfield doctor`: what a person sees of turns and plugins that go wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from jackfield.cli.chat import Chat
from jackfield.cli.chat import command as chat_command
from jackfield.cli.doctor import _diagnostics
from jackfield.cli.running_server import server_address
from jackfield.cli.session import Session
from jackfield.contracts.diagnostics import Diagnostic, Finding
from jackfield.contracts.registration import Provided
from jackfield.errors import ContextOverflow, InvalidRequest, JackfieldError
from jackfield.hookspecs import hookimpl
from jackfield.plugin_host import PluginHost
from jackfield.testing.installed_plugins import lay_out_plugins
from jackfield.testing.temporary_workbench import temporary_workbench
from jackfield.testing.warm_process import run_warm

SCRIPTED_MODEL = Path(__file__).parents[1] / "sample_plugin" / "scripted_model"


async def test_a_turn_that_fails_is_not_in_the_way_of_the_next(tmp_path: Path) -> None:
    async with temporary_workbench(tmp_path) as workbench:
        chat = Chat(workbench, "scripted", None, "Be brief.", {})
        assert (await chat.answer("one")).answer == "one"
        with pytest.raises(JackfieldError) as refusal:
            await chat.answer("x" * 600)
        assert refusal.value.code == ContextOverflow.code
        assert (await chat.answer("two")).answer == "two"
        again = Chat(workbench, "scripted", None, "", {})
        kept = [(message.role, message.text) for message in await again.resume()]
    assert kept == [
        ("system", "Be brief."),
        ("user", "one"),
        ("assistant", "one"),
        ("user", "two"),
        ("assistant", "two"),
    ]


def test_instructions_are_not_dropped_in_silence() -> None:
    refused = CliRunner().invoke(chat_command, ["--continue", "--system", "Be brief."])
    assert isinstance(refused.exception, InvalidRequest)


def test_what_is_typed_must_be_utf_8(tmp_path: Path) -> None:
    chat = run_warm(
        ["chat"],
        typed=b"one\n\xff\xfe\n",
        environment={
            **os.environ,
            "JACKFIELD_HOME": str(tmp_path / "home"),
            "JACKFIELD_SETTINGS": str(tmp_path / "jackfield.toml"),
            "JACKFIELD_DATABASE_URL": "memory:",
            "PYTHONPATH": str(lay_out_plugins(tmp_path / "site", SCRIPTED_MODEL)),
        },
    )
    assert chat.returncode == 2
    assert b"UTF-8" in chat.stderr
    assert b"fault of Jackfield" not in chat.stderr


class Careless:
    """A diagnostic that breaks, and one that works."""

    @hookimpl
    def jackfield_diagnostics(self) -> list[Provided[Diagnostic]]:
        return [Provided("broken", BrokenDiagnostic), Provided("fine", FineDiagnostic)]


class BrokenDiagnostic:
    def examine(self) -> tuple[Finding, ...]:
        raise KeyError("PATH")


class FineDiagnostic:
    def examine(self) -> tuple[Finding, ...]:
        return (Finding(subject="fine", health="ok", detail="it is"),)


def test_a_plugin_whose_diagnostic_breaks_does_not_stop_the_doctor() -> None:
    session = Session()
    session.plugins = PluginHost(entries=[])
    session.plugins.register(Careless(), "careless")
    broken, fine = _diagnostics(session)
    assert (broken.subject, broken.health) == ("broken", "broken")
    assert "'careless'" in broken.detail
    assert fine.health == "ok"


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("::", "http://[::1]:80"),
        ("fe80::1", "http://[fe80::1]:80"),
    ],
)
def test_a_server_is_told_by_an_address_that_a_client_here_can_use(host: str, address: str) -> None:
    assert server_address(host, 80) == address
