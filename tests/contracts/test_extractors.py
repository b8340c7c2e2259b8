"""Every registered extractor keeps the contract's promises."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from jackfield.contracts.files import Extractor
from jackfield.plugin_host import BUILT_IN, LoadPolicy, PluginHost
from jackfield.testing.contract_suites.extractor import ExtractorContract, SampleFile
from jackfield.testing.sample_documents import pdf, presentation, word_document, workbook

EXTRACTORS = PluginHost(LoadPolicy(only=frozenset({BUILT_IN, "storage"}))).load().registry.extractors


def sample(filename: str, data: bytes | str, *words: str) -> SampleFile:
    """A file and what is in it."""
    return SampleFile(filename=filename, data=data if isinstance(data, bytes) else data.encode(), words=words)


def documents() -> list[SampleFile]:
    """One of each kind that needs a package."""
    rows = [["Item", "Cost"], ["Train", 90], ["Bus", 12]]
    return [
        sample("report.pdf", pdf(["Quarterly results", "The outlook"]), "Quarterly results", "The outlook"),
        sample("minutes.docx", word_document([("Heading1", "Travel"), ("", "We went.")]), "# Travel", "We went."),
        sample("costs.xlsx", workbook({"Budget": rows}), "## Budget", "Item", "Train", "90", "Bus"),
        sample("talk.pptx", presentation([("Plans", "First this"), ("End", "Thanks")]), "# Plans", "First", "Thanks"),
    ]


SAMPLES = {
    "html": lambda: [sample("page.html", "<h1>Tea</h1><p>Steep it <b>well</b>.", "# Tea", "Steep it well.")],
    "markdown": lambda: [sample("notes.md", "# Tea\n\nSteep it.\n", "# Tea", "Steep it.")],
    "table": lambda: [sample("costs.csv", "item,cost\ntea,3\n", "item,cost", "tea,3"), sample("x.tsv", "a\tb\n", "a")],
    "code": lambda: [sample("tea.py", "def steep():\n    pass\n", "def steep"), sample("x.yaml", "a: b\n", "a: b")],
    "text": lambda: [sample("tea.txt", "Steep it.\n", "Steep it."), sample("old.txt", "Käse".encode("cp1252"), "Käse")],
    "documents": documents,
}


@pytest.fixture(scope="module", autouse=True)
def _ended() -> Iterator[None]:
    """The processes that read end with these tests."""
    yield
    for _, extractor in EXTRACTORS.items():
        if close := getattr(extractor, "close", None):
            close()


@pytest.mark.parametrize("name", EXTRACTORS.names())
class TestRegisteredExtractors(ExtractorContract):
    """The suite, over all of them."""

    @pytest.fixture
    def extractor(self, name: str) -> Extractor:
        """As the platform builds it."""
        return EXTRACTORS.get(name)

    @pytest.fixture
    def samples(self, name: str) -> Sequence[SampleFile]:
        """Its files; an extractor without any here is one that is not tested."""
        return SAMPLES[name]()

    def test_it_is_registered_under_its_name(self, extractor: Extractor, name: str) -> None:
        assert extractor.name == name


@pytest.mark.parametrize("name", SAMPLES)
def test_the_first_that_claims_a_file_is_the_one_that_knows_it(name: str) -> None:
    for file in SAMPLES[name]():
        claiming = [
            other for other, extractor in EXTRACTORS.items() if extractor.claims(file.filename, file.data[:4096])
        ]
        assert claiming[0] == name
