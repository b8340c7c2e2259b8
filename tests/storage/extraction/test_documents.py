"""Documents: what is read out of them, and one clear sentence for each that cannot be read."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

from jackfield.errors import FileUnreadable
from jackfield.testing.sample_documents import archive, locked_pdf, pdf, presentation, word_document, workbook
from jackfield_storage.chunking.passages import passages_of
from jackfield_storage.extraction.documents import OLE, DocumentExtractor


def bomb(suffix: str = "xl") -> bytes:
    """A small archive with a large member of nothing."""
    return archive({"[Content_Types].xml": "<Types/>", f"{suffix}/sheet1.xml": b"0" * (60 << 20)})


def liar() -> bytes:
    """A bomb whose directory says that its member is small."""
    made, size = bomb(), struct.pack("<I", 60 << 20)
    return made.replace(size, struct.pack("<I", 1000))


def nested_document() -> bytes:
    """A .docx with a table in a table, and so on."""
    table, end = "<w:tbl><w:tr><w:tc>", "</w:tc></w:tr></w:tbl>"
    return word_document([], body=table * 500 + end * 500)


BAD: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "locked PDF": ("a.pdf", locked_pdf, "protected by a password"),
    "damaged PDF": ("a.pdf", lambda: b"%PDF-1.4\n%\xe2\xe3\n" + b"\0garbage" * 99, "damaged or cut short"),
    "PDF cut short": ("a.pdf", lambda: pdf(["some words"])[:60], "damaged or cut short"),
    "no PDF at all": ("a.pdf", lambda: bytes(range(256)) * 9, "damaged or cut short"),
    "scanned PDF": ("a.pdf", lambda: pdf(["", ""]), "only pictures of pages"),
    "docx cut short": ("a.docx", lambda: word_document([("", "some words")])[:-60], "damaged or cut short"),
    "docx without a document": ("a.docx", lambda: archive({"word/other.xml": "<a/>"}), "damaged or cut short"),
    "docx of other XML": ("a.docx", lambda: archive({"word/document.xml": "<a"}), "damaged or cut short"),
    "xlsx bomb": ("a.xlsx", bomb, "would unpack to 60 MB"),
    "docx bomb": ("a.docx", lambda: bomb("word"), "would unpack to 60 MB"),
    "lying bomb": ("a.xlsx", liar, "damaged or cut short"),
    "many parts": ("a.xlsx", lambda: archive({f"xl/{part}": "" for part in range(10_001)}), "in 10,001 parts"),
    "nested archive": (
        "a.docx",
        lambda: archive({"inner.zip": archive({"a.txt": "a"})}),
        "an archive that holds no Word",
    ),
    "nested tables": ("a.docx", nested_document, "nested too deeply"),
    "locked docx": ("a.docx", lambda: OLE + bytes(99) + "EncryptedPackage".encode("utf-16-le"), "by a password"),
    "old Word": ("a.doc", lambda: OLE + bytes(600), "from before 2007"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_is_refused_in_a_sentence(documents: DocumentExtractor, name: str) -> None:
    filename, made, reason = BAD[name]
    data = made()
    assert documents.claims(filename, data[:4096])
    with pytest.raises(FileUnreadable, match=reason) as refusal:
        documents.extract(data, filename=filename)
    assert str(refusal.value).startswith(f"'{filename}' ")
    assert str(refusal.value).endswith(".")
    assert len(str(refusal.value)) < 400


@pytest.mark.parametrize("filename", ["a.txt", "a", "a.docx", "a.md"])
def test_a_wrong_suffix_hides_no_pdf(documents: DocumentExtractor, filename: str) -> None:
    data = pdf(["Some words"])
    assert documents.claims(filename, data[:4096])
    assert "Some words" in documents.extract(data, filename=filename).text


def test_a_wrong_suffix_hides_no_office_document(documents: DocumentExtractor) -> None:
    data = word_document([("", "Some words")])
    for filename in ("a.xlsx", "a.txt"):
        assert documents.claims(filename, data[:4096])
        assert documents.extract(data, filename=filename).text == "Some words"


def test_a_text_with_a_document_s_suffix_is_left_to_who_reads_text(documents: DocumentExtractor) -> None:
    assert not documents.claims("a.pdf", b"These are words.")
    assert not documents.claims("a.docx", b"These are words about %PDF-1.4 files.")
    assert not documents.claims("notes.txt", b"In the file it said %PDF-1.4 at the start.")


def test_archives_and_programs_are_claimed_by_nobody(documents: DocumentExtractor) -> None:
    for filename, data in (("a.zip", archive({"a.txt": "a"})), ("a.msi", OLE + bytes(99)), ("a.exe", b"MZ\0\0")):
        assert not documents.claims(filename, data[:4096])


def test_headings_of_a_document_stand_over_its_passages(documents: DocumentExtractor) -> None:
    paragraphs = [
        ("Heading1", "Budget"),
        ("Heading2", "Travel"),
        ("", "By train."),
        ("Heading2", "Rooms"),
        ("", "Two."),
    ]
    cuts = passages_of(documents.extract(word_document(paragraphs), filename="a.docx"))
    assert [cut.heading for cut in cuts] == ["Budget > Travel", "Budget > Rooms"]


def test_rows_of_a_sheet_stand_under_its_name_and_columns(documents: DocumentExtractor) -> None:
    rows = [["Item", "Cost", None], *([f"Thing {number}", number, None] for number in range(300))]
    extracted = documents.extract(workbook({"Costs": rows, "Empty": []}), filename="a.xlsx")
    assert "NaN" not in extracted.text
    assert "Unnamed" not in extracted.text
    headings = {cut.heading for cut in passages_of(extracted) if "Thing" in cut.text}
    assert headings == {"Costs", "Costs > Item | Cost"}


def test_pages_are_in_their_order(documents: DocumentExtractor) -> None:
    extracted = documents.extract(pdf([f"This is page {number} of it." for number in range(1, 6)]), filename="a.pdf")
    places = [extracted.text.index(f"page {number}") for number in range(1, 6)]
    assert places == sorted(places)
    assert extracted.kind == "text"


def test_a_document_of_nothing_has_no_text(documents: DocumentExtractor) -> None:
    assert documents.extract(word_document([]), filename="a.docx").text == ""


def test_slides_stand_under_their_titles(documents: DocumentExtractor) -> None:
    extracted = documents.extract(presentation([("Plans", "First this"), ("", "No title here")]), filename="a.pptx")
    assert [(cut.heading, cut.text.splitlines()[-1]) for cut in passages_of(extracted)] == [
        ("Plans", "First this"),
        ("Slide 2", "No title here"),
    ]


def test_names_in_a_document_are_not_escaped(documents: DocumentExtractor) -> None:
    document = word_document([("", "Rename file_name to other_name")])
    assert documents.extract(document, filename="a.docx").text == "Rename file_name to other_name"
