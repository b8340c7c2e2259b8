"""web_fetch against a server of this process: what it reads, where it stops, and whom it never asks."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from jackfield.errors import ArgumentsInvalid, InvalidRequest, RetryLater, ToolFailure, ToolTimeout
from jackfield_plugins.tools import web_fetch
from jackfield_plugins.tools.web_fetch import WebFetch

PAGE = b"""<!doctype html><html><head><title>The title</title><style>p{}</style><script>alert(1)</script></head>
<body><h2>Heading</h2><p>Some   text &amp; a <a href="/other?a=1">link</a>.</p>
<ul><li>one<li>two</ul><table><tr><th>a<th>b<tr><td>1<td>2</table><pre>x
  y</pre></body></html>"""
SMALL = {"Content-Type": "text/plain; charset=utf-8"}


class Site(BaseHTTPRequestHandler):
    """Answers by path; remembers who asked for what."""

    asked: ClassVar[list[tuple[str, str]]] = []

    def do_GET(self) -> None:
        self.asked.append((self.headers["Host"], self.path))
        name = self.path.split("?")[0].strip("/").replace("-", "_")
        try:
            getattr(self, f"on_{name}")()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def answer(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for header, value in headers.items():
            self.send_header(header.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def on_page(self) -> None:
        self.answer(PAGE, Content_Type="text/html")

    def on_plain(self) -> None:
        self.answer("größer".encode("latin-1"), Content_Type="text/plain; charset=iso-8859-1")

    def on_json(self) -> None:
        self.answer(b'{"a": [1, 2]}', Content_Type="application/json")

    def on_image(self) -> None:
        self.answer(b"\x89PNG", Content_Type="image/png", Content_Length="4")

    def on_untyped(self) -> None:
        self.answer(b"\0\1\2\3")

    def on_long(self) -> None:
        self.answer(b"0123456789" * 2000, Content_Type="text/plain")

    def on_bomb(self) -> None:
        self.answer(gzip.compress(bytes(200 << 20), 9), Content_Type="text/plain", Content_Encoding="gzip")

    def on_endless(self) -> None:
        self.answer(b"", Content_Type="text/plain")
        while True:
            self.wfile.write(b"x" * 65536)

    def on_slow(self) -> None:
        self.answer(b"", Content_Type="text/plain")
        self.server.released.wait(30)  # type: ignore[attr-defined]

    def on_gone(self) -> None:
        self.answer(b"nothing here", 404, Content_Type="text/plain")

    def on_busy(self) -> None:
        self.answer(b"", 503, Retry_After="2")

    def on_circle(self) -> None:
        self.answer(b"", 302, Location="/circle")

    def on_away(self) -> None:
        self.answer(b"", 302, Location=self.path.partition("?")[2])

    def on_tangled(self) -> None:
        self.answer(b"<!doctype html>" + b"<a href=" * 200_000, Content_Type="text/html")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the server's class gives it
        return


@pytest.fixture
def site() -> Iterator[str]:
    Site.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.daemon_threads = True
    server.released = threading.Event()  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.released.set()  # type: ignore[attr-defined]
    server.shutdown()
    thread.join()
    server.server_close()


LOCAL = WebFetch(private_addresses=True)


async def test_a_page_is_text(site: str) -> None:
    result = await LOCAL.call({"url": f"{site}/page"})
    assert result.provenance == "remote"
    assert result.text.startswith(
        f"{site}/page (text/html)\nThe title\n\n## Heading\n\nSome text & a [link]({site}/other?a=1)."
    )
    assert "- one\n- two" in result.text
    assert "| 1 | 2" in result.text
    assert "x\n  y" in result.text
    assert "alert" not in result.text


async def test_text_and_json_come_as_they_are(site: str) -> None:
    assert (await LOCAL.call({"url": f"{site}/plain"})).text.endswith("größer")
    assert (await LOCAL.call({"url": f"{site}/json"})).text.endswith('{"a": [1, 2]}')


async def test_what_is_no_text_is_described(site: str) -> None:
    with pytest.raises(ToolFailure, match="is image/png, 4 bytes, not text"):
        await LOCAL.call({"url": f"{site}/image"})
    with pytest.raises(ToolFailure, match="is binary data"):
        await LOCAL.call({"url": f"{site}/untyped"})


async def test_a_long_page_comes_in_parts(site: str) -> None:
    first = await LOCAL.call({"url": f"{site}/long"})
    assert "Go on with start=12000" in first.text
    second = await LOCAL.call({"url": f"{site}/long", "start": 12000})
    assert "Characters 12000 to 20000 of 20000 are shown." in second.text
    with pytest.raises(ArgumentsInvalid, match="behind the end"):
        await LOCAL.call({"url": f"{site}/long", "start": 20000})


@pytest.mark.parametrize("path", ["bomb", "endless"])
async def test_a_flood_is_cut_with_a_notice(site: str, path: str) -> None:
    result = await LOCAL.call({"url": f"{site}/{path}"})
    assert "Only its first 4.2 MB were read." in result.text
    assert len(result.text) < 16_000


async def test_a_server_that_hangs_is_left(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_fetch, "SECONDS", 0.5)
    with pytest.raises(ToolTimeout, match="did not answer whole"):
        await LOCAL.call({"url": f"{site}/slow"})


async def test_a_page_that_takes_forever_to_parse_is_given_up(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_fetch, "PARSING_SECONDS", 0.01)
    with pytest.raises(ToolFailure, match="so tangled"):
        await LOCAL.call({"url": f"{site}/tangled"})


async def test_bad_answers_are_told(site: str) -> None:
    gone = await LOCAL.call({"url": f"{site}/gone"})
    assert gone.error
    assert "(404, text/plain)" in gone.text
    with pytest.raises(RetryLater) as busy:
        await LOCAL.call({"url": f"{site}/busy"})
    assert busy.value.after == 2
    with pytest.raises(ToolFailure, match="redirected more than 5 times"):
        await LOCAL.call({"url": f"{site}/circle"})
    with pytest.raises(ToolFailure, match="cannot be fetched"):
        await LOCAL.call({"url": "http://127.0.0.1:1/"})


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org",
        "file:///etc/passwd",
        "example.org",
        "https://",
        "https://me:key@example.org/",
        "http://[::1",
        "",
    ],
)
async def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(ArgumentsInvalid):
        await WebFetch().call({"url": url})


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "2130706433",
        "0x7f.1",
        "[::ffff:127.0.0.1]",
        "169.254.169.254",
        "0.0.0.0",
        "10.1.2.3",
    ],
)
async def test_private_addresses_are_refused_in_every_spelling(site: str, host: str) -> None:
    with pytest.raises(InvalidRequest, match="only public addresses are fetched"):
        await WebFetch().call({"url": f"http://{host}:{site.rpartition(':')[2]}/page"})
    assert Site.asked == []


async def test_a_name_with_one_private_address_is_refused(site: str) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["93.184.215.14", "10.0.0.1"]

    with pytest.raises(InvalidRequest, match=r"\(10\.0\.0\.1\)"):
        await WebFetch(resolve=resolve).call({"url": "http://both.test/"})


async def test_a_name_is_resolved_once_and_that_address_is_used(site: str) -> None:
    answers = [["127.0.0.1"], ["10.0.0.1"]]

    async def rebinding(host: str, port: int) -> list[str]:
        return answers.pop(0)

    port = site.rpartition(":")[2]
    fetch = WebFetch(resolve=rebinding, allowed=lambda address: address == "127.0.0.1")
    assert (await fetch.call({"url": f"http://public.test:{port}/plain"})).text.startswith(
        f"http://public.test:{port}/plain"
    )
    assert Site.asked == [(f"public.test:{port}", "/plain")]
    assert answers == [["10.0.0.1"]]


@pytest.mark.parametrize("target", ["http://127.0.0.2/", "http://[::1]/", "http://metadata.test/", "//10.0.0.1/x"])
async def test_each_redirect_is_checked_again(site: str, target: str) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["169.254.169.254"] if host == "metadata.test" else [host.strip("[]")]

    fetch = WebFetch(resolve=resolve, allowed=lambda address: address == "127.0.0.1")
    with pytest.raises(InvalidRequest, match="only public addresses"):
        await fetch.call({"url": f"{site}/away?{target}"})


@pytest.mark.parametrize("target", ["file:///etc/passwd", "gopher://127.0.0.1/", "javascript:1"])
async def test_a_redirect_to_another_scheme_is_refused(site: str, target: str) -> None:
    with pytest.raises((InvalidRequest, ToolFailure)):
        await LOCAL.call({"url": f"{site}/away?{target}"})
