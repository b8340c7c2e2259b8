"""What an extractor promises, for any implementation of `jackfield.contracts.files.Extractor`."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jackfield.contracts.files import Extracted, Extractor
from jackfield.errors import FileUnreadable

HEAD = 4096
"""Bytes that an extractor is shown to tell whether a file is its own."""

drawn = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)


class SampleFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that an extractor reads, and words that are in it, in their order."""

    filename: str
    data: bytes
    words: tuple[str, ...]


class ExtractorContract:
    """Override `extractor` and `samples`."""

    @pytest.fixture
    def extractor(self) -> Extractor:
        """The extractor."""
        raise NotImplementedError("override `extractor` with a fixture that gives the extractor")

    @pytest.fixture
    def samples(self) -> Sequence[SampleFile]:
        """At least one for each kind that it reads."""
        raise NotImplementedError("override `samples` with a fixture that gives a SampleFile for each kind")

    def test_it_has_a_name_and_a_version(self, extractor: Extractor) -> None:
        assert extractor.name
        assert extractor.version >= 1

    def test_its_files_are_claimed_whatever_the_case_of_their_names(
        self, extractor: Extractor, samples: Sequence[SampleFile]
    ) -> None:
        for sample in samples:
            for filename in (sample.filename, f"some folder/{sample.filename.upper()}"):
                assert extractor.claims(filename, sample.data[:HEAD]) is True

    def test_the_words_are_in_the_text(self, extractor: Extractor, samples: Sequence[SampleFile]) -> None:
        for sample in samples:
            text = checked(extractor.extract(sample.data, filename=sample.filename), sample.data).text
            at = 0
            for word in sample.words:
                assert word in text[at:]
                at = text.index(word, at) + len(word)

    def test_the_same_bytes_give_the_same_text(self, extractor: Extractor, samples: Sequence[SampleFile]) -> None:
        for sample in samples:
            first, second = (extractor.extract(sample.data, filename=sample.filename) for _ in range(2))
            assert first == second

    def test_several_threads_may_read_at_once(self, extractor: Extractor, samples: Sequence[SampleFile]) -> None:
        files = list(samples) * 3
        with ThreadPoolExecutor(4) as threads:
            read = threads.map(lambda sample: extractor.extract(sample.data, filename=sample.filename), files)
        assert list(read) == [extractor.extract(sample.data, filename=sample.filename) for sample in files]

    def test_an_empty_file_has_an_empty_text(self, extractor: Extractor, samples: Sequence[SampleFile]) -> None:
        for sample in samples:
            assert extractor.extract(b"", filename=sample.filename).text == ""

    @drawn
    @given(filename=st.text(max_size=20), head=st.binary(max_size=100))
    def test_any_file_can_be_asked_about(self, extractor: Extractor, filename: str, head: bytes) -> None:
        assert extractor.claims(filename, head) in (True, False)

    @drawn
    @given(data=st.data())
    def test_a_file_is_read_or_refused_in_a_sentence_that_names_it(
        self, extractor: Extractor, samples: Sequence[SampleFile], data: st.DataObject
    ) -> None:
        sample = data.draw(st.sampled_from(samples))
        cut = data.draw(st.integers(0, len(sample.data)))
        damaged = sample.data[:cut] + data.draw(st.binary(max_size=30)) + sample.data[data.draw(st.integers(cut)) :]
        assert refused_name(extractor, damaged, sample.filename) in ("", sample.filename)


def refused_name(extractor: Extractor, data: bytes, filename: str) -> str:
    """Nothing where a file is read, otherwise its name as far as the refusal, which must be a sentence, has it."""
    try:
        checked(extractor.extract(data, filename=filename), data)
    except FileUnreadable as refusal:
        sentence = str(refusal)
        return filename if filename in sentence and sentence.endswith(".") else sentence
    return ""


def checked(extracted: Extracted, data: bytes) -> Extracted:
    """With what holds of every text: it can be stored in any database, and its own bytes are the file's."""
    encoded = extracted.text.encode()
    assert "\0" not in extracted.text
    assert not extracted.own or encoded == data
    return extracted
