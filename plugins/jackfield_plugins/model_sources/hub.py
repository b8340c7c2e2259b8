"""Models in repositories on a Hugging Face hub: hf:USER/REPO:QUANT, or a file by its path.

huggingface_hub finds out what a reference means; the bytes come by our own download, because its own (2.4) deletes
what has come when it is interrupted. Files in Xet storage are served over plain HTTP by the same address.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import msgspec

from jackfield.contracts.sources import Progress, ResolvedModel
from jackfield.errors import DownloadFailed, InvalidRequest, MissingDependency, ReferenceNotFound
from jackfield.version import __version__
from jackfield_plugins.model_sources.filenames import SUFFIX, model_filename, model_name
from jackfield_plugins.model_sources.resumable_download import Patience, Remote, ResumableDownload

if TYPE_CHECKING:
    from huggingface_hub import ModelInfo
    from huggingface_hub.hf_api import RepoSibling

PREFIX = "hf:"
PREFERRED = "Q4_K_M"
"""Taken where a reference names no quantization and the repository offers several."""

TIMEOUT = 20.0
"""Seconds that the hub may take to describe a repository."""

_REFERENCE = re.compile(r"(?P<repo>[\w.-]+/[\w.-]+)(?::(?P<quant>[\w.-]+)|/(?P<file>[^:]+))?")
_QUANT = re.compile(r"(?i)(?:^|[-._/])((?:UD-)?(?:I?Q\d\w*|TQ\d_\d|BF16|F16|FP16|F32|MXFP4\w*))(?=[-._/]|$)")
_SPLIT = re.compile(r"-\d{5}-of-\d{5}\.gguf$", re.IGNORECASE)
_ASIDE = re.compile(r"(?:^|[-._/])(?:mmproj|imatrix)", re.IGNORECASE)
"""Files beside a model that are no model to talk to."""


class HubReference(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in a reference: a repository, and a quantization or a file's path or neither."""

    repo: str
    quant: str | None = None
    file: str | None = None


class HubSource:
    """GGUF files in hub repositories; HF_TOKEN and HF_ENDPOINT hold as in huggingface_hub."""

    name = "hub"
    examples: tuple[str, ...] = ("hf:USER/REPO:Q4_K_M", "hf:USER/REPO/FILE.gguf")

    def __init__(self, patience: Patience | None = None) -> None:
        self._patience = patience

    def claims(self, reference: str) -> bool:
        """Anything that begins with `hf:`."""
        return reference.startswith(PREFIX)

    def resolve(self, reference: str) -> ResolvedModel:
        """One file of one commit, by what the hub says of the repository."""
        wanted = parsed_reference(reference)
        hub = _hub_library()
        endpoint = _endpoint(hub)
        with _hub_errors_in_words(wanted.repo, endpoint):
            info = hub.HfApi(endpoint=endpoint, library_name="jackfield", library_version=__version__).model_info(
                wanted.repo, files_metadata=True, timeout=TIMEOUT
            )
        chosen = chosen_file(wanted, info.siblings or [])
        return ResolvedModel(
            reference=reference,
            name=model_name(chosen.rfilename),
            filename=model_filename(chosen.rfilename),
            location=hub.hf_hub_url(wanted.repo, chosen.rfilename, revision=info.sha, endpoint=endpoint),
            bytes=chosen.size,
            sha256=chosen.lfs.sha256 if chosen.lfs else None,
            licence=_licence(info),
        )

    def fetch(self, resolved: ResolvedModel, folder: Path, progress: Progress) -> Path:
        """Download, going on from where an earlier try was cut off."""
        hub = _hub_library()
        remote = Remote(
            url=resolved.location,
            headers=hub.utils.build_hf_headers(library_name="jackfield", library_version=__version__),
            bytes=resolved.bytes,
            sha256=resolved.sha256,
            denied="accept the model's terms on its page if it has any, and set HF_TOKEN.",
        )
        return ResumableDownload(remote, folder / resolved.filename, progress, self._patience).fetch()


def parsed_reference(reference: str) -> HubReference:
    """The parts of an `hf:` reference; raises InvalidRequest."""
    found = _REFERENCE.fullmatch(reference.removeprefix(PREFIX))
    if not found or (found["file"] and not found["file"].lower().endswith(SUFFIX)):
        raise InvalidRequest(
            f"'{reference}' should be {PREFIX}USER/REPO, {PREFIX}USER/REPO:{PREFERRED} or {PREFIX}USER/REPO/FILE.gguf.",
            parameter="reference",
        )
    return HubReference(repo=found["repo"], quant=found["quant"], file=found["file"])


def chosen_file(wanted: HubReference, files: Sequence[RepoSibling]) -> RepoSibling:
    """The file that a reference means; raises ReferenceNotFound or InvalidRequest with the choices there are."""
    models = [file for file in files if file.rfilename.lower().endswith(SUFFIX) and not _ASIDE.search(file.rfilename)]
    if wanted.file:
        matching = [file for file in files if file.rfilename == wanted.file]
    elif wanted.quant:
        matching = [file for file in models if _has_quant(file.rfilename, wanted.quant)]
    else:
        matching = models if len(models) == 1 else [file for file in models if _has_quant(file.rfilename, PREFERRED)]
    if matching and all(_SPLIT.search(file.rfilename) for file in matching):
        raise InvalidRequest(
            f"{matching[0].rfilename} in '{wanted.repo}' is one part of a split model, and those "
            f"are not supported yet; choose one in a single file. {_choices(models)}",
            parameter="reference",
        )
    matching = [file for file in matching if not _SPLIT.search(file.rfilename)]
    if len(matching) == 1:
        return matching[0]
    raise _unclear(wanted, models, matching)


def _unclear(
    wanted: HubReference, models: Sequence[RepoSibling], matching: Sequence[RepoSibling]
) -> InvalidRequest | ReferenceNotFound:
    if not models:
        return ReferenceNotFound(f"'{wanted.repo}' holds no {SUFFIX} file.", parameter="reference")
    if matching:
        files = ", ".join(f"{PREFIX}{wanted.repo}/{file.rfilename}" for file in matching)
        return InvalidRequest(f"Several files fit; name one of them: {files}.", parameter="reference")
    if wanted.file:
        return ReferenceNotFound(
            f"'{wanted.repo}' has no file '{wanted.file}'. {_choices(models)}", parameter="reference"
        )
    if wanted.quant:
        return ReferenceNotFound(
            f"'{wanted.repo}' has no file in {wanted.quant}. {_choices(models)}", parameter="reference"
        )
    return InvalidRequest(
        f"'{wanted.repo}' has several files and none in {PREFERRED}: name one. {_choices(models)}",
        parameter="reference",
    )


def _choices(models: Sequence[RepoSibling]) -> str:
    """What can be asked for after the colon, or file paths where a name tells no quantization."""
    single = [file.rfilename for file in models if not _SPLIT.search(file.rfilename)]
    if not single:
        return "It has no single-file model."
    found = [_QUANT.search(name.removesuffix(SUFFIX)) for name in single]
    labels = [quant[1] if quant else name for quant, name in zip(found, single, strict=True)]
    return f"It has: {', '.join(dict.fromkeys(labels))}."


def _has_quant(path: str, quant: str) -> bool:
    return re.search(rf"(?i)(?:^|[-._/]){re.escape(quant)}(?=[-._/]|$)", path) is not None


def _licence(info: ModelInfo) -> str | None:
    licence = getattr(info.card_data, "license", None)
    return licence if isinstance(licence, str) else None


def _hub_library() -> ModuleType:
    """huggingface_hub, which is told not to report on this machine unless the user wants it to."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        import huggingface_hub
        import huggingface_hub.constants  # its submodules are there only once they are imported by name
        import huggingface_hub.utils
    except ModuleNotFoundError as error:
        raise MissingDependency("Hub repositories need huggingface_hub: `pip install 'jackfield[local]'`.") from error
    return huggingface_hub


def _endpoint(hub: ModuleType) -> str:
    named = os.environ.get("HF_ENDPOINT") or hub.constants.ENDPOINT
    return str(named).rstrip("/")


@contextmanager
def _hub_errors_in_words(repo: str, endpoint: str) -> Iterator[None]:
    from huggingface_hub import errors

    try:
        yield
    except errors.HFValidationError as error:
        raise InvalidRequest(f"'{repo}' is no repository's name.", parameter="reference") from error
    except errors.OfflineModeIsEnabled as error:
        raise DownloadFailed("HF_HUB_OFFLINE is set, so no hub may be asked; unset it to pull from one.") from error
    except errors.GatedRepoError as error:
        raise DownloadFailed(
            f"'{repo}' is gated: accept its terms at {endpoint}/{repo}, then set HF_TOKEN to a token of yours."
        ) from error
    except errors.HfHubHTTPError as error:
        raise _refused(repo, endpoint, error.response.status_code) from error
    except (errors.HTTPError, KeyError, TypeError, ValueError) as error:  # type: ignore[attr-defined]
        raise _unusable(endpoint, error) from error


def _refused(repo: str, endpoint: str, status: int) -> ReferenceNotFound | DownloadFailed:
    """The hub answers 401 for what does not exist, so as not to tell what is private."""
    if status in (401, 404):
        return ReferenceNotFound(
            f"There is no repository '{repo}' at {endpoint}, or it is private: HF_TOKEN opens those of yours.",
            parameter="reference",
        )
    return DownloadFailed(f"{endpoint} answered {status} when asked about '{repo}'; try again later.")


def _unusable(endpoint: str, error: Exception) -> DownloadFailed:
    if isinstance(error, KeyError | TypeError | ValueError):
        return DownloadFailed(f"{endpoint} does not answer as a model hub does; check HF_ENDPOINT.")
    reason = str(error) or type(error).__name__
    return DownloadFailed(f"{endpoint} cannot be reached ({reason}); check the network, or HF_ENDPOINT.")
