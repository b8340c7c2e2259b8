"""What whoever has a share link may read, without being known here."""

from __future__ import annotations

from jackfield.contracts.files import FileStore, Link, OpenVersion, Point, StoredFile
from jackfield.errors import BlobDamaged, FileNotThere, LinkNotFound, VersionNotFound
from jackfield.files.paths import checked_folder, checked_path
from jackfield.identity.secrets import fingerprint
from jackfield.identity.throttle import Throttle

MISSES = 20
MISSES_SECONDS = 900.0
"""From one address, within which nobody types that many tokens wrong."""

NO_LINK = "There is no such link, or it holds no longer."


class SharedFiles:
    """Follows links by their tokens. Whoever guesses is slowed down by address, in this process."""

    def __init__(self, throttle: Throttle | None = None) -> None:
        self._misses = throttle or Throttle(most=MISSES, seconds=MISSES_SECONDS)

    async def link(self, store: FileStore, token: str, *, address: str) -> Link:
        """Raises LinkNotFound, or RateLimited where somebody guesses."""
        self._misses.check(address)
        try:
            return await store.links.find(fingerprint(token))
        except LinkNotFound as error:
            self._misses.attempt(address)
            raise LinkNotFound(NO_LINK) from error


async def opened_file(store: FileStore, link: Link, below: str = "") -> OpenVersion:
    """The file that a link lets one read, `below` the folder where it is one.

    Raises FileNotThere, InvalidRequest or BlobDamaged, which tell nothing of the collection that it is in.
    """
    if below and not link.folder:
        raise FileNotThere("This link is of one file, and there is nothing below it.", parameter="path")
    path = _within(link.path, checked_path(below)) if link.folder else link.path
    try:
        return await store.files.read(link.collection, path, Point(number=link.version))
    except (FileNotThere, VersionNotFound) as error:
        raise FileNotThere(f"There is no file '{below}' behind this link." if below else NO_LINK) from error
    except BlobDamaged as error:
        raise BlobDamaged(error.message, told="The bytes of this file are damaged here.") from error


async def page(store: FileStore, link: Link, *, after: str = "", limit: int = 1000) -> tuple[StoredFile, ...]:
    """Files below a shared folder, in the order of their paths; `after` is a path from the folder on."""
    behind = _within(link.path, checked_folder(after, parameter="after")) if after else ""
    return await store.files.page(link.collection, under=link.path, limit=limit, after=behind)


def path_below(link: Link, path: str) -> str:
    """A file's path from the shared folder on."""
    return path.removeprefix(f"{link.path}/") if link.path else path


def _within(folder: str, below: str) -> str:
    return f"{folder}/{below}" if folder else below
