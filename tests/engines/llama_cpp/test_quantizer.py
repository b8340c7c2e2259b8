"""Writing models in other formats with llama.cpp: what is promised, what is written, and what a stop leaves."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import psutil
import pytest

from jackfield.contracts.engine import EngineSettings, TokenBatch
from jackfield.contracts.quantizers import Quantizer
from jackfield.errors import InvalidRequest, ModelFileInvalid
from jackfield.testing.tiny_gguf import write_chat_model
from jackfield_engines.llama_cpp import quantizer
from jackfield_engines.llama_cpp.factory import LlamaCppFactory
from jackfield_engines.llama_cpp.gguf_file import TensorHead, read_tensors
from jackfield_engines.llama_cpp.weight_formats import Q4_0, Q4_K, Q5_0, Q8_0, mixes

METADATA_ADDED = 200
"""Bytes at most: the version of the blocks' layout, where the file did not have it yet."""
FITTING_WIDTHS_OF_32 = ["Q8_0", "Q4_0_L", "IQ4_NL_M", "Q4_0_M", "IQ4_NL_S", "Q4_0_S", "IQ4_NL_XS", "Q4_0_XS"]


def unheard(done: int, total: int | None) -> None:
    """A progress that nobody reads."""


def children() -> list[psutil.Process]:
    """Quantizing programs of this process."""
    return [child for child in psutil.Process().children() if quantizer.PROGRAM in child.cmdline()]


def test_tensors_are_read_with_their_shapes_and_sizes(chat_file: Path) -> None:
    tensors = {tensor.name: tensor for tensor in read_tensors(chat_file)}
    assert len(tensors) == 21
    embedding = tensors["token_embd.weight"]
    assert (embedding.shape, embedding.kind, embedding.bytes) == ((64, 298), 0, 64 * 298 * 4)
    assert sum(tensor.bytes for tensor in tensors.values()) < chat_file.stat().st_size


def test_a_file_that_ends_among_its_tensors_heads_is_refused(chat_file: Path, tmp_path: Path) -> None:
    content = chat_file.read_bytes()
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(content[: content.index(b"blk.1.") + 3])
    with pytest.raises(ModelFileInvalid, match="cut short"):
        read_tensors(cut)


def test_formats_whose_blocks_do_not_fit_are_not_offered(factory: LlamaCppFactory, install, chat_file: Path) -> None:
    assert isinstance(factory, Quantizer)
    assert [each.name for each in factory.formats(install(chat_file))] == FITTING_WIDTHS_OF_32
    wide = [tensor for tensor in read_tensors(chat_file) if len(tensor.shape) < 2]
    assert mixes(wide) == ()


@pytest.mark.parametrize("name", ["Q8_0", "Q4_0_M", "IQ4_NL_S"])
def test_a_format_is_written_as_it_was_announced(
    factory: LlamaCppFactory, install, chat_file: Path, tmp_path: Path, name: str
) -> None:
    model, target = install(chat_file), tmp_path / "written.gguf"
    factory.quantize(model, name, target, unheard)
    announced = {each.name: each for each in factory.formats(model)}[name]
    assert 0 <= target.stat().st_size - announced.bytes < METADATA_ADDED
    assert factory.inspect(target).format == name.removesuffix("_M").removesuffix("_S")
    assert [path.name for path in tmp_path.iterdir()] == ["written.gguf"]


def test_sensitive_weights_get_more_bits(factory: LlamaCppFactory, install, chat_file: Path, tmp_path: Path) -> None:
    factory.quantize(install(chat_file), "Q4_0_L", tmp_path / "l.gguf", unheard)
    factory.quantize(install(chat_file), "Q4_0_XS", tmp_path / "xs.gguf", unheard)
    large = {tensor.name: tensor.kind for tensor in read_tensors(tmp_path / "l.gguf")}
    small = {tensor.name: tensor.kind for tensor in read_tensors(tmp_path / "xs.gguf")}
    for name in ("blk.0.attn_v.weight", "blk.0.attn_q.weight", "blk.1.ffn_down.weight", "output.weight"):
        assert large[name] == Q8_0.kind
    assert small["blk.0.attn_v.weight"] == Q8_0.kind
    assert small["blk.0.attn_q.weight"] == small["token_embd.weight"] == small["output.weight"] == Q4_0.kind
    assert large["blk.1.ffn_up.weight"] == small["blk.1.ffn_up.weight"] == Q4_0.kind
    assert large["blk.0.attn_norm.weight"] == 0


def test_blocks_of_256_are_used_for_just_the_rows_that_have_room_for_them() -> None:
    tensors = [
        TensorHead("token_embd.weight", (576, 1000), 3, 1),
        TensorHead("blk.0.attn_q.weight", (576, 576), 3, 1),
        TensorHead("blk.0.ffn_down.weight", (1536, 576), 3, 1),
        TensorHead("blk.0.attn_norm.weight", (576,), 0, 1),
    ]
    by_name = {mix.name: mix for mix in mixes(tensors)}
    assert "Q4_K_M" not in by_name
    packings = [by_name["Q4_0_S"].packing_of(tensor) for tensor in tensors]
    assert packings == [Q5_0, Q4_0, Q4_K, None]
    wide = [TensorHead("blk.0.attn_q.weight", (2048, 2048), 1, 1)]
    assert "Q4_K_M" in {mix.name for mix in mixes(wide)}


def test_eight_bits_predict_as_the_file_does(
    factory: LlamaCppFactory, install, chat_file: Path, tmp_path: Path
) -> None:
    factory.quantize(install(chat_file), "Q8_0", tmp_path / "eight.gguf", unheard)
    logits = []
    for path in (chat_file, tmp_path / "eight.gguf"):
        engine = factory.open(install(path), EngineSettings(context_length=64, cells=256, sequences=1, threads=1))
        batch = TokenBatch()
        for at, token in enumerate(engine.tokenize("the cat sat", special=False)):
            row = batch.add(token, position=at, sequence=0, logits=True)
        engine.evaluate(batch)
        logits.append(engine.logits(row).copy())
        engine.close()
    assert np.corrcoef(*logits)[0, 1] > 0.99


def test_an_unknown_format_is_named_with_those_that_suit(
    factory: LlamaCppFactory, install, chat_file: Path, tmp_path: Path
) -> None:
    with pytest.raises(InvalidRequest, match=r"'Q4_K_M'.*Q8_0, Q4_0_L"):
        factory.quantize(install(chat_file), "Q4_K_M", tmp_path / "written.gguf", unheard)
    assert list(tmp_path.iterdir()) == []


def test_a_stopped_writing_leaves_neither_file_nor_process(
    factory: LlamaCppFactory, install, chat_file: Path, tmp_path: Path
) -> None:
    def stop(done: int, total: int | None) -> None:
        assert len(children()) == 1
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        factory.quantize(install(chat_file), "Q8_0", tmp_path / "written.gguf", stop)
    assert (children(), list(tmp_path.iterdir())) == ([], [])


def test_a_damaged_file_is_refused_in_llama_cpps_words(factory: LlamaCppFactory, install, tmp_path: Path) -> None:
    path = write_chat_model(tmp_path / "m.gguf")
    model = install(path)
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(ModelFileInvalid, match="cannot be quantized"):
        factory.quantize(model, "Q8_0", tmp_path / "written.gguf", unheard)
    assert [each.name for each in tmp_path.iterdir()] == ["m.gguf"]


def test_the_program_ends_with_who_started_it(chat_file: Path, tmp_path: Path) -> None:
    endless = tmp_path / "never-written.gguf"
    os.mkfifo(endless)
    job = msgspec.json.encode(mixes(read_tensors(chat_file))[0].job(threads=1)).decode()
    command = [sys.executable, "-P", "-m", quantizer.PROGRAM, str(endless), str(tmp_path / "written.gguf"), job]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as program:
        assert program.stdin is not None
        program.stdin.close()
        assert program.wait(60) == 1
