"""A web page as Markdown that reads well: headings, lists, code and tables; no scripts, styles or addresses."""

from __future__ import annotations

import re
from html.parser import HTMLParser

SKIPPED = frozenset(
    {"script", "style", "noscript", "template", "svg", "math", "canvas", "iframe", "object", "select", "head"}
)
HEADINGS = {f"h{level}": "#" * level + " " for level in range(1, 7)}
APART = frozenset(
    {*HEADINGS, "p", "pre", "table", "ul", "ol", "blockquote", "article", "section", "dl", "figure", "main", "nav"}
)
"""Blocks with an empty line around them."""
LINES = frozenset(
    {"address", "aside", "body", "dd", "details", "div", "dt", "figcaption", "footer", "form", "header", "hr", "li"}
    | {"summary"}
)
"""Blocks on lines of their own."""
OPENINGS = {**HEADINGS, "li": "- ", "br": "\n", "pre": "```\n"}
CLOSINGS = {"pre": "\n```"}
SPACE = re.compile(r"[ \t\r\n\f\v\xa0]+")
KEPT_SPACE, KEPT_LINE = "\ue000", "\ue001"
"""Stand for a space and a line's end of preformatted text until the rest is in order."""


class PageText(HTMLParser):
    """Gathers what a reader would see. Nesting is counted, never followed, so that it may be of any depth."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._skipped_tag = ""
        self._skipped_depth = 0
        self._preformatted = 0
        self._cells = 0
        self._rows = 0
        self._in_title = False
        self._title = ""

    def text(self) -> str:
        """All of it, without empty lines in a row; the page's title first, if it is not the first heading."""
        lines = (SPACE.sub(" ", line).strip() for line in "".join(self._parts).split("\n"))
        text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
        text = text.replace(KEPT_SPACE, " ").replace(KEPT_LINE, "\n")
        title = SPACE.sub(" ", self._title).strip()
        return f"# {title}\n\n{text}" if title and not text.startswith("# ") else text

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_title = tag == "title" and not self._title and self._skipped_tag in ("", "head")
        if tag == "body" and self._skipped_tag == "head":
            self._skipped_tag = ""
        if self._skipped_tag:
            self._skipped_depth += tag == self._skipped_tag
        elif tag in SKIPPED:
            self._skipped_tag, self._skipped_depth = tag, 1
        else:
            self._open(tag, dict(attrs))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in SKIPPED:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        self._in_title = False
        if self._skipped_tag:
            self._skipped_depth -= tag == self._skipped_tag
            if not self._skipped_depth:
                self._skipped_tag = ""
            return
        self._close(tag)

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self._title += data
        elif self._skipped_tag:
            return
        elif self._preformatted and not self._cells:
            self._parts.append(data.replace(" ", KEPT_SPACE).replace("\n", KEPT_LINE))
        else:
            self._parts.append(SPACE.sub(" ", data))

    def _open(self, tag: str, attributes: dict[str, str | None]) -> None:
        if tag in ("table", "tr"):
            self._end_row()
            self._rows *= tag == "tr"
        self._break(tag)
        if tag in ("td", "th"):
            self._parts.append(" | " if self._cells else "\n| ")
            self._cells += 1
        elif tag == "img" and attributes.get("alt"):
            self._parts.append(f"[image: {attributes['alt']}]")
        self._preformatted += tag == "pre"
        self._parts.append(OPENINGS.get(tag, "") if not self._cells else "")

    def _close(self, tag: str) -> None:
        if tag == "pre":
            self._preformatted = max(0, self._preformatted - 1)
        if tag in ("table", "tr"):
            self._end_row()
        self._parts.append(CLOSINGS.get(tag, "") if not self._cells else "")
        self._break(tag)

    def _end_row(self) -> None:
        """Also where the page leaves out the tag that would."""
        if self._cells:
            self._parts.append(" |" + ("" if self._rows else "\n" + "| --- " * self._cells + "|"))
            self._rows += 1
        self._cells = 0

    def _break(self, tag: str) -> None:
        if tag in APART:
            self._parts.append(" " if self._cells else "\n\n")
        elif tag in LINES:
            self._parts.append(" " if self._cells else "\n")


def page_text(html: str) -> str:
    """A page's HTML as Markdown."""
    page = PageText()
    page.feed(html)
    page.close()
    return page.text()
