"""The head of a model file, whole and broken."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jackfield.errors import ModelFileInvalid
from jackfield.testing.tiny_gguf import write_chat_model, write_gguf
from jackfield_engines.llama_cpp.gguf_file import OmittedArray, read_head

ON_FILES = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_a_head_has_its_metadata_and_counts(chat_file: Path) -> None:
    head = read_head(chat_file)
    assert (head.version, head.tensors, head.bytes) == (3, 21, chat_file.stat().st_size)
    assert head.architecture == "llama"
    assert head.text("general.license") == "apache-2.0"
    assert head.of_architecture("block_count") == 2
    assert head.metadata["tokenizer.ggml.add_bos_token"] is False
    assert head.array_length("tokenizer.ggml.tokens") == 298


def test_a_number_may_be_given_once_or_for_each_layer(tmp_path: Path) -> None:
    path = write_chat_model(tmp_path / "m.gguf", llama__attention__head_count_kv=[2, 0])
    assert read_head(path).by_layer("attention.head_count_kv", 9) == (2, 0)
    assert read_head(path).by_layer("attention.head_count", 9) == (4, 4)
    assert read_head(path).by_layer("attention.not_there", 9) == (9, 9)


def test_long_arrays_are_counted_and_not_kept(tmp_path: Path) -> None:
    write_gguf(tmp_path / "m.gguf", {"words": [f"word {number}" for number in range(5000)], "numbers": [1] * 5000}, [])
    head = read_head(tmp_path / "m.gguf")
    assert head.metadata == {"words": OmittedArray(5000), "numbers": OmittedArray(5000)}
    assert head.array_length("numbers") == 5000


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04 and so on", "zip archive"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1", "Git LFS pointer"),
        (b"hello", "begins with b'hell', where GGUF begins with b'GGUF'"),
        (b"GGUF", "cut short"),
        (b"GGUF\x03\0\0\0", "cut short"),
        (b"GGUF\x04\0\0\0" + bytes(16), "GGUF version 4; versions 2 to 3 can be read"),
        (b"GGUF\x01\0\0\0" + bytes(16), "GGUF version 1"),
        (b"GGUF\0\0\0\x03" + bytes(16), "big-endian"),
        (b"GGUF\x03\0\0\0" + bytes(8) + b"\x01" + bytes(7) + bytes(8) + b"\x63\0\0\0", "of type 99"),
        (b"GGUF\x03\0\0\0" + b"\xff" * 16 + b"\xff" * 8, "cut short"),
    ],
)
def test_what_is_no_model_is_named_for_what_it_is(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "some.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelFileInvalid, match=r"some\.gguf") as refusal:
        read_head(path)
    assert says in refusal.value.message


@pytest.mark.parametrize("place", ["none.gguf", "."])
def test_a_file_that_cannot_be_read_is_refused_with_the_systems_reason(tmp_path: Path, place: str) -> None:
    with pytest.raises(ModelFileInvalid, match=r"cannot be read: (No such file|Is a directory)"):
        read_head(tmp_path / place)


def test_a_vocabulary_that_has_a_token_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    for tokens in (["a", "b", "a"], ["a", "a\0b"]):
        write_gguf(path, {"tokenizer.ggml.tokens": tokens}, [])
        with pytest.raises(ModelFileInvalid, match="1 tokens of its vocabulary are there twice"):
            read_head(path)
    write_gguf(path, {"tokenizer.ggml.tokens": ["a", "", ""]}, [])
    read_head(path)


@ON_FILES
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_head_cut_anywhere_is_refused(tmp_path: Path, chat_file: Path, share: float) -> None:
    content = chat_file.read_bytes()
    metadata_ends = content.index(b"token_embd.weight") - 8
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(content[: int(share * metadata_ends)])
    with pytest.raises(ModelFileInvalid):
        read_head(cut)


@ON_FILES
@given(changes=st.lists(st.tuples(st.integers(0, 8000), st.integers(0, 255)), min_size=1, max_size=8))
def test_a_damaged_head_is_read_or_refused(tmp_path: Path, chat_file: Path, changes: list[tuple[int, int]]) -> None:
    content = bytearray(chat_file.read_bytes()[:9000])
    for at, byte in changes:
        content[at] = byte
    damaged = tmp_path / "damaged.gguf"
    damaged.write_bytes(content)
    try:
        head = read_head(damaged)
    except ModelFileInvalid:
        return
    assert head.bytes == len(content)
