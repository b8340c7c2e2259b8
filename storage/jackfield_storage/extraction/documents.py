"""PDF and Office documents, told by what they begin with; a wrong suffix does not matter."""

from __future__ import annotations

from pathlib import PurePosixPath

from jackfield.contracts.files import Extracted
from jackfield.errors import FileUnreadable
from jackfield_storage.extraction.decoding import looks_like_text
from jackfield_storage.extraction.reader_process import ReaderProcess

PDF, ZIP, OLE = b"%PDF-", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
OFFICE_SUFFIXES = frozenset({".docx", ".xlsx", ".pptx", ".docm", ".xlsm", ".pptm"})
OLD_SUFFIXES = frozenset({".doc", ".xls", ".ppt"})
OFFICE_PARTS = (b"[Content_Types].xml", b"word/", b"xl/", b"ppt/")
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


class DocumentExtractor:
    """PDF, Word, Excel and PowerPoint, read in a process of their own."""

    name = "documents"
    version = 1
    quick = False

    def __init__(self, reader: ReaderProcess) -> None:
        self._reader = reader

    def claims(self, filename: str, head: bytes) -> bool:
        suffix = PurePosixPath(filename).suffix.lower()
        if head.startswith(ZIP):
            return suffix in OFFICE_SUFFIXES or any(part in head for part in OFFICE_PARTS)
        if head.startswith(OLE):
            return suffix in OFFICE_SUFFIXES | OLD_SUFFIXES
        return _is_pdf(head) or (suffix in OFFICE_SUFFIXES | {".pdf"} and not looks_like_text(head))

    def extract(self, data: bytes, *, filename: str) -> Extracted:
        if not data:
            return Extracted(text="", kind="text")
        if data.startswith(OLE):
            raise FileUnreadable(_old_format(data, filename))
        if _is_pdf(data[:1024]) or PurePosixPath(filename).suffix.lower() == ".pdf":
            return Extracted(text=self._reader.read("pdf", data, filename=filename), kind="text")
        return Extracted(text=self._reader.read("office", data, filename=filename), kind="markdown")

    def close(self) -> None:
        """End the process that reads."""
        self._reader.close()


def _is_pdf(head: bytes) -> bool:
    return PDF in head[:1024] and (head.lstrip().startswith(PDF) or not looks_like_text(head))


def _old_format(data: bytes, filename: str) -> str:
    if ENCRYPTED in data:
        return f"'{filename}' is protected by a password; save a copy without one, and add that."
    return f"'{filename}' is in the Office format from before 2007; save it as .docx, .xlsx or .pptx, and add that."
