"""A model hub on loopback: it describes repositories, and sends whoever wants a file on to another host."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from jackfield.testing.file_server import FileServer, ServedFile

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class HubRepository(msgspec.Struct, frozen=True, kw_only=True):
    """Files by path; a gated repository shows what it holds to all and gives it to holders of the token."""

    files: dict[str, bytes]
    licence: str | None = None
    token: str | None = None
    gated: bool = False


class HubServer(FileServer):
    """Speaks the part of the hub's protocol that downloads need; `contents` is the other host, which has the bytes."""

    def __init__(self, contents: FileServer) -> None:
        super().__init__()
        self.contents = contents

    def add(self, name: str, repository: HubRepository) -> None:
        """Put a repository on the hub, at one commit that is also `main`."""
        info = ServedFile(
            content=msgspec.json.encode(_described(name, repository)),
            content_type="application/json",
            token=None if repository.gated else repository.token,
        )
        self.files[f"/api/models/{name}"] = info
        for path, content in repository.files.items():
            digest = hashlib.sha256(content).hexdigest()
            self.contents.files[f"/blobs/{digest}"] = ServedFile.of(content)
            for revision in (COMMIT, "main"):
                self.files[f"/{name}/resolve/{revision}/{path}"] = ServedFile(
                    redirect=f"{self.contents.url}/blobs/{digest}?signature=secret",
                    token=repository.token,
                    headers={
                        "X-Repo-Commit": COMMIT,
                        "X-Linked-Etag": f'"{digest}"',
                        "X-Linked-Size": str(len(content)),
                        **({"X-Error-Code": "GatedRepo"} if repository.gated else {}),
                    },
                )

    def blob(self, content: bytes) -> ServedFile:
        """How the other host serves a content, to make it misbehave."""
        return self.contents.files[f"/blobs/{hashlib.sha256(content).hexdigest()}"]

    def file_at(self, path: str) -> ServedFile | None:
        """What is not there is answered as if it were private, as the hub does."""
        unknown = path.startswith("/api/models/") and path not in self.files
        return ServedFile(statuses=[401]) if unknown else super().file_at(path)


def _described(name: str, repository: HubRepository) -> dict[str, Any]:
    return {
        "id": name,
        "sha": COMMIT,
        "private": False,
        "gated": "auto" if repository.gated else False,
        "cardData": {"license": repository.licence} if repository.licence else None,
        "siblings": [
            {
                "rfilename": path,
                "size": len(content),
                "blobId": hashlib.sha1(content, usedforsecurity=False).hexdigest(),
                "lfs": {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134},
            }
            for path, content in repository.files.items()
        ],
    }
