"""`web_fetch`: one page of the public internet as text."""

from __future__ import annotations

import asyncio
import codecs
import re
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import msgspec

from jackfield.contracts.tools import ToolDescription, ToolResult
from jackfield.errors import ArgumentsInvalid, InvalidRequest, RetryLater, ToolFailure, ToolTimeout
from jackfield.quantities import readable_bytes
from jackfield.version import __version__
from jackfield_plugins.tools import html_text
from jackfield_plugins.tools.checked_transport import CheckedTransport, Resolve, system_addresses
from jackfield_plugins.tools.file_kinds import is_text
from jackfield_plugins.tools.folder_tool import parameters
from jackfield_plugins.tools.killable import output_of
from jackfield_plugins.tools.public_addresses import is_public

SECONDS = 20.0
"""For everything from the first name looked up to the last byte."""
MOST_REDIRECTS = 5
MOST_BYTES = 4 << 20
"""Of a page, unpacked."""
MOST_CHARACTERS = 12_000
"""Of a page's text in one result."""
PARSING_SECONDS = 10.0
PASSING = frozenset({429, 502, 503, 504})
"""Answers that another try may better."""
LONGEST_PAUSE = 5.0
TEXTUAL = re.compile(
    r"text/.+|application/(.+\+)?(json|xml|yaml|x-yaml|javascript|x-ndjson|toml|sql|x-sh)|image/svg\+xml"
)
HTML = frozenset({"text/html", "application/xhtml+xml"})
META_CHARSET = re.compile(rb"<meta[^>]+charset=[\"']?([\w-]+)", re.IGNORECASE)
BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """What an address gave: `whole` is False where its end was left out."""

    address: str
    status: int
    kind: str
    charset: str | None
    body: bytes
    whole: bool


class WebFetch:
    """Fetches pages; `private_addresses` also those of this machine and its network."""

    description = ToolDescription(
        name="web_fetch",
        description="Fetch a public web page and get its text. A long page comes in parts: go on with start.",
        parameters=parameters(
            ("url",),
            url={"type": "string", "description": "such as https://example.org/page"},
            start={"type": "integer", "minimum": 0, "default": 0, "description": "the first character to show"},
        ),
        permission="network",
        targets=("url",),
        timeout=45.0,
        retries=1,
        concurrency=8,
        estimate=2.0,
    )

    def __init__(
        self,
        *,
        private_addresses: bool = False,
        allowed: Callable[[str], bool] = is_public,
        resolve: Resolve = system_addresses,
    ) -> None:
        self._allowed = _any if private_addresses else allowed
        self._resolve = resolve

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """The text from `start` on. Raises InvalidRequest for addresses not to be fetched, ToolFailure, RetryLater."""
        url = _address(arguments["url"])
        try:
            async with asyncio.timeout(SECONDS):
                page = await self._page(url)
        except TimeoutError as error:
            raise ToolTimeout(f"{url} did not answer whole within {SECONDS:.0f} seconds.") from error
        except httpx.TooManyRedirects as error:
            raise ToolFailure(f"{url} was redirected more than {MOST_REDIRECTS} times.") from error
        except httpx.UnsupportedProtocol as error:
            raise InvalidRequest(f"{url} leads to what is no web address.") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ToolFailure(f"{url} cannot be fetched: {str(error) or type(error).__name__}.") from error
        text, notices = await _text(page)
        return _shown(page, text, notices, arguments.get("start", 0))

    async def _page(self, url: httpx.URL) -> Page:
        tls = await asyncio.to_thread(httpx.create_ssl_context)
        transport = CheckedTransport(
            httpx.AsyncHTTPTransport(verify=tls, limits=httpx.Limits(max_keepalive_connections=0), trust_env=False),
            allowed=self._allowed,
            resolve=self._resolve,
        )
        headers = {
            "User-Agent": f"jackfield/{__version__}",
            "Accept": "text/html, text/*;q=0.9, application/json;q=0.9, */*;q=0.1",
            "Accept-Encoding": "gzip",
        }
        async with (
            httpx.AsyncClient(
                transport=transport,
                headers=headers,
                timeout=SECONDS,
                follow_redirects=True,
                max_redirects=MOST_REDIRECTS,
                trust_env=False,
            ) as client,
            client.stream("GET", url) as response,
        ):
            _require_lasting(response)
            return await _read(response)


def _address(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text.strip())
    except (httpx.InvalidURL, ValueError) as error:
        raise ArgumentsInvalid(f"'{text}' is no web address; give one such as https://example.org/page.") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise ArgumentsInvalid(f"'{text}' is no web address; give one that begins with https:// or http://.")
    if url.userinfo:
        raise ArgumentsInvalid("The address holds a user name or password; give it without.")
    return url.copy_with(fragment=None)


def _require_lasting(response: httpx.Response) -> None:
    """Raises RetryLater for an answer that may be another one soon."""
    if response.status_code in PASSING:
        asked = response.headers.get("Retry-After", "")
        after = min(float(asked), LONGEST_PAUSE) if asked.isdigit() else 1.0
        raise RetryLater(f"{response.url} answered {response.status_code}; try again later.", after=after)


async def _read(response: httpx.Response) -> Page:
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    readable = not kind or kind in HTML or TEXTUAL.fullmatch(kind)
    body, whole = await _body(response) if readable else (b"", True)
    if not kind:
        kind = _guessed(body)
    if not readable or kind == "binary data":
        size = response.headers.get("Content-Length", "")
        said = f", {readable_bytes(int(size))}" if size.isdigit() else ""
        raise ToolFailure(f"{response.url} is {kind}{said}, not text; only text can be read.")
    return Page(
        address=str(response.url),
        status=response.status_code,
        kind=kind,
        charset=response.charset_encoding,
        body=body,
        whole=whole,
    )


async def _body(response: httpx.Response) -> tuple[bytes, bool]:
    """What was sent, unpacked here so that little data cannot become very much; and whether that is all."""
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip", "x-gzip", "deflate"):
        raise ToolFailure(f"{response.url} comes packed as '{encoding}', though only gzip was asked for.")
    unpack = None if encoding == "identity" else zlib.decompressobj(zlib.MAX_WBITS | 32)
    body = bytearray()
    try:
        async for block in response.aiter_raw():
            body += block if unpack is None else unpack.decompress(block, MOST_BYTES + 1 - len(body))
            if len(body) > MOST_BYTES:
                return bytes(body[:MOST_BYTES]), False
    except zlib.error as error:
        raise ToolFailure(f"{response.url} is packed in a way that cannot be unpacked.") from error
    return bytes(body), True


async def _text(page: Page) -> tuple[str, list[str]]:
    """A page's text, and what is to be said of it."""
    notices = [] if page.whole else [f"Only its first {readable_bytes(MOST_BYTES)} were read."]
    text = _decoded(page)
    if page.kind not in HTML:
        return text, notices
    given = page.address.encode() + b"\n" + text.encode("utf-8", errors="replace")
    outcome = await output_of(html_text.__name__, given, seconds=PARSING_SECONDS, most_bytes=2 * MOST_BYTES)
    if not outcome.ended:
        raise ToolFailure(f"{page.address} is a page so tangled that it cannot be read.")
    return outcome.output.decode("utf-8", errors="replace"), notices


def _decoded(page: Page) -> str:
    declared = META_CHARSET.search(page.body[:4096]) if page.kind in HTML else None
    marked = next((name for mark, name in BOMS.items() if page.body.startswith(mark)), None)
    charset = marked or page.charset or (declared[1].decode() if declared else "utf-8")
    try:
        return page.body.decode(charset, errors="replace")
    except LookupError:
        return page.body.decode("utf-8", errors="replace")


def _shown(page: Page, text: str, notices: list[str], start: int) -> ToolResult:
    if start and start >= len(text):
        raise ArgumentsInvalid(f"start {start} is behind the end: the page's text is {len(text)} characters long.")
    end = min(start + MOST_CHARACTERS, len(text))
    if start or end < len(text):
        more = f" Go on with start={end}." if end < len(text) else ""
        notices = [f"Characters {start} to {end} of {len(text)} are shown.{more}", *notices]
    failed = page.status >= 400
    head = f"{page.address} ({page.status}, {page.kind})" if failed else f"{page.address} ({page.kind})"
    body = text[start:end] or "[It holds no text.]"
    return ToolResult(
        text="\n".join([head, body, *(f"[{notice}]" for notice in notices)]), error=failed, provenance="remote"
    )


def _guessed(body: bytes) -> str:
    if not is_text(body[:8192]):
        return "binary data"
    return "text/html" if re.match(rb"\s*<(!doctype html|html)", body, re.IGNORECASE) else "text/plain"


def _any(address: str) -> bool:
    return True
