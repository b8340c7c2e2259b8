"""Adapters from a terminal: pulled like models, listed as what they are, and named beside a model."""

from __future__ import annotations

import json

import pytest

from jackfield.testing.installation import Installation
from jackfield.testing.tiny_gguf import write_adapter, write_chat_model

pytestmark = pytest.mark.slow

ASK = ("ask", "the cat sat", "--temperature", "0", "--max-tokens", "8")


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Has a model `tiny`, an adapter `poet` for it, and one `stranger` for another kind of model."""
    folder = tmp_path_factory.mktemp("machine")
    machine = Installation(folder, plugins=("llama-cpp",))
    write_chat_model(folder / "tiny.gguf")
    write_adapter(folder / "poet.gguf", strength=2.0)
    write_adapter(folder / "stranger.gguf", general__architecture="qwen2")
    for name in ("tiny", "poet", "stranger"):
        pulled = machine.run("models", "pull", str(folder / f"{name}.gguf"))
        assert pulled.returncode == 0, pulled.stderr
    assert "a LoRA adapter for qwen2 models" in pulled.stderr
    return machine


def test_an_answer_differs_with_the_adapter(machine: Installation) -> None:
    plain, poetic, again = (machine.run(*ASK, *flags) for flags in ((), ("--adapter", "poet"), ()))
    assert plain.stdout == again.stdout != poetic.stdout
    assert [asked.returncode for asked in (plain, poetic)] == [0, 0]


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ((*ASK, "--adapter", "stranger"), 2, "it was made for qwen2 models, and this is a llama one"),
        ((*ASK, "--adapter", "nobody"), 4, "Adapter 'nobody' is not installed"),
        ((*ASK, "--adapter", "tiny"), 2, "'tiny' is a model and no adapter"),
        ((*ASK, "--model", "poet"), 2, "'poet' is an adapter, which writes nothing by itself"),
        (("models", "default", "poet"), 2, "'poet' is an adapter"),
        (("models", "tune", "poet"), 2, "'poet' is an adapter"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(
    machine: Installation, arguments: tuple[str, ...], status: int, words: str
) -> None:
    refused = machine.run(*arguments)
    assert (refused.returncode, refused.stdout) == (status, "")
    assert words in refused.stderr


def test_a_list_tells_adapters_from_models(machine: Installation) -> None:
    listed = json.loads(machine.run("models", "ls", "--json").stdout)
    assert {model["name"]: model["description"]["is_adapter"] for model in listed} == {
        "poet": True,
        "stranger": True,
        "tiny": False,
    }
    assert [model["name"] for model in listed if model["default"]] == ["tiny"]
    assert "adapter:      a LoRA adapter for llama models" in machine.run("models", "show", "poet").stdout


def test_a_conversation_has_an_adapter_too(machine: Installation) -> None:
    plain, poetic = (
        machine.run("chat", "--temperature", "0", *flags, typed="the cat sat\n")
        for flags in ((), ("--adapter", "poet"))
    )
    assert (plain.returncode, poetic.returncode) == (0, 0)
    assert plain.stdout != poetic.stdout
    assert machine.run("chat", "--adapter", "nobody", typed="hello\n").returncode == 4
