"""Models on a hub: what a reference means there, and how the bytes come from another host."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.errors import (
    ChecksumMismatch,
    DownloadFailed,
    InvalidRequest,
    JackfieldError,
    ReferenceNotFound,
)
from jackfield.testing.file_server import FileServer
from jackfield.testing.hub_server import COMMIT, HubRepository, HubServer
from jackfield_plugins.model_sources.hub import HubReference, HubSource, parsed_reference
from jackfield_plugins.model_sources.resumable_download import Patience

CONTENT = random.Random(11).randbytes(300_000)
CUT = 100_000
HURRIED = Patience(connect=2, read=2, pauses=(0.0, 0.0), first_tries=2)
PUBLIC = HubRepository(
    files={
        "README.md": b"# a model",
        "model-Q4_K_M.gguf": CONTENT,
        "model-Q4_K_S.gguf": CONTENT[1:],
        "model-Q8_0.gguf": CONTENT[2:],
        "big/model-F16-00001-of-00002.gguf": CONTENT[3:],
        "big/model-F16-00002-of-00002.gguf": CONTENT[4:],
        "mmproj-model-Q4_K_M.gguf": CONTENT[5:],
    },
    licence="apache-2.0",
)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with FileServer() as contents, HubServer(contents) as server:
        server.add("someone/model", PUBLIC)
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield server
        huggingface_hub.close_session()


def fetch(reference: str, folder: Path) -> bytes:
    source = HubSource(HURRIED)
    return source.fetch(source.resolve(reference), folder, lambda done, total: None).read_bytes()


def test_a_reference_is_one_file_of_one_commit(hub: HubServer) -> None:
    resolved = HubSource().resolve("hf:someone/model:Q8_0")
    assert resolved.location == f"{hub.url}/someone/model/resolve/{COMMIT}/model-Q8_0.gguf"
    assert (resolved.name, resolved.filename) == ("model-Q8_0", "model-Q8_0.gguf")
    assert (resolved.bytes, resolved.licence) == (len(CONTENT) - 2, "apache-2.0")
    assert resolved.sha256


@pytest.mark.parametrize(
    ("reference", "file"),
    [
        ("hf:someone/model:Q4_K_M", "model-Q4_K_M.gguf"),
        ("hf:someone/model:q4_k_s", "model-Q4_K_S.gguf"),
        ("hf:someone/model", "model-Q4_K_M.gguf"),
        ("hf:someone/model/model-Q8_0.gguf", "model-Q8_0.gguf"),
        ("hf:someone/model/mmproj-model-Q4_K_M.gguf", "mmproj-model-Q4_K_M.gguf"),
    ],
)
def test_a_file_is_chosen_by_quantization_or_path(hub: HubServer, reference: str, file: str) -> None:
    assert HubSource().resolve(reference).filename == file


def test_the_only_file_needs_no_quantization(hub: HubServer) -> None:
    hub.add("someone/one", HubRepository(files={"odd.gguf": CONTENT}))
    assert HubSource().resolve("hf:someone/one").filename == "odd.gguf"


@pytest.mark.parametrize(
    ("files", "reference", "kind", "words"),
    [
        (("m-Q8_0.gguf", "m-Q2_K.gguf"), "hf:a/b", InvalidRequest, "It has: Q8_0, Q2_K."),
        (("m-Q8_0.gguf", "odd.gguf"), "hf:a/b:Q4_0", ReferenceNotFound, "It has: Q8_0, odd.gguf."),
        (("a-Q4_0.gguf", "b-Q4_0.gguf"), "hf:a/b:Q4_0", InvalidRequest, "hf:a/b/a-Q4_0.gguf, hf:a/b/b-Q4_0.gguf"),
        (("m-Q8_0.gguf",), "hf:a/b/other.gguf", ReferenceNotFound, "has no file 'other.gguf'"),
        (("README.md",), "hf:a/b", ReferenceNotFound, "holds no .gguf file"),
        (("m-F16-00001-of-00002.gguf", "m-F16-00002-of-00002.gguf"), "hf:a/b:F16", InvalidRequest, "split model"),
        (("m-F16-00001-of-00002.gguf",), "hf:a/b/m-F16-00001-of-00002.gguf", InvalidRequest, "not supported yet"),
        (("m-F16-00001-of-00002.gguf",), "hf:a/b", InvalidRequest, "no single-file model"),
    ],
)
def test_an_unclear_reference_is_refused_with_the_choices(
    hub: HubServer, files: tuple[str, ...], reference: str, kind: type[JackfieldError], words: str
) -> None:
    hub.add("a/b", HubRepository(files=dict.fromkeys(files, b"content")))
    with pytest.raises(kind) as refusal:
        HubSource().resolve(reference)
    assert words in refusal.value.message


@pytest.mark.parametrize(
    "reference", ["hf:", "hf:model", "hf:a/b:", "hf:a/b/file.bin", "hf:a/b:Q4_0/x.gguf", "hf:-/..:Q4"]
)
def test_a_malformed_reference_is_refused(hub: HubServer, reference: str) -> None:
    with pytest.raises(InvalidRequest):
        HubSource().resolve(reference)


def test_bytes_come_from_the_other_host_without_our_token(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    assert fetch("hf:someone/model", tmp_path) == CONTENT
    assert {asked.headers["authorization"] for asked in hub.asked} == {"Bearer hf_secret"}
    assert all("authorization" not in asked.headers for asked in hub.contents.asked)


def test_a_cut_download_goes_on_where_it_was_cut(hub: HubServer, tmp_path: Path) -> None:
    hub.blob(CONTENT).cuts = [CUT]
    assert fetch("hf:someone/model", tmp_path) == CONTENT
    assert hub.contents.ranges == [None, f"bytes={CUT}-"]


def test_what_came_is_kept_even_where_the_other_host_names_its_versions_anew(hub: HubServer, tmp_path: Path) -> None:
    def stop(done: int, total: int | None) -> None:
        raise asyncio.CancelledError

    source = HubSource(HURRIED)
    with pytest.raises(asyncio.CancelledError):
        source.fetch(source.resolve("hf:someone/model"), tmp_path, stop)
    begun = (tmp_path / "model-Q4_K_M.gguf.partial").stat().st_size
    hub.blob(CONTENT).etag = '"another"'
    assert fetch("hf:someone/model", tmp_path) == CONTENT
    assert hub.contents.ranges == [None, f"bytes={begun}-"]


def test_other_bytes_than_the_hub_promised_are_not_kept(hub: HubServer, tmp_path: Path) -> None:
    hub.blob(CONTENT).content = CONTENT[::-1]
    with pytest.raises(ChecksumMismatch):
        fetch("hf:someone/model", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_other_lengths_than_the_hub_promised_are_refused(hub: HubServer, tmp_path: Path) -> None:
    hub.blob(CONTENT).content = CONTENT[:-1]
    with pytest.raises(DownloadFailed, match="where 300000 were expected"):
        fetch("hf:someone/model", tmp_path)


def test_a_gated_model_needs_its_terms_accepted(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add("someone/gated", HubRepository(files={"g.gguf": CONTENT}, token="hf_mine", gated=True))
    with pytest.raises(DownloadFailed, match=r"accept the model's terms .* HF_TOKEN"):
        fetch("hf:someone/gated", tmp_path)
    monkeypatch.setenv("HF_TOKEN", "hf_mine")
    assert fetch("hf:someone/gated", tmp_path) == CONTENT


def test_a_private_repository_looks_like_none_without_the_token(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add("someone/private", HubRepository(files={"p.gguf": CONTENT}, token="hf_mine"))
    with pytest.raises(ReferenceNotFound, match="or it is private: HF_TOKEN"):
        fetch("hf:someone/private", tmp_path)
    monkeypatch.setenv("HF_TOKEN", "hf_mine")
    assert fetch("hf:someone/private", tmp_path) == CONTENT


def test_an_unknown_repository_is_one_sentence(hub: HubServer) -> None:
    with pytest.raises(ReferenceNotFound, match=r"no repository 'someone/none' at http://127"):
        HubSource().resolve("hf:someone/none")


@pytest.mark.parametrize(("status", "words"), [(503, "answered 503"), (500, "answered 500")])
def test_a_hub_in_trouble_is_one_sentence(hub: HubServer, status: int, words: str) -> None:
    hub.files["/api/models/someone/model"].statuses = [status]
    with pytest.raises(DownloadFailed, match=words):
        HubSource().resolve("hf:someone/model")


@pytest.mark.parametrize("content", [b"<html>", b"{}", b"[]"])
def test_what_is_no_hub_is_one_sentence(hub: HubServer, content: bytes) -> None:
    hub.files["/api/models/someone/model"].content = content
    with pytest.raises(DownloadFailed, match="does not answer as a model hub does"):
        HubSource().resolve("hf:someone/model")


def test_no_network_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
    with pytest.raises(DownloadFailed, match="cannot be reached"):
        HubSource().resolve("hf:someone/model")
    huggingface_hub.close_session()


def said_in_a_fresh_process(**variables: str | None) -> str:
    """What resolving a reference ends in where nothing of the library is imported yet; None takes a variable away."""
    program = (
        "from jackfield_plugins.model_sources.hub import HubSource\n"
        "try: HubSource().resolve('hf:someone/model')\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    environment = {name: value for name, value in {**os.environ, **variables}.items() if value is not None}
    return subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60, check=True
    ).stdout


def test_offline_mode_is_respected_in_words(hub: HubServer) -> None:
    assert said_in_a_fresh_process(HF_HUB_OFFLINE="1").startswith("DownloadFailed HF_HUB_OFFLINE is set")
    assert hub.asked == []


def test_the_usual_hub_needs_no_variable() -> None:
    nowhere = "http://127.0.0.1:9"
    said = said_in_a_fresh_process(HF_ENDPOINT=None, HTTPS_PROXY=nowhere, https_proxy=nowhere)
    assert said.startswith("DownloadFailed")
    assert "cannot be reached" in said


def test_nothing_about_this_machine_is_reported(hub: HubServer, tmp_path: Path) -> None:
    fetch("hf:someone/model", tmp_path)
    assert {asked.path.split("/")[1] for asked in hub.asked} == {"api", "someone"}
    assert all("agent/" not in asked.headers["user-agent"] for asked in hub.asked)


def test_the_server_of_these_tests_serves_the_hub_s_own_client(hub: HubServer, tmp_path: Path) -> None:
    path = huggingface_hub.hf_hub_download(
        "someone/model", "model-Q4_K_M.gguf", local_dir=tmp_path, endpoint=hub.url, etag_timeout=5
    )
    assert Path(path).read_bytes() == CONTENT


@given(
    repo=st.from_regex(r"[A-Za-z0-9][\w.-]{0,20}/[A-Za-z0-9][\w.-]{0,20}", fullmatch=True),
    quant=st.none() | st.from_regex(r"[A-Z0-9][\w-]{0,9}", fullmatch=True),
)
def test_a_reference_is_read_as_it_was_written(repo: str, quant: str | None) -> None:
    reference = f"hf:{repo}:{quant}" if quant else f"hf:{repo}"
    assert parsed_reference(reference) == HubReference(repo=repo, quant=quant)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parsed = parsed_reference(f"hf:{text}")
    except InvalidRequest:
        return
    assert parsed.repo.count("/") == 1
