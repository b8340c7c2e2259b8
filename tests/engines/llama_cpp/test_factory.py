"""Opening model files: what they say of themselves, what is wrong with bad ones, what fits."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import msgspec
import numpy as np
import pytest

from jackfield.contracts.engine import EmbeddingEngine, EngineSettings, TokenEngine
from jackfield.errors import EngineFailure, InvalidRequest, ModelFileInvalid, ModelTooLarge
from jackfield.testing.tiny_gguf import CHAT_TEMPLATE, write_chat_model, write_embedding_model
from jackfield_engines.llama_cpp import native
from jackfield_engines.llama_cpp.description import format_name
from jackfield_engines.llama_cpp.factory import LlamaCppFactory

ONE_THREAD = EngineSettings(threads=1)


def test_a_chat_model_describes_itself(factory: LlamaCppFactory, chat_file: Path) -> None:
    told = factory.inspect(chat_file)
    assert (told.name, told.architecture, told.format) == ("Tiny chat", "llama", "F32")
    assert (told.context_length, told.embedding_size, told.layers, told.vocabulary_size) == (1024, 64, 2, 298)
    assert told.parameters * 4 == told.bytes < chat_file.stat().st_size
    assert told.bits_per_weight == 32
    assert told.end_tokens == {2, 4}
    assert told.begin_token is None
    assert told.chat_template == CHAT_TEMPLATE
    assert told.licence == "apache-2.0"
    assert told.generates


def test_an_embedding_model_describes_itself(factory: LlamaCppFactory, embedding_file: Path) -> None:
    told = factory.inspect(embedding_file)
    assert (told.architecture, told.context_length, told.embedding_size) == ("bert", 64, 32)
    assert not told.generates
    assert told.chat_template is None
    assert told.licence is None


def test_a_model_without_a_name_is_called_like_its_file(factory: LlamaCppFactory, tmp_path: Path) -> None:
    path = write_chat_model(tmp_path / "some-model.gguf", general__name=None, tokenizer__ggml__add_bos_token=True)
    assert factory.inspect(path).name == "some-model"
    assert factory.inspect(path).begin_token == 1


def test_the_format_is_what_the_file_says_it_is(factory: LlamaCppFactory, install, tmp_path: Path) -> None:
    path = write_chat_model(tmp_path / "m.gguf", general__file_type=15)
    engine = factory.open(install(path), ONE_THREAD)
    assert (factory.inspect(path).format, engine.model.format) == ("Q4_K_M", "Q4_K_M")
    engine.close()
    assert factory.inspect(write_chat_model(tmp_path / "n.gguf", general__file_type=None)).format == "unknown"


def test_a_file_may_have_any_name(factory: LlamaCppFactory, tmp_path: Path) -> None:
    for name in ("mödel 🙂.gguf", os.fsdecode(b"not utf-8 \xff.gguf")):
        assert factory.inspect(write_chat_model(tmp_path / name)).name == "Tiny chat"


def test_a_model_that_pools_what_it_reads_does_not_write(factory: LlamaCppFactory, tmp_path: Path) -> None:
    assert not factory.inspect(write_chat_model(tmp_path / "m.gguf", llama__pooling_type=3)).generates


@pytest.mark.parametrize(
    ("file_type", "name"),
    [
        ("Q4_1", "Q4_1"),
        ("all F32", "F32"),
        ("Q4_K - Medium", "Q4_K_M"),
        ("Q3_K - Large", "Q3_K_L"),
        ("Q2_K - Medium", "Q2_K"),
        ("Q2_K - Small", "Q2_K_S"),
        ("IQ2_XXS - 2.0625 bpw", "IQ2_XXS"),
        ("IQ3_S mix - 3.66 bpw", "IQ3_M"),
        ("TQ1_0 - 1.69 bpw ternary", "TQ1_0"),
        ("MXFP4 MoE", "MXFP4"),
        ("(guessed) Q6_K", "Q6_K"),
        ("unknown, may not work", "unknown"),
    ],
)
def test_formats_have_their_usual_short_names(file_type: str, name: str) -> None:
    assert format_name(file_type) == name


@pytest.mark.parametrize("missing", [1, 1000, 400_000])
def test_a_file_cut_short_in_its_tensors_is_refused(
    factory: LlamaCppFactory, chat_file: Path, tmp_path: Path, missing: int
) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(chat_file.read_bytes()[:-missing])
    with pytest.raises(ModelFileInvalid, match=r"cut\.gguf' is cut short or damaged: tensor .*; pull the model again"):
        factory.inspect(cut)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"general__architecture": "hal9000"}, "architecture that llama.cpp"),
        ({"tokenizer__ggml__model": "morse"}, "cannot be loaded: .*morse"),
        ({"general__architecture": None}, "unknown model architecture"),
        ({"tokenizer__ggml__tokens": None}, "cannot be loaded"),
    ],
)
def test_a_file_that_llama_cpp_refuses_is_refused_in_its_words(
    factory: LlamaCppFactory, tmp_path: Path, change: dict[str, str | None], says: str
) -> None:
    with pytest.raises(ModelFileInvalid, match=says):
        factory.inspect(write_chat_model(tmp_path / "m.gguf", **change))


def test_a_file_of_another_kind_is_refused(factory: LlamaCppFactory, tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(b"PK\x03\x04 and so on")
    with pytest.raises(ModelFileInvalid, match="zip archive"):
        factory.inspect(path)


def test_a_file_that_went_away_is_refused(factory: LlamaCppFactory, install, tmp_path: Path) -> None:
    model = install(write_chat_model(tmp_path / "m.gguf"))
    model.path.unlink()
    for open_model in (factory.open, factory.open_embedding, factory.fits):
        with pytest.raises(ModelFileInvalid, match="cannot be read"):
            open_model(model, EngineSettings())


def test_a_file_that_was_replaced_is_loaded_again(factory: LlamaCppFactory, install, tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    old = factory.open(install(write_chat_model(path)), ONE_THREAD)
    replacement = write_chat_model(tmp_path / "new.gguf", tokenizer__ggml__eos_token_id=2)
    replacement.replace(path)
    new = factory.open(install(path), ONE_THREAD)
    assert (old.model.end_tokens, new.model.end_tokens) == ({2, 4}, {2, 4})
    assert old._weights is not new._weights
    old.close()
    new.close()


def test_a_model_that_fits_says_what_it_needs(factory: LlamaCppFactory, install, chat_file: Path) -> None:
    fit = factory.fits(install(chat_file), EngineSettings())
    assert fit.fits
    assert not fit.reason
    assert chat_file.stat().st_size < fit.bytes_needed < fit.bytes_available


def test_loaded_weights_are_not_needed_twice(factory: LlamaCppFactory, install, chat_file: Path) -> None:
    model = install(chat_file)
    settings = EngineSettings(cells=512, threads=1)
    before = factory.fits(model, settings).bytes_needed
    engine = factory.open(model, settings)
    assert factory.fits(model, settings).bytes_needed == before - chat_file.stat().st_size
    engine.close()
    assert factory.fits(model, settings).bytes_needed == before


def test_a_model_too_large_is_refused_with_both_sizes(factory: LlamaCppFactory, install, chat_file: Path) -> None:
    model = install(chat_file)
    endless = EngineSettings(cells=2**40)
    fit = factory.fits(model, endless)
    assert not fit.fits
    assert fit.bytes_needed > fit.bytes_available > 0
    with pytest.raises(ModelTooLarge) as refusal:
        factory.open(model, endless)
    assert "needs about" in refusal.value.message
    assert "are available; choose a smaller" in refusal.value.message
    huge = msgspec.structs.replace(model, description=msgspec.structs.replace(model.description, bytes=10**15))
    assert "1000.0 TB for its weights" in factory.fits(huge, EngineSettings()).reason


def test_an_embedding_model_is_not_opened_for_writing(factory: LlamaCppFactory, install, embedding_file: Path) -> None:
    with pytest.raises(InvalidRequest, match="embeds texts and writes none"):
        factory.open(install(embedding_file), EngineSettings())


def test_a_reranker_is_not_opened_for_embedding(factory: LlamaCppFactory, install, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="does not embed"):
        factory.open_embedding(install(write_embedding_model(tmp_path / "m.gguf", bert__pooling_type=4)), ONE_THREAD)


def test_writing_and_embedding_stand_on_one_set_of_weights(factory: LlamaCppFactory, install, chat_file: Path) -> None:
    model = install(chat_file)
    engine, embedder = factory.open(model, ONE_THREAD), factory.open_embedding(model, ONE_THREAD)
    assert isinstance(engine, TokenEngine)
    assert isinstance(embedder, EmbeddingEngine)
    assert engine._weights is embedder._weights
    engine.close()
    assert np.isfinite(embedder.embed(["the cat"])).all()
    embedder.close()
    assert not native.weights_are_loaded(chat_file)


@pytest.mark.parametrize("pooling", [1, 2, 3])
def test_a_models_own_pooling_is_used(factory: LlamaCppFactory, install, tmp_path: Path, pooling: int) -> None:
    engines = [
        factory.open_embedding(
            install(write_embedding_model(tmp_path / f"{kind}.gguf", bert__pooling_type=kind)), ONE_THREAD
        )
        for kind in {1, pooling}
    ]
    vectors = [engine.embed(["the cat sat on the mat"])[0] for engine in engines]
    assert (float(vectors[0] @ vectors[-1]) > 0.999) is (pooling == 1)
    for engine in engines:
        engine.close()


def test_an_embedding_engine_takes_the_length_it_is_set_to(factory: LlamaCppFactory, install, chat_file: Path) -> None:
    engine = factory.open_embedding(install(chat_file), EngineSettings(context_length=700, threads=1))
    assert engine.max_tokens == 700
    assert engine.embed(["cat " * 170, "the", "cat " * 160]).shape == (3, 64)
    engine.close()


def test_odd_texts_are_embedded_or_refused(factory: LlamaCppFactory, install, embedding_file: Path) -> None:
    engine = factory.open_embedding(install(embedding_file), ONE_THREAD)
    with pytest.raises(InvalidRequest, match="Text 2 to embed is empty"):
        engine.embed(["the", ""])
    with pytest.raises(InvalidRequest, match="surrogate"):
        engine.embed(["\ud83d"])
    assert engine.embed([" ", "🙂", "[SEP]", "\n"]).shape == (4, 32)
    engine.close()
    with pytest.raises(EngineFailure, match="closed"):
        engine.embed(["the"])


def test_without_llama_cpp_the_engine_says_how_to_get_it() -> None:
    program = """
        import sys
        sys.modules["llama_cpp"] = None
        from jackfield.errors import MissingDependency
        from jackfield_engines.llama_cpp import plugin
        try:
            plugin.jackfield_engines()[0].build()
        except MissingDependency as error:
            print(error.message)
        print(plugin.jackfield_diagnostics()[0].build().examine()[0])
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=60, check=True
    )
    sentence, finding = done.stdout.splitlines()
    assert "pip install 'jackfield[local]'" in sentence
    assert "health='missing'" in finding
    assert "pip install 'jackfield[local]'" in finding
