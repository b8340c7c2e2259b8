"""One file over HTTP: goes on where it was cut off, and is never taken for whole when it is not."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import msgspec

from jackfield.contracts.sources import Progress
from jackfield.errors import DownloadFailed, ReferenceNotFound
from jackfield.models.disk import disk_errors, require_space
from jackfield.quantities import readable_bytes
from jackfield.version import __version__
from jackfield_plugins.model_sources.verified_file import PartialFile, is_whole

TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers that another try may better."""

LONGEST_PAUSE = 60.0
"""Seconds that a server's Retry-After is heeded for at most."""


class Remote(msgspec.Struct, frozen=True, kw_only=True):
    """A file on a server, with what is known of it beforehand; `denied` says what to do about a 401 or 403."""

    url: str
    headers: dict[str, str] = {}
    bytes: int | None = None
    sha256: str | None = None
    denied: str = "it may need a login that Jackfield does not have."

    @property
    def shown(self) -> str:
        """The address without what may be secret in it."""
        url = httpx.URL(self.url)
        return str(url.copy_with(query=None, fragment=None, username=None, password=None))


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How long to wait for a server and how often to come back, in seconds.

    A try that brings something starts the count anew; before the first answer only `first_tries` are made.
    """

    connect: float = 15.0
    read: float = 30.0
    pauses: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0, 8.0)
    first_tries: int = 3


class Beginning(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept beside a partial file: which content it begins, and how the server calls that version."""

    origin: str
    validator: str | None = None


class Interrupted(Exception):
    """A try that failed in a way the next may not; `pause` is what the server asked for, in seconds."""

    def __init__(self, reason: str, *, pause: float = 0.0) -> None:
        super().__init__(reason)
        self.pause = pause


class ResumableDownload:
    """Brings one remote file to one path."""

    def __init__(self, remote: Remote, target: Path, progress: Progress, patience: Patience | None = None) -> None:
        self._remote = remote
        self._target = target
        self._notes = target.with_name(target.name + ".origin.partial")
        self._progress = progress
        self._patience = patience or Patience()
        self._total: int | None = remote.bytes
        self._answered = False

    def fetch(self) -> Path:
        """The whole file, verified as far as its checksum is known.

        Raises DownloadFailed, ChecksumMismatch, ReferenceNotFound, DiskFull.
        """
        if is_whole(self._target, self._remote.sha256):
            size = self._target.stat().st_size
            self._progress(size, size)
            return self._target
        timeout = httpx.Timeout(self._patience.read, connect=self._patience.connect)
        agent = {"User-Agent": f"jackfield/{__version__}", "Accept-Encoding": "identity"}
        with (
            PartialFile(self._target, sha256=self._remote.sha256) as partial,
            httpx.Client(timeout=timeout, headers=agent, follow_redirects=True) as client,
        ):
            self._bring(client, partial)
            try:
                return partial.finish(self._remote.shown)
            finally:
                with disk_errors(self._notes):
                    self._notes.unlink(missing_ok=True)

    def _bring(self, client: httpx.Client, partial: PartialFile) -> None:
        idle = 0
        while True:
            before = partial.size
            try:
                self._try(client, partial)
            except (httpx.TransportError, Interrupted) as error:
                idle = 0 if partial.size > before else idle + 1
                self._pause(idle, error, partial.size)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise DownloadFailed(f"{self._remote.shown} cannot be downloaded: {error}.") from error
            else:
                return

    def _try(self, client: httpx.Client, partial: PartialFile) -> None:
        headers = self._remote.headers | self._conditions(partial)
        with client.stream("GET", self._remote.url, headers=headers) as response:
            self._answered = True
            if response.status_code == 416 and _range_total(response) == partial.size:
                return
            self._require_file(response, partial)
            self._line_up(response, partial)
            for block in response.iter_raw():
                partial.write(block, whole=self._total)
                self._progress(partial.size, self._total)
        if self._total is not None and partial.size != self._total:
            if partial.size > self._total:
                partial.restart()
            raise Interrupted(f"{partial.size} of {self._total} bytes came")

    def _conditions(self, partial: PartialFile) -> dict[str, str]:
        """Ask for the rest only, and only of the very content that was begun."""
        beginning = self._beginning()
        if partial.size and (beginning is None or beginning.origin != self._origin):
            partial.restart()
        if partial.size and self._remote.sha256:
            return {"Range": f"bytes={partial.size}-"}
        if partial.size and beginning and beginning.validator:
            return {"Range": f"bytes={partial.size}-", "If-Range": beginning.validator}
        if partial.size:
            partial.restart()
        return {}

    def _require_file(self, response: httpx.Response, partial: PartialFile) -> None:
        status = response.status_code
        if status == 416:
            partial.restart()
            raise Interrupted("the server has no such range")
        if status in TRANSIENT:
            raise Interrupted(f"it answered {status} {response.reason_phrase}", pause=_retry_after(response))
        if status in (404, 410):
            raise ReferenceNotFound(f"There is nothing at {self._remote.shown}: the server answered {status}.")
        if status in (401, 403):
            raise DownloadFailed(f"{self._remote.shown} is not open to us ({status}): {self._remote.denied}")
        if status not in (200, 206):
            raise DownloadFailed(f"{self._remote.shown} answered {status} {response.reason_phrase}.")
        if response.headers.get("Content-Type", "").startswith("text/html"):
            raise DownloadFailed(f"{self._remote.shown} is a web page, not a model file; name the file's own address.")
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise DownloadFailed(f"{self._remote.shown} comes compressed, though it was asked for as it is.")

    def _line_up(self, response: httpx.Response, partial: PartialFile) -> None:
        """Make the partial file end where the answer begins, and see that the rest has room."""
        if response.status_code == 206:
            if _range_start(response) != partial.size or self._is_other_version(response):
                partial.restart()
                raise Interrupted("it sent another part than was asked for")
            total = _range_total(response)
        else:
            partial.restart()
            total = _whole_length(response)
            self._note(response)
        self._check_total(total, response)
        if self._total is not None:
            require_space(self._target.parent, self._total - partial.size)

    def _check_total(self, total: int | None, response: httpx.Response) -> None:
        expected = self._remote.bytes
        if total is not None and expected is not None and total != expected:
            raise DownloadFailed(
                f"{self._remote.shown} is {readable_bytes(total)} long ({total} bytes) where {expected} were expected."
            )
        self._total = total if total is not None else expected
        ends_itself = "chunked" in response.headers.get("Transfer-Encoding", "")
        if self._total is None and not ends_itself and not self._remote.sha256:
            raise DownloadFailed(
                f"{self._remote.shown} does not say how long it is, so a cut could not be told from its end; "
                "give its checksum by adding #sha256=… to the address."
            )

    @property
    def _origin(self) -> str:
        return self._remote.sha256 or self._remote.url

    def _beginning(self) -> Beginning | None:
        try:
            return msgspec.json.decode(self._notes.read_bytes(), type=Beginning)
        except (FileNotFoundError, msgspec.DecodeError):
            return None

    def _note(self, response: httpx.Response) -> None:
        note = Beginning(origin=self._origin, validator=_validator(response))
        with disk_errors(self._notes):
            self._notes.write_bytes(msgspec.json.encode(note))

    def _is_other_version(self, response: httpx.Response) -> bool:
        beginning = self._beginning()
        etag = response.headers.get("ETag")
        known = beginning.validator if beginning else None
        return not self._remote.sha256 and etag is not None and etag.startswith('"') and etag != known

    def _pause(self, idle: int, error: Exception, so_far: int) -> None:
        """Wait before the next try, or give up with what went wrong."""
        allowed = len(self._patience.pauses) if self._answered else self._patience.first_tries - 1
        if idle > allowed:
            kept = f"; {readable_bytes(so_far)} are kept, and the next pull goes on from there" if so_far else ""
            what = "was cut off again and again" if self._answered else "cannot be reached"
            raise DownloadFailed(f"{self._remote.shown} {what} ({_reason(error)}){kept}.") from error
        asked = error.pause if isinstance(error, Interrupted) else 0.0
        until = time.monotonic() + max(self._patience.pauses[max(idle - 1, 0)], asked)
        while time.monotonic() < until:
            self._progress(so_far, self._total)
            time.sleep(0.05)


def _validator(response: httpx.Response) -> str | None:
    """A strong validator for If-Range (RFC 9110, 13.1.5); a weak entity tag is none."""
    etag: str | None = response.headers.get("ETag")
    if etag and etag.startswith('"'):
        return etag
    modified: str | None = response.headers.get("Last-Modified")
    return modified


def _whole_length(response: httpx.Response) -> int | None:
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdigit() else None


def _range_start(response: httpx.Response) -> int | None:
    start = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
    return int(start) if start.isdigit() else None


def _range_total(response: httpx.Response) -> int | None:
    total = response.headers.get("Content-Range", "").rpartition("/")[2]
    return int(total) if total.isdigit() else None


def _retry_after(response: httpx.Response) -> float:
    asked = response.headers.get("Retry-After", "")
    return min(float(asked), LONGEST_PAUSE) if asked.isdigit() else 0.0


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
