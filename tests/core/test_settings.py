"""Settings from flags, variables and the file: what counts, and the one sentence where something makes no sense."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jackfield.contracts.registration import Provided
from jackfield.errors import MissingDependency, NothingRegistered, SettingsInvalid
from jackfield.plugin_host import LoadPolicy, loaded_host, set_enabled
from jackfield.registry import Registry, Shelf
from jackfield.settings import load_settings
from jackfield.settings_file import data_folder, settings_path
from jackfield.wiring import upgrade_state


@pytest.fixture(autouse=True)
def file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A settings file that is not there yet, and no variable of ours but the one that names it."""
    for name in [name for name in os.environ if name.upper().startswith("JACKFIELD_")]:
        monkeypatch.delenv(name)
    path = tmp_path / "jackfield.toml"
    monkeypatch.setenv("JACKFIELD_SETTINGS", str(path))
    return path


def jackfield(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, with the environment as it stands."""
    command = [sys.executable, "-m", "jackfield", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def refusal() -> str:
    """The sentence with which the settings are refused."""
    with pytest.raises(SettingsInvalid) as refused:
        load_settings()
    return refused.value.message


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("JACKFIELD_HOME", "JACKFIELD_SERVER__PORT", "JACKFIELD_DEFAULT_MODEL", "JACKFIELD_ENGINE"):
        monkeypatch.setenv(name, "")
    settings = load_settings()
    assert settings.home == data_folder()
    assert settings.home.is_absolute()
    assert settings.server.port == 5225
    assert settings.default_model is None


def test_an_empty_home_in_the_file_is_none(file: Path) -> None:
    file.write_text('home = ""\n', encoding="utf-8")
    assert load_settings().home == data_folder()


def test_an_empty_name_of_the_settings_file_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JACKFIELD_SETTINGS", "")
    usual = settings_path()
    monkeypatch.delenv("JACKFIELD_SETTINGS")
    assert usual == settings_path()
    assert usual.name == "jackfield.toml"


def test_flags_win_over_variables_and_those_over_the_file(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    file.write_text('log_level = "error"\n[server]\nport = 1\nhost = "::1"\n', encoding="utf-8")
    monkeypatch.setenv("JACKFIELD_SERVER__PORT", "2")
    assert load_settings(log_level="debug").log_level == "debug"
    assert (load_settings().server.port, load_settings().server.host) == (2, "::1")
    monkeypatch.setenv("JACKFIELD_SERVER", '{"host": "127.0.0.2"}')
    assert (load_settings().server.port, load_settings().server.host) == (2, "127.0.0.2")


def test_a_setting_that_makes_no_sense_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JACKFIELD_SERVER__PORT", "many")
    with pytest.raises(SettingsInvalid, match=r"server\.port.*many"):
        load_settings()


def test_a_wrong_value_is_traced_to_where_it_stands(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    file.write_text("[server]\nport = 70000\n", encoding="utf-8")
    assert f"in {file}:" in refusal()
    monkeypatch.setenv("JACKFIELD_SERVER", '{"port": 70001}')
    assert "in the variable JACKFIELD_SERVER:" in refusal()
    monkeypatch.setenv("JACKFIELD_SERVER__PORT", "70002")
    assert "in the variable JACKFIELD_SERVER__PORT:" in refusal()
    with pytest.raises(SettingsInvalid, match="in a flag:"):
        load_settings(server={"port": 70003})


def test_a_table_that_holds_another_setting_is_not_blamed(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    file.write_text("[server]\nport = 70000\n", encoding="utf-8")
    monkeypatch.setenv("JACKFIELD_SERVER", '{"host": "::1"}')
    assert f"in {file}:" in refusal()


@pytest.mark.parametrize("value", ["abc", "5", "[]", "{", "[" * 100_000])
def test_a_variable_that_should_be_a_table_says_how(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("JACKFIELD_MODELS", value)
    said = refusal()
    assert said.startswith("JACKFIELD_MODELS is ")
    assert 'a table in JSON is expected, such as JACKFIELD_MODELS=\'{"load_timeout": 600.0, ' in said
    assert len(said) < 300


def test_a_key_in_the_file_that_should_be_a_table(file: Path) -> None:
    file.write_text("server = 5\n", encoding="utf-8")
    assert refusal() == f"The setting 'server' is 5 in {file}: a table is expected."


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("JACKFIELD_DEFALT_MODEL", "JACKFIELD_DEFAULT_MODEL"),
        ("JACKFIELD_SERVER_PORT", "JACKFIELD_SERVER__PORT"),
        ("JACKFIELD_SERVER__PROT", "JACKFIELD_SERVER__PORT"),
        ("JACKFIELD_LOAD_PLUGIN", "JACKFIELD_LOAD_PLUGINS"),
        ("jackfield_hoem", "JACKFIELD_HOME"),
    ],
)
def test_a_misspelt_variable_is_refused(monkeypatch: pytest.MonkeyPatch, variable: str, meant: str) -> None:
    monkeypatch.setenv(variable, "1")
    assert refusal() == f"The variable {variable.upper()} names an unknown setting; did you mean {meant}?"


@pytest.mark.parametrize("variable", ["JACKFIELD_BOGUS", "JACKFIELD_BOGUS__DEEP", "JACKFIELD_PORT"])
def test_a_variable_of_no_setting_is_refused(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "1")
    assert f"The variable {variable} names an unknown setting" in refusal()


def test_variables_that_are_no_settings_are_let_be(monkeypatch: pytest.MonkeyPatch) -> None:
    others = {
        "JACKFIELD_LOAD_PLUGINS": "builtin",
        "JACKFIELD_TEST_MODEL": "x.gguf",
        "JACKFIELD_BOGUS": "",
        # What Kubernetes sets beside a service named jackfield.
        "JACKFIELD_SERVICE_HOST": "10.0.0.1",
        "JACKFIELD_SERVICE_PORT": "5225",
        "JACKFIELD_SERVICE_PORT_HTTP": "5225",
        "JACKFIELD_PORT": "tcp://10.0.0.1:5225",
        "JACKFIELD_PORT_5225_TCP": "tcp://10.0.0.1:5225",
        "JACKFIELD_PORT_5225_TCP_ADDR": "10.0.0.1",
    }
    for name, value in others.items():
        monkeypatch.setenv(name, value)
    assert load_settings().server.port == 5225


@pytest.mark.parametrize(
    ("text", "place", "hint"),
    [
        ("defalt_model = 'x'", "defalt_model", "did you mean 'default_model'?"),
        ("[server]\nprot = 1", "server.prot", "did you mean 'server.port'?"),
        ("[sever]\nport = 1", "sever", "did you mean 'server'?"),
        ("[runs]\nzzz = 1", "runs.zzz", "the settings there are runs.executor, runs.queue_limit, runs.keep_days."),
        ("zzz = 1", "zzz", "the settings there are home, database_url, default_model, log_level, server, engine,"),
    ],
)
def test_a_misspelt_key_in_the_file_is_refused(file: Path, text: str, place: str, hint: str) -> None:
    file.write_text(text, encoding="utf-8")
    said = refusal()
    assert said.startswith(f"There is an unknown setting '{place}' in {file}; ")
    assert hint in said


def test_threads_are_bounded_by_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    processors = os.cpu_count() or 1
    monkeypatch.setenv("JACKFIELD_ENGINE__THREADS", str(4 * processors))
    assert load_settings().engine.threads == 4 * processors
    monkeypatch.setenv("JACKFIELD_ENGINE__THREADS", "10000")
    said = refusal()
    assert "'engine.threads' is 10000" in said or "'engine.threads' is '10000'" in said
    assert f"at most {4 * processors} are of use on this machine's {processors} processors" in said
    assert "Value error" not in said


@pytest.mark.parametrize(
    ("setting", "most"),
    [("sequences", 256), ("batch_tokens", 8192), ("cells", 2**31 - 1), ("context_length", 2**31 - 1)],
)
def test_engine_options_are_bounded(monkeypatch: pytest.MonkeyPatch, setting: str, most: int) -> None:
    variable = f"JACKFIELD_ENGINE__{setting.upper()}"
    monkeypatch.setenv(variable, str(most))
    assert getattr(load_settings().engine, setting) == most
    monkeypatch.setenv(variable, str(most + 1))
    assert f"'engine.{setting}'" in refusal()


# Plugins that stay off: the host reads them without pydantic, and must see what the settings see.


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("JACKFIELD_PLUGINS__DISABLED", "web, dice"),
        ("JACKFIELD_PLUGINS__DISABLED", '["web", "dice"]'),
        ("jackfield_plugins__disabled", "web,dice,"),
        ("JACKFIELD_PLUGINS", '{"disabled": ["web", "dice"]}'),
    ],
)
def test_the_host_and_the_settings_agree_on_what_a_variable_disables(
    monkeypatch: pytest.MonkeyPatch, file: Path, variable: str, value: str
) -> None:
    file.write_text("[plugins]\ndisabled = ['storage']\n", encoding="utf-8")
    monkeypatch.setenv(variable, value)
    assert load_settings().plugins.disabled == ("web", "dice")
    assert LoadPolicy.configured().disabled == {"web", "dice"}


def test_an_empty_variable_leaves_the_files_list(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    file.write_text("[plugins]\ndisabled = ['storage']\n", encoding="utf-8")
    monkeypatch.setenv("JACKFIELD_PLUGINS__DISABLED", "")
    assert load_settings().plugins.disabled == ("storage",)
    assert LoadPolicy.configured().disabled == {"storage"}


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("JACKFIELD_PLUGINS__DISABLED", "[web"),
        ("JACKFIELD_PLUGINS__DISABLED", "[1]"),
        ("JACKFIELD_PLUGINS", "web"),
        ("JACKFIELD_PLUGINS", '{"disabled": "web"}'),
    ],
)
def test_a_list_of_plugins_that_is_none_is_refused_by_both(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    assert variable in refusal()
    with pytest.raises(SettingsInvalid, match=variable):
        LoadPolicy.configured()


def test_what_a_variable_disables_is_not_written_into_the_file(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    monkeypatch.setenv("JACKFIELD_PLUGINS__DISABLED", "web")
    set_enabled("storage", False)
    assert "web" not in file.read_text(encoding="utf-8")
    said = jackfield("plugins", "enable", "storage").stderr
    assert "As long as JACKFIELD_PLUGINS__DISABLED is set, what it names stays off instead: web." in said


# The command line.


@pytest.mark.parametrize("content", [b"[server\n", b"\xff\xfe", b"[plugins]\ndisabled = 5\n"])
def test_help_is_shown_beside_a_broken_settings_file(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    shown = jackfield("--help")
    assert shown.returncode == 0
    assert "doctor" in shown.stdout
    assert shown.stderr.startswith("warning: Plugins' commands are left out: ")
    assert len(shown.stderr.splitlines()) == 1
    assert str(file) in shown.stderr
    listed = jackfield("plugins", "list")
    assert (listed.returncode, listed.stdout) == (2, "")
    assert str(file) in listed.stderr


def test_a_wrong_variable_is_a_sentence_and_exit_code_2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JACKFIELD_MODELS", "abc")
    refused = jackfield("serve")
    assert refused.returncode == 2
    assert "JACKFIELD_MODELS is 'abc'" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


# What is not loaded, and what is not installed.


def test_a_plugin_that_the_variable_leaves_out_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JACKFIELD_LOAD_PLUGINS", "")
    with pytest.raises(NothingRegistered) as refused:
        upgrade_state(load_settings(home=tmp_path), loaded_host())
    assert "JACKFIELD_LOAD_PLUGINS leaves out agents, function-calls" in refused.value.message
    assert "pip install" not in refused.value.message


def test_a_disabled_plugin_is_named_with_what_lets_it_load(
    monkeypatch: pytest.MonkeyPatch, file: Path, tmp_path: Path
) -> None:
    file.write_text("[plugins]\ndisabled = ['migrations']\n", encoding="utf-8")
    with pytest.raises(NothingRegistered, match=r"migrations is disabled \(`jackfield plugins enable migrations`"):
        upgrade_state(load_settings(home=tmp_path), loaded_host())
    monkeypatch.setenv("JACKFIELD_PLUGINS__DISABLED", "migrations")
    with pytest.raises(NothingRegistered, match="JACKFIELD_PLUGINS__DISABLED disables migrations"):
        upgrade_state(load_settings(home=tmp_path), loaded_host())


def test_a_missing_package_is_met_with_the_extra_that_brings_it() -> None:
    def incomplete() -> object:
        raise ModuleNotFoundError("No module named 'cogs'")

    def advised(shelf: Shelf[object]) -> str:
        shelf.add(Provided("clock", incomplete), "clocks")
        with pytest.raises(MissingDependency) as refused:
            shelf.get("clock")
        return refused.value.message

    registry = Registry()
    for shelf in ("engines", "state_stores", "model_sources", "migrators"):
        assert "pip install 'jackfield[local]'" in advised(getattr(registry, shelf))
    assert "pip install 'jackfield[server]'" in advised(registry.shelf("jackfield_doors"))
