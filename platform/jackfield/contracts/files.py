"""Semantic files: what is kept of them, how they are found, and who reads and indexes them.

A path is relative, with `/` between its parts and none of them `..`; two paths of a collection never differ only in
case. Every change of a file adds a version, and none is ever lost but by `purge`. Offsets are in bytes of the text
that was read out of a version, which for text files are the file's own bytes.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

from jackfield.contracts.uploads import BlobStore

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from jackfield.contracts.records import StateStore

Level = Literal["read", "write", "manage"]
LEVELS: tuple[Level, ...] = ("read", "write", "manage")
"""What somebody may do in a collection, each with what stands before it."""

GrantKind = Literal["user", "team", "everyone"]
Action = Literal["written", "appended", "restored", "renamed", "deleted", "undeleted"]
IndexState = Literal["pending", "indexed", "empty", "skipped", "failed"]
"""How far a version's text is: `empty` has none, `skipped` is of a kind that nobody reads, or too large."""

SearchMode = Literal["hybrid", "keyword", "meaning"]


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Whose doing a change is."""

    id: str = "local"
    name: str = "local"


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """What a user, a team or everyone may do in a collection."""

    kind: GrantKind
    id: str = ""
    level: Level


class Collection(msgspec.Struct, frozen=True, kw_only=True):
    """Files under one name, with one set of permissions.

    `used_bytes` counts every version that brought bytes, also of deleted files; one that goes back to earlier bytes,
    renames or deletes costs nothing.
    """

    id: str
    name: str
    created_at: datetime
    owner_id: str | None = None
    quota_bytes: int | None = None
    used_bytes: int = 0
    files: int = 0
    grants: tuple[Grant, ...] = ()


class Lock(msgspec.Struct, frozen=True, kw_only=True):
    """A file that only one person changes, until a time."""

    by: Actor
    until: datetime


class StoredFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file as it stands: its newest version."""

    id: str
    collection: str
    path: str
    version: int
    digest: str
    size: int
    author: Actor
    created_at: datetime
    modified_at: datetime
    deleted_at: datetime | None = None
    lock: Lock | None = None
    index: IndexState = "pending"
    index_error: str | None = None


class FileVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a file; `path` is what it was called then, `change` the step that it was part of.

    `restored_from` is the version whose bytes it brought back.
    """

    file_id: str
    number: int
    path: str
    action: Action
    digest: str
    size: int
    author: Actor
    written_at: datetime
    reason: str = ""
    restored_from: int | None = None
    change: str = ""


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What a change made: the file as it stands now; `over` is the version that was the newest before, 0 for none.

    A write of the bytes that are there already makes no version: `changed` is false then.
    """

    file: StoredFile
    version: FileVersion
    over: int = 0
    changed: bool = True


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """Which version of a file is meant: by number, or the newest at a time; neither is the newest of all."""

    number: int | None = None
    at: datetime | None = None


NEWEST = Point()


class OpenVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A version that is being read; `pieces` are its bytes, to be iterated once."""

    version: FileVersion
    pieces: AsyncGenerator[bytes]


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """Lets whoever has its token read one file, or all below a path, until it expires or is revoked.

    With `version` it shows that one for ever, otherwise the newest.
    """

    id: str
    collection: str
    path: str
    folder: bool
    created_by: Actor
    created_at: datetime
    expires_at: datetime | None = None
    version: int | None = None
    revoked_at: datetime | None = None
    uses: int = 0


class Collections(Protocol):
    """Collections, by name. Who may do what is for the caller to hold; the store keeps the grants."""

    async def add(self, name: str, *, owner_id: str | None = None, quota_bytes: int | None = None) -> Collection:
        """Raises InvalidRequest for a bad name, NameTaken."""
        ...

    async def get(self, name: str) -> Collection:
        """Raises CollectionNotFound."""
        ...

    async def all(self) -> tuple[Collection, ...]:
        """In the order of their names."""
        ...

    async def rename(self, name: str, new_name: str) -> Collection: ...

    async def set_quota(self, name: str, quota_bytes: int | None) -> Collection: ...

    async def grant(self, name: str, grant: Grant) -> Collection:
        """Replaces what its holder was granted before."""
        ...

    async def withdraw(self, name: str, kind: GrantKind, holder_id: str = "") -> Collection: ...

    async def remove(self, name: str) -> None:
        """Delete a collection with every version in it; raises Conflict while it has files that are not deleted."""
        ...


class Files(Protocol):
    """Files that never lose a version. Each method that changes something is one transaction, index included.

    Where `expected` is given, a file whose newest version is another raises FileChanged, and nothing is written (0: the
    file must not be there). A file that is locked by somebody else raises FileLocked; no room, QuotaReached. Changes
    with the same `change` can be undone together.
    """

    async def write(
        self,
        collection: str,
        path: str,
        chunks: AsyncIterable[bytes],
        *,
        actor: Actor,
        reason: str = "",
        expected: int | None = None,
        change: str = "",
        in_bulk: bool = False,
    ) -> Written:
        """Create or overwrite; a deleted file at that path goes on with its next version.

        With `in_bulk` its vectors are left to `Index.run`, which makes those of many files together.
        Raises InvalidRequest for a bad path or too many bytes, NameTaken for one that differs only in case, DiskFull.
        """
        ...

    async def append(
        self,
        collection: str,
        path: str,
        chunks: AsyncIterable[bytes],
        *,
        actor: Actor,
        reason: str = "",
        change: str = "",
    ) -> Written:
        """Add bytes to the end of the newest version, however many append at once; makes a file that is not there."""
        ...

    async def read(self, collection: str, path: str, point: Point = NEWEST) -> OpenVersion:
        """Raises FileNotThere, VersionNotFound, BlobDamaged (by name, while all else is served).

        A version that is meant by number or time is read also where its file is deleted now.
        """
        ...

    async def text(self, collection: str, path: str, point: Point = NEWEST) -> str:
        """What was read out of a version; raises FileUnreadable where there is no text, Unavailable for the moment."""
        ...

    async def look(self, collection: str, path: str, *, deleted: bool = False) -> StoredFile:
        """Raises FileNotThere, which names what is there in another case, or deleted.

        With `deleted` it is the one that was deleted last at that path, where none is there.
        """
        ...

    async def page(
        self, collection: str, *, under: str = "", deleted: bool = False, limit: int = 1000, after: str = ""
    ) -> tuple[StoredFile, ...]:
        """In the order of paths: those below a path, behind the path `after`.

        With `deleted` the deleted ones instead, of those that had one path the last.
        """
        ...

    async def history(self, collection: str, path: str, *, deleted: bool = False) -> tuple[FileVersion, ...]:
        """Oldest first."""
        ...

    async def changes(
        self, collection: str, *, since: datetime | None = None, limit: int = 100
    ) -> tuple[FileVersion, ...]:
        """Versions of all files, newest first."""
        ...

    async def rollback(
        self,
        collection: str,
        path: str,
        point: Point,
        *,
        actor: Actor,
        reason: str = "",
        expected: int | None = None,
        change: str = "",
    ) -> Written:
        """A new version with an old one's bytes; the next search sees it. Takes no longer for older ones."""
        ...

    async def rename(
        self,
        collection: str,
        path: str,
        new_path: str,
        *,
        actor: Actor,
        reason: str = "",
        change: str = "",
    ) -> Written: ...

    async def delete(
        self,
        collection: str,
        path: str,
        *,
        actor: Actor,
        reason: str = "",
        expected: int | None = None,
        change: str = "",
    ) -> Written: ...

    async def undelete(
        self,
        collection: str,
        path: str,
        *,
        actor: Actor,
        as_path: str | None = None,
        reason: str = "",
        change: str = "",
    ) -> Written:
        """Bring back the file that was deleted last at a path; raises NameTaken where another is there now."""
        ...

    async def undo(self, collection: str, change: str, *, actor: Actor, force: bool = False) -> tuple[Written, ...]:
        """Take back everything that one change did, in one transaction, as new versions.

        Raises FileChanged, and does nothing, where one of its files was changed since, unless `force`.
        """
        ...

    async def lock(self, collection: str, path: str, *, actor: Actor, until: datetime) -> StoredFile:
        """Also prolongs one's own; raises FileLocked."""
        ...

    async def unlock(self, collection: str, path: str, *, actor: Actor, force: bool = False) -> StoredFile: ...

    async def purge(self, collection: str, path: str) -> int:
        """Forget a deleted file for good, with all its versions; how many bytes that freed. Raises Conflict."""
        ...


class Links(Protocol):
    """Share links. Tokens are stored as hashes."""

    async def add(
        self,
        collection: str,
        path: str,
        token_hash: str,
        *,
        actor: Actor,
        folder: bool = False,
        version: int | None = None,
        expires_at: datetime | None = None,
    ) -> Link:
        """Raises FileNotThere or VersionNotFound."""
        ...

    async def find(self, token_hash: str) -> Link:
        """One that may be followed now, and counts the use; raises LinkNotFound."""
        ...

    async def all(self, collection: str) -> tuple[Link, ...]: ...

    async def revoke(self, link_id: str) -> Link: ...


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked for: in which collections (by name), below which path, in which way, how many passages.

    With `whole_files` each file is found once, by its best passage.
    """

    text: str
    collections: tuple[str, ...]
    under: str = ""
    mode: SearchMode = "hybrid"
    limit: int = 10
    whole_files: bool = False
    rerank: bool = False


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A passage that answers a query, by byte offsets into that version's text, and its places in either ranking.

    `score` is how close it is to the query, 0 to 1, and comparable between queries; the order of results is not by it
    alone.
    """

    file_id: str
    collection: str
    path: str
    version: int
    start: int
    end: int
    text: str
    score: float
    heading: str = ""
    keyword_rank: int | None = None
    meaning_rank: int | None = None
    similarity: float | None = None


class SearchResult(msgspec.Struct, frozen=True, kw_only=True):
    """What was found, best first; `notice` says what the search could not do, such as look by meaning."""

    found: tuple[Found, ...]
    mode: SearchMode
    notice: str = ""


class IndexProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far indexing is: versions whose text is read, and passages that have their vector."""

    contents: int
    contents_done: int
    passages: int
    passages_done: int
    failed: int = 0
    notice: str = ""

    @property
    def done(self) -> bool:
        """Whether nothing is left to do."""
        return self.contents_done + self.failed >= self.contents and self.passages_done >= self.passages


class PassageVectors(msgspec.Struct, frozen=True, kw_only=True):
    """Passages of the newest versions of some files: whose each is, its text, and its vector, (n, dimensions)."""

    paths: tuple[str, ...]
    texts: tuple[str, ...]
    vectors: NDArray[np.float32]


class Index(Protocol):
    """What is in files, found by words and by meaning. Only the newest versions of files that are there are found."""

    async def search(self, query: Query) -> SearchResult:
        """Raises CollectionNotFound, InvalidRequest for an empty query."""
        ...

    async def warm(self, collection: str) -> None:
        """Read what this process's first search there would wait for, and later ones not; raises CollectionNotFound."""
        ...

    async def run(self, progress: Callable[[IndexProgress], None] | None = None) -> IndexProgress:
        """Index what waits, and give how far that came. May be cancelled at any moment, and goes on where it stood."""
        ...

    async def progress(self, collection: str | None = None) -> IndexProgress: ...

    async def retry(self, collection: str) -> int:
        """Let what failed or was skipped be tried again; how many."""
        ...

    async def vectors(self, collection: str, *, under: str = "", most: int = 20_000) -> PassageVectors:
        """For grouping; raises ModelNotFound without one for it, InvalidRequest where there are more passages."""
        ...


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """Something that does not agree with the rest: what, where, and whether it was mended."""

    kind: Literal["blob_missing", "blob_damaged", "blob_orphaned", "version", "quota", "index"]
    where: str
    detail: str
    mended: bool = False


class VerifyReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was looked at, and every fault."""

    files: int
    versions: int
    blobs: int
    passages: int
    faults: tuple[Fault, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether everything agrees, or does now."""
        return all(fault.mended for fault in self.faults)


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """A folder of a machine that is kept in step with what is below a path of a collection."""

    id: str
    collection: str
    machine: str
    folder: str
    under: str = ""
    both_ways: bool = False
    created_at: datetime


class CommonFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file as it was when folder and collection last held the same; `path` is relative to the folder.

    By size, time of change and inode it is seen whether the folder's file was touched since.
    """

    path: str
    file_id: str
    version: int
    digest: str
    size: int
    modified_ns: int
    inode: str


class Watches(Protocol):
    """Watched folders, and what of each was last in step."""

    async def open(self, collection: str, *, machine: str, folder: str, under: str, both_ways: bool) -> Watch:
        """The watch of that folder, made where there is none; `both_ways` is as it is given now."""
        ...

    async def all(self) -> tuple[Watch, ...]:
        """Oldest first."""
        ...

    async def remove(self, watch_id: str) -> bool:
        """Forget a watch and what was in step, and nothing else; whether there was one."""
        ...

    async def files(self, watch_id: str) -> tuple[CommonFile, ...]:
        """In the order of paths."""
        ...

    async def advance(self, watch_id: str, in_step: Sequence[CommonFile], gone: Sequence[str]) -> None:
        """Put down what is in step now, and forget paths that are on neither side; raises WatchNotFound."""
        ...


class FileStore(Protocol):
    """Semantic files in one database. Usable from one event loop."""

    @property
    def collections(self) -> Collections: ...

    @property
    def files(self) -> Files: ...

    @property
    def links(self) -> Links: ...

    @property
    def index(self) -> Index: ...

    @property
    def watches(self) -> Watches: ...

    async def verify(self, *, deep: bool = False, repair: bool = False) -> VerifyReport:
        """Hold files, versions, blobs and index against each other; `deep` reads every byte. `repair` mends the index,
        counts, and removes bytes that nothing refers to; what is lost it only reports.
        """
        ...

    async def close(self) -> None: ...


class Embedder(Protocol):
    """Texts to vectors, on whatever model the settings name."""

    async def key(self) -> str | None:
        """Tells the model's vectors from every other's; None where it is not installed."""
        ...

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, (n, dimensions); a text that is too long for the model is split, and its parts averaged.

        Raises Unavailable or ModelError.
        """
        ...


class Extracted(msgspec.Struct, frozen=True, kw_only=True):
    """The text of a file. `own` says that it is the file's own bytes as UTF-8, so that offsets hold for both."""

    text: str
    kind: Literal["text", "markdown", "code", "table"]
    language: str = ""
    own: bool = False


class Extractor(Protocol):
    """Gets the text out of some kinds of file; the first that claims a file reads it, and plugins' are asked first.

    One that keeps something open may have a `close()`, which also ends what is being read, with Unavailable.
    """

    name: str
    version: int
    """Raised where the same bytes give another text than before, so that they are read again."""
    quick: bool
    """Whether small files take milliseconds, so that a write may wait until they are read."""

    def claims(self, filename: str, head: bytes) -> bool:
        """By its name and its first 4,096 bytes."""
        ...

    def extract(self, data: bytes, *, filename: str) -> Extracted:
        """Blocking, and bounded in time and memory; raises FileUnreadable with a sentence for the file's owner."""
        ...


class VectorIndex(Protocol):
    """Nearest neighbours over unit vectors; a cache that can always be rebuilt. Used by one thread at a time."""

    def add(self, identifiers: Sequence[int], vectors: NDArray[np.float32]) -> None:
        """Replaces those that are there."""
        ...

    def remove(self, identifiers: Sequence[int]) -> None:
        """Those that are not there are passed over."""
        ...

    def search(
        self, vector: NDArray[np.float32], limit: int, among: Sequence[int] | None = None
    ) -> list[tuple[int, float]]:
        """Identifier and cosine similarity, best first; with `among` of those only, and none of them is missed."""
        ...

    def __len__(self) -> int: ...


class VectorIndexFactory(Protocol):
    """Makes empty vector indexes."""

    def open(self, dimensions: int) -> VectorIndex: ...


class FileStoreParts(msgspec.Struct, frozen=True, kw_only=True):
    """What a file store works with: `extractors` in the order in which they are asked, sizes in bytes."""

    blobs: BlobStore
    embedder: Embedder
    extractors: Sequence[Extractor]
    vector_indexes: VectorIndexFactory
    largest: int
    largest_indexed: int


class FileStoreFactory(Protocol):
    """Opens file stores beside the state stores that it knows."""

    def claims(self, state: StateStore) -> bool: ...

    def open(self, state: StateStore, parts: FileStoreParts) -> FileStore: ...
