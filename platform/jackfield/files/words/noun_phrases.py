"""How people name files: one or several, all of them, those of a folder or of a kind, or the ones just spoken of."""

from __future__ import annotations

import re

import msgspec

from jackfield.files.words.marks import ANY, DURATIONS, PATHS, QUOTES, TIMES, VERSIONS, Marked
from jackfield.files.words.steps import IT, Which

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
    r"(?:(?:absolutely |simply )?(?:all|every|each|any)(?: single)?(?: one)?(?: of)? ?(?:of )?(?:the |my |our |these |those )?(?:other )?|"
    r"both(?: of)?(?: the| my| our)? ?)"
)
_EVERYTHING = re.compile(
    r"(?:(?:absolutely )?(?:everything|all|all of it|the lot|the whole lot|the whole collection|the collection|it all|"
    r"(?:all (?:of )?)?(?:the |my |our |these |those )(?:files|documents|docs|stuff)|(?:all |every |all of )"
    r"(?:the |my |our )?(?:files?|documents?|docs?|stuff)|(?:files|documents|docs)|my things)(?: (?:here|there is|i have|we have|that there is|"
    r"together|in here|in the collection|in this collection))?)"
)
_DETERMINER = re.compile(
    r"(?:(?:the|my|our|a|an|this|that|these|those|your|his|her|their|its|some|same|whole|entire|full|current|following|"
    r"complete|existing|said|just) )+"
)
_FILE_NOUN = r"(?:files?|documents?|docs?)"
_CALLED = re.compile(rf"(?:{_FILE_NOUN} )?(?:called|named|with the name|by the name of|titled|entitled|at) ")
_PRONOUNS = frozenset({
    "it", "that", "this", "them", "these", "those", "that file", "this file", "the file", "these files", "those files",
    "that one", "this one", "them all", "all of them", "both", "both of them", "the same file", "that document", "the result",
    "the same", "the document", "that new file", "the new file", "the new one", "the same one",
})  # fmt: skip
_SUSPECT = frozenset({
    "to", "into", "with", "since", "until", "should", "is", "are", "was", "were", "be", "been", "has", "have", "does",
    "do", "did", "please", "then", "must", "can", "could", "would", "will", "who", "when", "where", "why", "i", "you", "we", "they",
    "onto", "again", "back", "instead", "if", "unless", "so", "by", "than", "what", "which", "how", "let", "me", "us", "not",
    "called", "named", ":", "but", "there", "somewhere", "whose", "want", "need", "like", "him", "expires", "valid", "say", "says",
})  # fmt: skip
"""Words that are seldom in what a file is called: where they are, something else may have been meant."""
_ABOUT = re.compile(
    r"(?:about|on|regarding|concerning|mentioning|that mention|containing|that contain|to do with|that are about|related to|"
    r"that talk about|dealing with|that deal with|which mention|that mentions|which are about|having to do with|relating to) (.+)"
)
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
    if re.fullmatch(r"(?:all|every) but .+|everything (?:but|except) .+|all .+ except .+", said):
        return Named(Which(), 9)
    names: list[str] = []
    every, doubt = False, 0
    for part in _parts(said):
        one = _one(part, marked)
        names += [name for name in one.which.names if name not in names]
        every = every or one.which.every
        doubt += one.doubt
    return Named(Which(tuple(names), every), doubt + (0 if names or every else 9))


def _parts(said: str) -> list[str]:
    """`a, b and c`, apart."""
    said = re.sub(r"^both ", "", said)
    return [
        part
        for part in re.split(r" ?, and | ?, | and also | and | as well as | plus | & | along with ", said)
        if part.strip()
    ]


def _one(said: str, marked: Marked) -> Named:
    said = said.strip()
    every = False
    if found := re.match(
        r"(?:everything|all|anything|whatever)(?: that)?(?: is| there is| i have| we have| lies)? (?=in |under |below |inside |within |about |from |on |of )",
        said,
    ):
        said, every = said[found.end() :].strip(), True
    elif (found := _ALL.match(said)) and not said.startswith(
        ("each other", "all hands", "anything", "everything", "everyone", "anyone")
    ):
        said, every = said[found.end() :].strip(), True
    said = _DETERMINER.sub("", said, count=1) if _DETERMINER.match(said) else said
    if found := re.fullmatch(rf"(?:{_FILE_NOUN} ?)?{_ABOUT.pattern}", said):
        if every or re.match(rf"(?:files|documents|docs) ", said):
            return Named(Which((_bare(found[1], marked),), every=True), _doubt(found[1]))
    if located := _located(said, marked, every):
        return located
    if found := _CALLED.match(said):
        said = said[found.end() :]
        said = _DETERMINER.sub("", said, count=1) if _DETERMINER.match(said) else said
    said = re.sub(r"^(?:deleted|removed|erased|lost|trashed|binned) ", "", said)
    plural = re.search(r" (?:files|documents|docs)$", said) is not None
    if pattern := _kind(said):
        return Named(Which((pattern,), every=True))
    said = re.sub(rf" {_FILE_NOUN}$", "", re.sub(rf"^{_FILE_NOUN} (?=\S)", "", said))
    if folder := re.fullmatch(r"(?:folder |directory )(.+)|(.+?) (?:folder|directory|subfolder|dir)", said):
        return Named(Which((_bare(folder[1] or folder[2], marked).rstrip("/") + "/",), every=True))
    name = _bare(said, marked)
    return Named(Which((name,) if name else (), every or plural or name.endswith("/") or "*" in name), _doubt(said))


def _located(said: str, marked: Marked, every: bool) -> Named | None:
    """`the pdfs in reports/`, `everything in the drafts folder`, `a.md in notes/`."""
    found = _IN.fullmatch(said)
    if not found:
        return None
    folder = folder_named(found[2], marked)
    if folder is None:
        return None
    what = found[1].strip()
    if what in ("", "files", "documents", "docs", "file", "things", "notes", "contents", "stuff"):
        return Named(Which((folder,), every=True))
    if pattern := _kind(what):
        return Named(Which((folder + pattern,), every=True))
    inner = _one(what, marked)
    names = tuple(folder + name for name in inner.which.names)
    return Named(Which(names, every or inner.which.every), inner.doubt)


def folder_named(said: str, marked: Marked) -> str | None:
    """`reports/` for `the reports folder` or a path that ends so; None for what is not plainly a folder."""
    said = _DETERMINER.sub("", said, count=1) if _DETERMINER.match(said) else said
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
    said = _DETERMINER.sub("", said, count=1) if _DETERMINER.match(said) else said
    return marked.spoken(said).replace(" 's", "'s").strip(" ,.:'\"")


def _doubt(said: str) -> int:
    words = said.split()
    doubt = sum(2 for word in words if word in _SUSPECT)
    doubt += sum(4 for word in words if re.fullmatch(f"[{VERSIONS}]", word))
    doubt += sum(1 for word in words if re.fullmatch(f"[{TIMES}{DURATIONS}]", word))
    marks = len(re.findall(f"[{QUOTES}{PATHS}]", said))
    if marks and len(words) > 1:
        doubt += len(words)
    return doubt + max(0, len(words) - 6)


def text_said(said: str, marked: Marked) -> str:
    """Words that are to be written or looked for, as they were said."""
    return (
        marked.spoken(re.sub(r"^(?:: )+|(?: :| ,)+$", "", said.strip())).replace(" 's", "'s").replace(" ,", ",").strip()
    )


_TOPIC_LEAD = re.compile(
    r"(?:(?:the|my|our|a|an|any|all|some) )?(?:(?:topic|subject|topics|theme|question)s? (?:of )?)?(?:the |my |our |a |an )?"
)


def topic_said(said: str, marked: Marked) -> str:
    """What is looked for, without an article before it."""
    found = _TOPIC_LEAD.match(said.strip())
    rest = said.strip()[found.end() :] if found else said
    return text_said(rest or said, marked)


MARK = re.compile(f"[{ANY}]")
