"""Uploaded files in memory."""

from __future__ import annotations

from jackfield.contracts.uploads import BlobStore, Upload
from jackfield.testing.memory_identity import page_of


class InMemoryUploads:
    """Records of uploaded files."""

    def __init__(self) -> None:
        self._uploads: dict[str, Upload] = {}

    async def add(self, upload: Upload) -> None:
        """A new one."""
        self._uploads[upload.id] = upload

    async def get(self, upload_id: str) -> Upload | None:
        """By identifier."""
        return self._uploads.get(upload_id)

    async def remove(self, upload_id: str) -> Upload | None:
        """What was removed."""
        return self._uploads.pop(upload_id, None)

    async def page(
        self,
        *,
        owner_id: str | None = None,
        purpose: str | None = None,
        limit: int = 100,
        before: str | None = None,
        after: str | None = None,
    ) -> tuple[Upload, ...]:
        """Newest first, or with `after` oldest first."""
        chosen = [
            each
            for each in self._uploads.values()
            if owner_id in (None, each.owner_id) and purpose in (None, each.purpose)
        ]
        if after is not None:
            newer = [each for each in chosen if each.id > after]
            return tuple(sorted(newer, key=lambda each: each.id)[:limit])
        return page_of(chosen, limit=limit, before=before)

    async def uses(self, digest: str) -> int:
        """How many have these bytes."""
        return sum(each.digest == digest for each in self._uploads.values())

    async def drop_unused(self, digest: str, blobs: BlobStore) -> bool:
        """Whether it removed any."""
        return not await self.uses(digest) and await blobs.remove(digest)
