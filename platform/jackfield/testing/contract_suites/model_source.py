"""The model source's promises, for any implementation of `jackfield.contracts.sources`."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import msgspec
import pytest

from jackfield.contracts.sources import ModelSource
from jackfield.errors import DownloadFailed, InvalidRequest, ReferenceNotFound
from jackfield.models.naming import checked_name

FOREIGN = ("", "two words", "no-such-scheme:thing", "no-such-scheme://host/thing")
"""References of no known form."""


class SourceSample(msgspec.Struct, frozen=True, kw_only=True):
    """A reference that the source can bring here and now, and the content it stands for."""

    reference: str
    content: bytes


def _unheard(done: int, total: int | None) -> None: ...


class ModelSourceContract:
    """Override `source`, `sample` and `missing`; the sample should be larger than one block that is moved at a time."""

    @pytest.fixture
    def source(self) -> ModelSource:
        """The source."""
        raise NotImplementedError("override `source` with a fixture that gives the model source")

    @pytest.fixture
    def sample(self) -> SourceSample:
        """What there is to bring."""
        raise NotImplementedError("override `sample` with a fixture that gives a SourceSample")

    @pytest.fixture
    def missing(self) -> str:
        """A reference of this source's form to something that does not exist."""
        raise NotImplementedError("override `missing` with a fixture that gives a reference to nothing")

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        """An empty folder to fetch into."""
        folder = tmp_path / "fetched-here"
        folder.mkdir()
        return folder

    def test_it_claims_its_examples(self, source: ModelSource) -> None:
        assert source.examples
        assert all(source.claims(example) for example in source.examples)

    @pytest.mark.parametrize("reference", FOREIGN)
    def test_it_leaves_other_forms_alone(self, source: ModelSource, reference: str) -> None:
        assert not source.claims(reference)

    def test_a_reference_is_made_exact(self, source: ModelSource, sample: SourceSample) -> None:
        assert source.claims(sample.reference)
        resolved = source.resolve(sample.reference)
        assert checked_name(resolved.name) == resolved.name
        assert Path(resolved.filename).name == resolved.filename
        assert not resolved.filename.endswith(".partial")
        assert resolved.bytes in (None, len(sample.content))
        assert resolved.sha256 in (None, hashlib.sha256(sample.content).hexdigest())

    def test_an_exact_reference_resolves_to_itself(self, source: ModelSource, sample: SourceSample) -> None:
        resolved = source.resolve(sample.reference)
        assert source.claims(resolved.reference)
        assert source.resolve(resolved.reference).reference == resolved.reference

    def test_the_whole_file_comes(self, source: ModelSource, sample: SourceSample, folder: Path) -> None:
        path = source.fetch(source.resolve(sample.reference), folder, _unheard)
        assert path.parent == folder
        assert path.read_bytes() == sample.content
        assert not list(folder.rglob("*.partial"))

    def test_progress_ends_at_the_total(self, source: ModelSource, sample: SourceSample, folder: Path) -> None:
        heard: list[tuple[int, int | None]] = []
        source.fetch(source.resolve(sample.reference), folder, lambda done, total: heard.append((done, total)))
        done, total = heard[-1]
        assert done == total

    def test_fetching_again_gives_the_same(self, source: ModelSource, sample: SourceSample, folder: Path) -> None:
        resolved = source.resolve(sample.reference)
        first = source.fetch(resolved, folder, _unheard)
        assert source.fetch(resolved, folder, _unheard) == first
        assert first.read_bytes() == sample.content

    def test_a_stopped_fetch_leaves_no_finished_file_and_can_go_on(
        self, source: ModelSource, sample: SourceSample, folder: Path
    ) -> None:
        def stop(done: int, total: int | None) -> None:
            raise asyncio.CancelledError

        resolved = source.resolve(sample.reference)
        with pytest.raises(asyncio.CancelledError):
            source.fetch(resolved, folder, stop)
        assert not (folder / resolved.filename).exists()
        assert source.fetch(resolved, folder, _unheard).read_bytes() == sample.content

    def test_what_does_not_exist_is_refused_in_words(self, source: ModelSource, missing: str, folder: Path) -> None:
        assert source.claims(missing)
        with pytest.raises((ReferenceNotFound, DownloadFailed, InvalidRequest)) as refusal:
            source.fetch(source.resolve(missing), folder, _unheard)
        assert refusal.value.message.rstrip().endswith((".", "`", "?"))
        assert not [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".partial"]
