"""Embedding with the model that files are found by: what is near, and how words are cut into pieces."""

# ruff: noqa: RUF001 - letters that look like others are what is tested

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from jackfield.contracts.engine import EngineSettings
from jackfield.testing.file_model import file_model
from jackfield_engines.llama_cpp.embedding import LlamaCppEmbeddingEngine
from jackfield_engines.llama_cpp.factory import LlamaCppFactory

pytestmark = pytest.mark.model

TRICKY = (
    "A man is eating food.",
    "Crème brûlée à la carte, naïve café — “quoted” … ‘single’",
    "cre\u0300me bru\u0302le\u0301e",
    "foo_bar->baz()[3] == 'x'; C:\\path\\file.txt http://a.b/c?d=e&f",
    "x²+y³≤10€ £5 $3 100% a+b=c ½ cup",
    "日本語とEnglishのmix 東京タワーに行きました。 中\u3000文 𠀀",
    "서울은 한국의 수도입니다 가힣",
    "Привет, мир! Ёлка Й й",
    "Ελληνικά ά ώ, עִבְרִית שלום, العربيّة",
    "İstanbul ıssız ß Straße ẞ Å \u212b",
    "\u200bzero\u200bwidth\u00ad soft \x00nul\x07bell tab\tnew\nline\r\ncr",
    "😀 emoji 👍🏽 ok",
    "don't can't we'll 1,234.56 ID-4711-X/9 supercalifragilisticexpialidocious zxqjvw",
    "ﬁne ﬀ ™ © ® § ¶ ①②③ Ⅳ ｆｕｌｌ　ｗｉｄｔｈ",
    "[CLS] ##ing ▁the \ufffd \ue000 private `~^|<>",
    "ภาษาไทยที่ q\u0323\u0307 \u1e9b\u0323 ﷺ ¿Qué?",
    "   ",
)
"""llama.cpp is known to differ from BERT's own tokenizer in words of over 100 letters and in Indic vowel signs."""


@pytest.fixture(scope="module")
def engine(embeddings_file: Path) -> Iterator[LlamaCppEmbeddingEngine]:
    factory = LlamaCppFactory()
    engine = factory.open_embedding(file_model(factory, embeddings_file), EngineSettings())
    assert isinstance(engine, LlamaCppEmbeddingEngine)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def vocabulary(embeddings_file: Path) -> dict[str, int]:
    """BERT's own, out of the file: `##` where a word goes on, nothing where it starts."""
    field = pytest.importorskip("gguf").GGUFReader(embeddings_file).fields["tokenizer.ggml.tokens"]
    tokens = [bytes(field.parts[at]).decode() for at in field.data]
    bert = (
        token if token[0] == "[" and token[-1] == "]" else token[1:] if token[0] == "\u2581" else f"##{token}"
        for token in tokens
    )
    return {token: number for number, token in enumerate(bert)}


def test_what_means_the_same_is_near(engine: LlamaCppEmbeddingEngine) -> None:
    eating, bread, baby = engine.embed(
        ["A man is eating food.", "A man is eating a piece of bread.", "The girl is carrying a baby."]
    )
    assert eating @ bread == pytest.approx(0.752, abs=0.02)
    assert eating @ baby < 0.1


def test_texts_in_one_batch_get_the_vectors_they_get_alone(engine: LlamaCppEmbeddingEngine) -> None:
    texts = [f"Sentence {number}: " + "word " * (number * 7 % 90) for number in range(70)]
    together = engine.embed(texts)
    alone = np.concatenate([engine.embed([text]) for text in texts])
    assert (together * alone).sum(axis=1).min() > 0.999


@pytest.mark.parametrize("text", TRICKY)
def test_words_are_cut_into_pieces_as_bert_cuts_them(
    engine: LlamaCppEmbeddingEngine, vocabulary: dict[str, int], text: str
) -> None:
    assert engine._tokens(text) == word_pieces(text, vocabulary)


def word_pieces(text: str, vocabulary: dict[str, int]) -> list[int]:
    """BERT's uncased tokenizer, from its description (Devlin et al. 2018, and the code they published)."""
    kept = "".join(_spaced(letter) for letter in text if letter not in "\x00\ufffd" and not _is_control(letter))
    plain = unicodedata.normalize("NFD", kept).lower()
    plain = "".join(letter for letter in plain if unicodedata.category(letter) != "Mn")
    spread = "".join(f" {letter} " if _is_punctuation(letter) else letter for letter in plain)
    pieces = [piece for word in spread.split() for piece in _pieces(word, vocabulary)]
    return [vocabulary[piece] for piece in ("[CLS]", *pieces, "[SEP]")]


def _pieces(word: str, vocabulary: dict[str, int]) -> list[str]:
    found: list[str] = []
    start = 0
    while start < len(word):
        candidates = (("##" if start else "") + word[start:end] for end in range(len(word), start, -1))
        longest = next((piece for piece in candidates if piece in vocabulary), None)
        if longest is None:
            return ["[UNK]"]
        found.append(longest)
        start += len(longest) - (2 if start else 0)
    return found


def _spaced(letter: str) -> str:
    ideographs = ((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2EBEF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F))
    return f" {letter} " if any(first <= ord(letter) <= last for first, last in ideographs) else letter


def _is_control(letter: str) -> bool:
    return letter not in "\t\n\r" and unicodedata.category(letter) in ("Cc", "Cf", "Cn", "Co")


def _is_punctuation(letter: str) -> bool:
    symbol = letter.isascii() and letter.isprintable() and not letter.isalnum() and letter != " "
    return symbol or unicodedata.category(letter).startswith("P")
