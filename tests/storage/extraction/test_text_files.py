"""Text: encodings, kinds by name and by content, and what is no text."""

from __future__ import annotations

import codecs

import pytest

from jackfield.contracts.files import Extracted, Extractor
from jackfield.errors import FileUnreadable
from jackfield_storage.extraction.text import CodeExtractor, MarkdownExtractor, TableExtractor, TextExtractor

IN_ORDER: tuple[Extractor, ...] = (MarkdownExtractor(), TableExtractor(), CodeExtractor(), TextExtractor())


def read(filename: str, data: bytes) -> Extracted | None:
    """By the first that claims it; None if nobody does."""
    for extractor in IN_ORDER:
        if extractor.claims(filename, data[:4096]):
            return extractor.extract(data, filename=filename)
    return None


def kind_of(filename: str, data: bytes) -> tuple[str, str] | None:
    """Its kind and language."""
    extracted = read(filename, data)
    return (extracted.kind, extracted.language) if extracted else None


def test_text_in_utf_8_is_the_file_s_own_bytes() -> None:
    data = "Käse\r\n\tund Brot\n".encode()
    extracted = read("a.txt", data)
    assert extracted
    assert extracted.own
    assert extracted.text.encode() == data


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("filename", ["a.txt", "a.md", "a.csv", "a.py"])
def test_byte_order_marks_are_followed_and_left_out(encoding: str, filename: str) -> None:
    extracted = read(filename, "Käse\n".encode(encoding))
    assert extracted
    assert extracted.text == "Käse\n"
    assert not extracted.own


def test_big_endian_text_is_read_too() -> None:
    extracted = read("a.txt", codecs.BOM_UTF16_BE + "Käse".encode("utf-16-be"))
    assert extracted
    assert extracted.text == "Käse"


OLD_TEXTS = {
    "cp1252": "El niño comió una piña mañana por la mañana; à bientôt, mein Fräulein",
    "cp1250": "Zażółć gęślą jaźń, proszę państwa. Wszystko będzie dobrze.",
    "cp1251": "Привет, как дела? Сегодня хорошая погода, и мы идем гулять в парк.",
    "koi8_r": "Привет, как дела? Сегодня хорошая погода, и мы идем гулять в парк.",
    "cp932": "これは日本語の文章です。今日は天気がいいので散歩に行きます。",
    "euc_jp": "これは日本語の文章です。今日は天気がいいので散歩に行きます。",
    "gb18030": "今天天气很好，我们去公园散步吧。这是一个测试。",  # noqa: RUF001
    "big5": "今天天氣很好，我們去公園散步吧。這是一個測試。",  # noqa: RUF001
    "cp949": "이것은 한국어 문장입니다. 오늘은 날씨가 좋습니다.",
    "cp1253": "Η γρήγορη καφέ αλεπού πηδάει πάνω από τον τεμπέλη σκύλο",  # noqa: RUF001
}


@pytest.mark.parametrize("encoding", OLD_TEXTS)
@pytest.mark.parametrize("before", ["", "Plain words before any other. " * 3000])
def test_old_encodings_are_told_from_the_text(encoding: str, before: str) -> None:
    text = before + OLD_TEXTS[encoding] * 3
    extracted = read("a.txt", text.encode(encoding))
    assert extracted
    assert extracted.text == text
    assert not extracted.own


@pytest.mark.parametrize("encoding", ["gb18030", "cp932", "euc_jp", "big5", "cp949"])
def test_a_long_line_without_spaces_is_told_too(encoding: str) -> None:
    text = OLD_TEXTS[encoding].replace(" ", "") * 4000
    extracted = read("a.txt", text.encode(encoding))
    assert extracted
    assert extracted.text == text


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"word \0 word" + b" word" * 2000, "character 6 is NUL"),
        (b"word " * 2000 + b"\0", "character 10,001 is NUL"),
        (codecs.BOM_UTF16_LE + "words".encode("utf-16-le") + b"x", "not in utf-16-le"),
        (codecs.BOM_UTF8 + b"words \xff", "not in utf-8"),
        ("Käse ".encode("cp1252") * 20000 + b"\x81\x8d\x9d", "not in cp125"),
        (bytes(range(128, 256)) * 3, "Save it as UTF-8"),
    ],
)
def test_what_is_no_text_after_all_is_refused_in_a_sentence(data: bytes, reason: str) -> None:
    with pytest.raises(FileUnreadable, match=reason) as refusal:
        TextExtractor().extract(data, filename="notes.txt")
    assert str(refusal.value).startswith("'notes.txt' ")
    assert str(refusal.value).endswith(".")


@pytest.mark.parametrize("filename", ["a", "a.txt", "a.md", "a.csv", "a.py", "a.json"])
def test_an_empty_file_has_an_empty_text(filename: str) -> None:
    extracted = read(filename, b"")
    assert extracted
    assert extracted.text == ""
    assert extracted.own


@pytest.mark.parametrize(
    ("filename", "data"),
    [
        ("a.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
        ("a.txt", b"\xff\xd8\xff\xe0\0\x10JFIF"),
        ("a.gz", b"\x1f\x8b\x08\0"),
        ("a", b"\x7fELF\2\1\1\0"),
        ("a.md", b"\0\1\2"),
        ("a.rtf", b"{\\rtf1\\ansi words}"),
    ],
)
def test_binary_files_are_claimed_by_nobody(filename: str, data: bytes) -> None:
    assert read(filename, data) is None


def test_a_hundred_megabytes_on_one_line_are_a_text() -> None:
    extracted = read("a.txt", b"word " * 20_000_000)
    assert extracted
    assert len(extracted.text) == 100_000_000


@pytest.mark.parametrize(
    ("filename", "data", "kind"),
    [
        ("a.md", b"words", ("markdown", "")),
        ("README", b"# Tea\n\nwords\n\n## Cake\n", ("markdown", "")),
        ("README", b"words\n", ("text", "")),
        ("costs.CSV", b"a,b\n1,2\n", ("table", "csv")),
        ("costs.tsv", b"a\tb\n", ("table", "tsv")),
        ("a.py", b"x = 1", ("code", "python")),
        ("a.txt", b"#!/usr/bin/env python3\n", ("text", "")),
        ("tool", b"#!/usr/bin/env python3\nx = 1\n", ("code", "python")),
        ("tool", b"#!/bin/bash -e\n", ("code", "shell")),
        ("tool", b"#!/usr/bin/env -S node --flag\n", ("code", "javascript")),
        ("data", b'{"a": 1}', ("code", "json")),
        ("note", b"[sic] words", ("text", "")),
        ("a.json", b"[1, 2]", ("code", "json")),
        ("a.yml", b"a: b", ("code", "yaml")),
        ("Dockerfile", b"FROM x\n", ("code", "dockerfile")),
        ("src/Makefile", b"all:\n", ("code", "makefile")),
        ("a.log", b"12:00 started\n", ("text", "log")),
        ("a.txt", b"words", ("text", "")),
        ("a.unheard-of", b"words", ("text", "")),
    ],
)
def test_the_kind_is_told_by_the_name_or_the_first_words(filename: str, data: bytes, kind: tuple[str, str]) -> None:
    assert kind_of(filename, data) == kind
