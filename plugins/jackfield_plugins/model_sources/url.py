"""Models at a web address: https://…/NAME.gguf, with #sha256=… to verify."""

from __future__ import annotations

import re
from pathlib import Path

import httpx

from jackfield.contracts.sources import Progress, ResolvedModel
from jackfield.errors import InvalidRequest
from jackfield_plugins.model_sources.filenames import SUFFIX, model_filename, model_name
from jackfield_plugins.model_sources.resumable_download import Patience, Remote, ResumableDownload


class UrlSource:
    """Files that a web server offers as they are."""

    name = "url"
    examples: tuple[str, ...] = (
        "https://example.org/models/NAME.gguf",
        "https://example.org/models/NAME.gguf#sha256=HEX",
    )

    def __init__(self, patience: Patience | None = None) -> None:
        self._patience = patience

    def claims(self, reference: str) -> bool:
        """Any http or https address, so that one that is no model file's is refused in words."""
        return reference.lower().startswith(("http://", "https://"))

    def resolve(self, reference: str) -> ResolvedModel:
        """What the address itself says; the server is first asked when the file is fetched."""
        url = _parsed(reference)
        if not url.path.lower().endswith(SUFFIX):
            raise InvalidRequest(
                f"'{reference}' is not the address of a model file: its path should end in {SUFFIX}.",
                parameter="reference",
            )
        return ResolvedModel(
            reference=str(url.copy_with(userinfo=b"")),
            name=model_name(url.path),
            filename=model_filename(url.path),
            location=str(url.copy_with(fragment=None)),
            sha256=_checksum(url.fragment, reference),
        )

    def fetch(self, resolved: ResolvedModel, folder: Path, progress: Progress) -> Path:
        """Download, going on from where an earlier try was cut off."""
        remote = Remote(url=resolved.location, sha256=resolved.sha256)
        return ResumableDownload(remote, folder / resolved.filename, progress, self._patience).fetch()


def _parsed(reference: str) -> httpx.URL:
    try:
        url = httpx.URL(reference)
    except httpx.InvalidURL as error:
        raise InvalidRequest(f"'{reference}' is not a web address: {error}.", parameter="reference") from error
    if not url.host:
        raise InvalidRequest(f"'{reference}' names no server.", parameter="reference")
    return url


def _checksum(fragment: str, reference: str) -> str | None:
    if not fragment:
        return None
    found = re.fullmatch(r"sha256=([0-9a-fA-F]{64})", fragment)
    if not found:
        raise InvalidRequest(
            f"'#{fragment}' in '{reference}' should be #sha256= with 64 hexadecimal digits.", parameter="reference"
        )
    return found[1].lower()
