"""`jackfield models tune`, and what a pull says of it: what a person and a program see."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from jackfield import builtin
from jackfield.cli.main import jackfield
from jackfield.cli.session import Session
from jackfield.errors import InvalidRequest, JackfieldError, MissingDependency, ModelNotFound
from jackfield.plugin_host import PluginHost
from jackfield.settings import load_settings
from jackfield.testing.memory_store import InMemoryStateStore
from jackfield.testing.scripted_quantizer import ScriptedQuantizer
from jackfield.testing.temporary_workbench import TemporaryPlugin
from jackfield_plugins.model_sources import plugin as model_sources

KEEP = ("--keep", "exact")


class Terminal:
    """A person's machine with one model on it, `tiny`, and a short text to compare predictions over."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings_file = folder / "jackfield.toml"
        self.text = folder / "text.txt"
        self.text.write_text("All that is predicted here is this, one byte after the other, again and again.")
        self._store = InMemoryStateStore()
        original = folder / "tiny.gguf"
        original.write_bytes(b"GGUF as pulled")
        self.pulled = self.ran("pull", str(original))

    def run(self, *arguments: str) -> Result:
        """Run `jackfield models …`."""
        session = Session()
        session.settings = load_settings(home=self.folder / "home", database_url="memory:")
        session.plugins = PluginHost(entries=[])
        session.plugins.register(builtin, "platform")
        session.plugins.register(model_sources, "model-sources")
        session.plugins.register(TemporaryPlugin(ScriptedQuantizer(), self._store), "temporary")
        return CliRunner().invoke(jackfield, ["models", *arguments], obj=session, standalone_mode=False)

    def ran(self, *arguments: str) -> Result:
        """Run a command that must go well."""
        result = self.run(*arguments)
        assert result.exception is None, result.exception
        return result

    def tuned(self, *arguments: str) -> Result:
        """Tune the model over the short text."""
        return self.ran("tune", "tiny", "--text", str(self.text), *arguments)

    def refusal(self, *arguments: str) -> JackfieldError:
        """The error that a command ends with."""
        error = self.run(*arguments).exception
        assert isinstance(error, JackfieldError)
        return error

    def names(self) -> list[str]:
        """Installed models, the default one with a star."""
        models = json.loads(self.ran("ls", "--json").stdout)
        return [model["name"] + "*" * model["default"] for model in models]


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("JACKFIELD_SETTINGS", str(tmp_path / "jackfield.toml"))
    monkeypatch.delenv("JACKFIELD_DEFAULT_MODEL", raising=False)
    return Terminal(tmp_path)


def test_a_tuning_shows_the_trade_off_and_keeps_the_choice(terminal: Terminal) -> None:
    result = terminal.tuned(*KEEP, "--format", "rough")
    header, *rows = (line.split("\t") for line in result.stdout.splitlines())
    assert header[:4] == ["FORMAT", "SIZE", "PREFILL/S", "DECODE/S"]
    assert [(row[0], row[5], row[7]) for row in rows[:2]] == [
        ("as pulled", "0.0000", "0.0%"),
        ("exact", "0.0000", "0.0%"),
    ]
    assert rows[1][-1] == "chosen"
    assert "'tiny-tuned' is 'tiny' in exact (exact weights)" in result.stderr
    assert "what it lost when it was made itself is not counted" in result.stderr


def test_the_default_follows_what_was_tuned(terminal: Terminal) -> None:
    said = terminal.tuned(*KEEP).stderr
    assert "'tiny-tuned' is the default model from now on" in said
    assert "`jackfield models default tiny` goes back to it" in said
    assert terminal.names() == ["tiny", "tiny-tuned*"]


def test_the_default_stays_where_it_was_if_told_so(terminal: Terminal) -> None:
    terminal.tuned(*KEEP, "--no-default")
    assert terminal.names() == ["tiny*", "tiny-tuned"]


def test_the_default_stays_where_another_model_has_it(terminal: Terminal, tmp_path: Path) -> None:
    other = tmp_path / "other.gguf"
    other.write_bytes(b"GGUF other")
    terminal.ran("pull", str(other), "--default")
    terminal.tuned(*KEEP)
    assert terminal.names() == ["other*", "tiny", "tiny-tuned"]
    terminal.tuned("--keep", "rough", "--default", "--alias", "quick")
    assert terminal.names() == ["other", "quick*", "tiny", "tiny-tuned"]


def test_measuring_alone_changes_nothing(terminal: Terminal) -> None:
    found = json.loads(terminal.tuned("--no-keep", "--json").stdout)
    assert (found["model"], found["kept"]) == ("tiny", None)
    assert [each["name"] for each in found["formats"]] == ["exact", "rough"]
    assert [each["name"] for each in found["left_out"]] == ["huge"]
    assert found["formats"][0]["divergence"]["tokens"] == len(terminal.text.read_text())
    assert terminal.names() == ["tiny*"]
    assert not terminal.settings_file.exists()


def test_where_nothing_is_worth_keeping_it_says_how_to_choose_otherwise(terminal: Terminal) -> None:
    said = terminal.tuned("--format", "rough", "--max-kl", "0").stderr
    assert "Nothing was kept" in said
    assert "--keep FORMAT" in said
    assert terminal.names() == ["tiny*"]


def test_what_cannot_be_is_refused_before_anything_is_measured(terminal: Terminal, tmp_path: Path) -> None:
    assert isinstance(terminal.refusal("tune", "none"), ModelNotFound)
    assert "exact, rough, huge" in terminal.refusal("tune", "tiny", "--format", "Q9").message
    assert "leave out --no-keep" in terminal.refusal("tune", "tiny", *KEEP, "--no-keep").message
    assert "leave out --max-kl" in terminal.refusal("tune", "tiny", *KEEP, "--max-kl", "1").message
    assert "cannot be read" in terminal.refusal("tune", "tiny", "--text", str(tmp_path / "none")).message
    terminal.text.write_bytes(b"\xff\xfe")
    assert "not in UTF-8" in terminal.refusal("tune", "tiny", "--text", str(terminal.text)).message


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_the_trade_off_is_drawn(terminal: Terminal, tmp_path: Path, kind: str) -> None:
    pytest.importorskip("matplotlib")
    chart = tmp_path / f"chart.{kind}"
    terminal.tuned("--no-keep", "--plot", str(chart))
    assert chart.read_bytes().startswith(b"<?xml" if kind == "svg" else b"\x89PNG")
    assert sorted(path.name for path in tmp_path.glob("*chart*")) == [chart.name]


def test_a_chart_that_cannot_be_drawn_is_refused_first(terminal: Terminal, tmp_path: Path) -> None:
    for name, says in (("chart.txt", "not to 'chart.txt'"), ("none/chart.svg", "no folder")):
        refusal = terminal.refusal("tune", "tiny", "--plot", str(tmp_path / name))
        assert isinstance(refusal, InvalidRequest | MissingDependency)
        assert says in refusal.message


def test_a_pull_says_how_to_find_a_faster_format_until_that_was_done(terminal: Terminal, tmp_path: Path) -> None:
    assert "`jackfield models tune tiny` finds out (about a minute)" in terminal.pulled.stderr
    terminal.tuned(*KEEP)
    again = terminal.ran("pull", str(tmp_path / "tiny.gguf"))
    assert "jackfield models tune" not in again.stderr


def test_a_pull_can_tune_at_once(terminal: Terminal, tmp_path: Path) -> None:
    other = tmp_path / "other.gguf"
    other.write_bytes(b"GGUF other")
    result = terminal.ran("pull", str(other), "--tune")
    assert result.stdout.startswith("FORMAT\t")


def test_a_tuned_model_that_lost_its_file_says_how_to_make_it_again(terminal: Terminal, tmp_path: Path) -> None:
    terminal.tuned(*KEEP)
    next((tmp_path / "home" / "models" / "tiny-tuned").glob("*.gguf")).unlink()
    assert (
        "`jackfield models tune tiny --keep exact --alias tiny-tuned`" in terminal.refusal("show", "tiny-tuned").message
    )
