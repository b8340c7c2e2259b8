"""How people name files: one or several, all of them, those of a folder or of a kind, or the ones just spoken of."""

from __future__ import annotations

import re

import msgspec

from jackfield.files.words.marks import DURATIONS, PATHS, QUOTES, TIMES, VERSIONS, Marked
from jackfield.files.words.sentence_files import lines_of
from jackfield.files.words.steps import IT, ORIGINAL, Which

KINDS = {
    "pdf": "*.pdf",
    "markdown": "*.md",
    "md": "*.md",
    "text": "*.txt",
    "txt": "*.txt",
    "csv": "*.csv",
    "excel": "*.xlsx",
    "xlsx": "*.xlsx",
    "spreadsheet": "*.xlsx",
    "word": "*.docx",
    "docx": "*.docx",
    "powerpoint": "*.pptx",
    "pptx": "*.pptx",
    "python": "*.py",
    "html": "*.html",
    "json": "*.json",
    "yaml": "*.yaml",
    "toml": "*.toml",
}
"""What kinds of file are called, as patterns of paths."""

_ALL = re.compile(
    r"(?:(?:absolutely |simply )?(?:all|every|each|any)(?: single)?(?: one)?(?: of)? ?(?:of )?"
    r"(?:the |my |our |these |those )?(?:other )?|both(?: of)?(?: the| my| our)? ?)"
)
_EVERYTHING = re.compile("|".join(lines_of("everything")))
_DETERMINER = re.compile(
    r"^(?:(?:the|my|our|a|an|this|that|these|those|your|his|her|their|its|some|same|whole|entire|full|current|following|"
    r"complete|existing|said|just) )+"
)
_FILE_NOUN = r"(?:files?|documents?|docs?)"
_CALLED = re.compile(rf"(?:{_FILE_NOUN} )?(?:called|named|with the name|by the name of|titled|entitled|at) ")
_PRONOUNS = frozenset(lines_of("pronouns"))
_SUSPECT = frozenset(lines_of("seldom_in_names"))
_SELDOM = frozenset({"of", "at", "up", "off", "out", "down", "in", "on", "around", "away", "over", "also", "too"})
_ORIGINALS = frozenset({
    "the original", "the original file", "the originals", "the original files", "the original one", "the source",
    "the sources", "the source file", "the source files",
})  # fmt: skip
_BUT = re.compile(
    r"(.+?) (?:, )?(?:but not|but keep|but leave|but|except for|except|apart from|aside from|other than|save for|"
    r"excluding|besides|with the exception of|minus) (.+)"
)
_ABOUT = re.compile(f"(?:{'|'.join(lines_of('about'))}) (.+)")
_WHATEVER = re.compile(
    r"(?:everything|all|anything|whatever)(?: that)?(?: is| there is| i have| we have| lies)? "
    r"(?=in |under |below |inside |within |about |from |on |of )"
)
_NO_DETERMINER = ("each other", "all hands", "anything", "everything", "everyone", "anyone")
_IN = re.compile(r"(.*?) ?\b(?:in|under|inside|within|below|from|of) (?:the |my |our )?(.+)")


class Named(msgspec.Struct, frozen=True):
    """Which files a phrase names, and how doubtful that is: 0 is not at all."""

    which: Which
    doubt: int = 0


def named(said: str, marked: Marked) -> Named:
    """Reads a phrase of plain words."""
    said = " ".join(said.split()).strip(" ,:")
    if said in _PRONOUNS:
        return Named(Which((IT,)))
    if _EVERYTHING.fullmatch(said):
        return Named(Which(every=True))
    if said in _ORIGINALS:
        return Named(Which((ORIGINAL,)))
    if found := _BUT.fullmatch(said):
        return _all_but(found[1], found[2], marked)
    names: list[str] = []
    every, doubt = False, 0
    for part in _parts(said):
        one = _one(part, marked)
        names += [name for name in one.which.names if name not in names]
        every = every or one.which.every
        doubt += one.doubt
    return Named(Which(tuple(names), every), doubt + (0 if names or every else 9))


def _all_but(said: str, but: str, marked: Marked) -> Named:
    """Exceptions are made of what is plainly several files."""
    all_of, left = named(said, marked), named(but, marked)
    if not all_of.which.every or not left.which.names or left.which.but:
        return Named(Which(), 9)
    return Named(msgspec.structs.replace(all_of.which, but=left.which.names), all_of.doubt + left.doubt)


def _parts(said: str) -> list[str]:
    """`a, b and c`, apart."""
    said = re.sub(r"^both ", "", said)
    said = re.sub(
        r"(?: ,)? and (?:everything|all|whatever is|all that is|all files) (?:in|inside|within|below) (?:it|them)$",
        "",
        said,
    )
    return [
        part
        for part in re.split(r" ?, and | ?, | and also | and | as well as | plus | & | along with ", said)
        if part.strip()
    ]


def _one(said: str, marked: Marked) -> Named:
    said = said.strip()
    found = _WHATEVER.match(said) or (None if said.startswith(_NO_DETERMINER) else _ALL.match(said))
    every = found is not None
    said = _undetermined(said[found.end() :].strip() if found else said)
    about = re.fullmatch(rf"(?:{_FILE_NOUN} ?)?{_ABOUT.pattern}", said)
    if about and (every or re.match(r"(?:files|documents|docs) ", said)):
        return Named(Which((_bare(about[1], marked),), every=True), _doubt(about[1]))
    if located := _located(said, marked, every):
        return located
    if found := _CALLED.match(said):
        said = said[found.end() :]
        said = _undetermined(said)
    said = re.sub(r"^(?:deleted|removed|erased|lost|trashed|binned) ", "", said)
    plural = re.search(r" (?:files|documents|docs)$", said) is not None
    if pattern := _kind(said):
        return Named(Which((pattern,), every=True))
    if ending := re.fullmatch(
        rf"{_FILE_NOUN} (?:that |which )?end(?:s|ing)? (?:in|with|on) \*?(\.\w+)", marked.spoken(said)
    ):
        return Named(Which((f"*{ending[1]}",), every=True))
    said = re.sub(rf" {_FILE_NOUN}$", "", re.sub(rf"^{_FILE_NOUN} (?=\S)", "", said))
    if folder := re.fullmatch(r"(?:folder |directory )(.+)|(.+?) (?:folder|directory|subfolder|dir)", said):
        return Named(Which((_bare(folder[1] or folder[2], marked).rstrip("/") + "/",), every=True))
    name = _bare(said, marked)
    return Named(Which((name,) if name else (), every or plural or name.endswith("/") or "*" in name), _doubt(said))


def _undetermined(said: str) -> str:
    """Without an article or the like before it."""
    return _DETERMINER.sub("", said, count=1)


def _located(said: str, marked: Marked, every: bool) -> Named | None:
    """`the pdfs in reports/`, `everything in the drafts folder`, `a.md in notes/`."""
    found = _IN.fullmatch(said)
    if not found:
        return None
    what = found[1].strip()
    folder = folder_named(found[2], marked)
    if (
        folder is None
        and every
        and re.fullmatch(r"(?:files?|documents?|docs?) (?:in|under|inside|within|below) [\w-]+", said)
    ):
        folder = f"{found[2]}/"
    if folder is None:
        return None
    if what in ("", "files", "documents", "docs", "file", "things", "notes", "contents", "stuff"):
        return Named(Which((folder,), every=True))
    if pattern := _kind(what):
        return Named(Which((folder + pattern,), every=True))
    inner = _one(what, marked)
    names = tuple(folder + name for name in inner.which.names)
    return Named(Which(names, every or inner.which.every), inner.doubt)


def folder_named(said: str, marked: Marked) -> str | None:
    """`reports/` for `the reports folder` or a path that ends so; None for what is not plainly a folder."""
    said = _undetermined(said)
    if re.fullmatch(f"[{PATHS}]", said):
        path = marked.marks[said].said
        return (
            path
            if path.endswith("/")
            else path + "/"
            if "." not in path.rpartition("/")[2] and "*" not in path
            else None
        )
    found = re.fullmatch(
        r"(?:folder|directory|subfolder) (?:called |named )?(.+)|(.+?) (?:folder|directory|subfolder|dir)", said
    )
    return _bare(found[1] or found[2], marked).rstrip("/") + "/" if found else None


def _kind(said: str) -> str | None:
    """`*.pdf` for `pdfs` and `pdf files`."""
    found = re.fullmatch(r"(\w+?)s?(?: (?:files|documents|docs|sheets|notes))?", said)
    if not found or not (said.endswith("s")):
        return None
    return KINDS.get(found[1])


def _bare(said: str, marked: Marked) -> str:
    """A name as it was said, without what only leads to it."""
    said = _undetermined(said)
    return marked.spoken(said).replace(" 's", "'s").strip(" ,.:'\"")


def _doubt(said: str) -> int:
    words = said.split()
    doubt = sum(3 for word in words if word in _SUSPECT) + sum(1 for word in words if word in _SELDOM)
    doubt += sum(4 for word in words if re.fullmatch(f"[{VERSIONS}]", word))
    doubt += sum(1 + 2 * (index > 0) for index, word in enumerate(words) if re.fullmatch(f"[{TIMES}{DURATIONS}]", word))
    marks = len(re.findall(f"[{QUOTES}{PATHS}]", said))
    if marks and len(words) > 1:  # `price list.xlsx` may be a name, `list.xlsx for good` is none
        doubt += len(words) + (re.match(f"[{QUOTES}{PATHS}]", words[-1]) is None)
    return doubt + max(0, len(words) - 4)


def text_said(said: str, marked: Marked) -> str:
    """Words that are to be written or looked for, as they were said."""
    return (
        marked.spoken(re.sub(r"^(?:: )+|(?: :| ,)+$", "", said.strip())).replace(" 's", "'s").replace(" ,", ",").strip()
    )


_TOPIC_LEAD = re.compile(
    r"(?:(?:the|my|our|a|an|any|all|some) )?(?:(?:topic|subject|topics|theme|question)s? (?:of )?)?"
    r"(?:the |my |our |a |an )?"
)


def topic_said(said: str, marked: Marked) -> str:
    """What is looked for, without an article before it."""
    found = _TOPIC_LEAD.match(said.strip())
    rest = said.strip()[found.end() :] if found else said
    return text_said(rest or said, marked)
