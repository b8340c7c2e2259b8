"""A web page as text that reads well: headings, lists, tables, links; no scripts, styles or menus' bones.

Run as a program it reads a page's address and its HTML from standard input. A page can be written so that parsing it
takes very long, so it is parsed in a process that can be killed.
"""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from urllib.parse import urljoin

SKIPPED = frozenset({"script", "style", "noscript", "template", "svg", "canvas", "iframe", "object", "select"})
HEADINGS = {f"h{level}": "#" * level + " " for level in range(1, 7)}
APART = frozenset({*HEADINGS, "p", "pre", "table", "ul", "ol", "blockquote", "article", "section", "dl"})
"""Blocks with an empty line around them."""
LINES = frozenset(
    {"address", "aside", "body", "dd", "details", "div", "dt", "figcaption", "figure", "footer", "form", "header"}
    | {"hr", "li", "main", "nav", "summary", "tbody", "thead", "tr"}
)
"""Blocks on lines of their own."""
OPENINGS = {**HEADINGS, "li": "- ", "br": "\n", "td": " | ", "th": " | "}
SPACE = re.compile(r"[ \t\r\n\f\v\xa0]+")
KEPT_SPACE = "\xa0"
"""Stands for a space of preformatted text; elsewhere it is a space like any other."""


class PageText(HTMLParser):
    """Gathers what a reader would see."""

    def __init__(self, address: str) -> None:
        super().__init__(convert_charrefs=True)
        self._address = address
        self._parts: list[str] = []
        self._skipping: list[str] = []
        self._links: list[str | None] = []
        self._preformatted = 0
        self._in_title = False
        self.title = ""

    def text(self) -> str:
        """All of it, without empty lines in a row."""
        lines = (line.strip(" ").rstrip() for line in "".join(self._parts).split("\n"))
        text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip().replace(KEPT_SPACE, " ")
        title = SPACE.sub(" ", self.title).strip()
        return f"{title}\n\n{text}" if title and not text.startswith((title, f"# {title}")) else text

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_title = tag == "title" and not self.title
        if tag in SKIPPED:
            self._skipping.append(tag)
        if self._skipping:
            return
        self._break(tag)
        self._parts.append(OPENINGS.get(tag, ""))
        self._preformatted += tag == "pre"
        named = dict(attrs)
        if tag == "img" and named.get("alt"):
            self._parts.append(f"[image: {named['alt']}]")
        elif tag == "a":
            self._open_link(named.get("href"))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in SKIPPED:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        self._in_title = False
        if tag in self._skipping:
            del self._skipping[self._skipping.index(tag) :]
            return
        if self._skipping:
            return
        if tag == "a" and self._links:
            target = self._links.pop()
            self._parts.append(f"]({target})" if target else "")
        if tag == "pre":
            self._preformatted = max(0, self._preformatted - 1)
        self._break(tag)

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data
        elif self._skipping:
            return
        else:
            self._gather(data)

    def _gather(self, data: str) -> None:
        self._parts.append(data.replace(" ", KEPT_SPACE) if self._preformatted else SPACE.sub(" ", data))

    def _break(self, tag: str) -> None:
        if tag in APART:
            self._parts.append("\n\n")
        elif tag in LINES:
            self._parts.append("\n")

    def _open_link(self, target: str | None) -> None:
        whole = _joined(self._address, target)
        self._links.append(whole)
        self._parts.append("[" if whole else "")


def _joined(address: str, target: str | None) -> str | None:
    """A link's whole address, if it leads to another page."""
    if not target or target.startswith("#"):
        return None
    try:
        whole = urljoin(address, target.strip())
    except ValueError:
        return None
    return whole if whole.startswith(("http://", "https://")) else None


def page_text(address: str, html: str) -> str:
    """A page's HTML as text."""
    page = PageText(address)
    page.feed(html)
    page.close()
    return page.text()


def main() -> None:
    address, _, html = sys.stdin.buffer.read().partition(b"\n")
    text = page_text(address.decode("utf-8", errors="replace"), html.decode("utf-8", errors="replace"))
    sys.stdout.buffer.write(text.encode("utf-8", errors="replace"))


if __name__ == "__main__":
    main()
