"""Web pages as Markdown."""

from __future__ import annotations

import pytest

from jackfield_storage.chunking.passages import passages_of
from jackfield_storage.extraction.html import HtmlExtractor

PAGE = """<!DOCTYPE html><html><head><title>Tea &amp; cake</title><style>p {color: red}</style>
<script>document.write("<p>nothing</p>")</script></head><body>
<nav>Home</nav><h2>Tea</h2>
<p>Steep   it
<em>well</em>.</p><ul><li>green<li>black</ul>
<pre>kettle  on
  wait</pre>
<table><thead><tr><th>Item<th>Cost</thead><tr><td>Cake<div>slice</div></td><td>3</td></tr><tr><td>Tea<td>2</table>
<svg><text>a drawing</text></svg><noscript>no</noscript><img src="x" alt="A cup"><p>End</p></body></html>"""

TEXT = """# Tea & cake

Home

## Tea

Steep it well.

- green
- black

```
kettle  on
  wait
```

| Item | Cost |
| --- | --- |
| Cake slice | 3 |
| Tea | 2 |

[image: A cup]

End"""


def test_a_page_reads_as_it_looks(pages: HtmlExtractor) -> None:
    assert pages.extract(PAGE.encode(), filename="a.html").text == TEXT


def test_titles_stand_over_what_is_under_them(pages: HtmlExtractor) -> None:
    page = b"<h1>Kitchen</h1><h2>Tea</h2><p>Steep it.<h2>Cake</h2><p>Bake it."
    cuts = passages_of(pages.extract(page, filename="a.html"))
    assert [cut.heading for cut in cuts] == ["Kitchen > Tea", "Kitchen > Cake"]


@pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-1", "windows-1252", "utf-16"])
def test_the_encoding_is_the_one_that_the_page_names(pages: HtmlExtractor, encoding: str) -> None:
    page = f'<html><head><meta charset="{encoding}"></head><body>Käse</body></html>'.encode(encoding)
    assert pages.extract(page, filename="a.html").text == "Käse"


def test_a_name_of_no_encoding_does_no_harm(pages: HtmlExtractor) -> None:
    assert pages.extract('<meta charset="nonsense">Käse'.encode(), filename="a.html").text == "Käse"


@pytest.mark.parametrize("tag", ["div", "b", "table", "ul", "svg", "script", "pre", "td"])
def test_depth_is_no_danger(pages: HtmlExtractor, tag: str) -> None:
    depth = 10_000
    page = f"<p>before</p>{f'<{tag}>' * depth}{f'</{tag}>' * depth}<p>after</p>"
    text = pages.extract(page.encode(), filename="a.html").text
    assert text.startswith("before")
    assert text.endswith("after")


def test_pages_without_a_suffix_are_told_by_how_they_begin(pages: HtmlExtractor) -> None:
    assert pages.claims("index", b"<!-- saved -->\n<!DOCTYPE HTML><html>")
    assert pages.claims("index.HTM", b"Tea")
    assert not pages.claims("index", b"<p>")
    assert not pages.claims("notes.txt", b"<html>")
    assert not pages.claims("a.html", b"\0\1\2")
