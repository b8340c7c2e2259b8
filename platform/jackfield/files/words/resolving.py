"""Which files of a collection are meant by what they were called."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from posixpath import basename, splitext

import msgspec

from jackfield.contracts.files import StoredFile
from jackfield.errors import FileNotThere, InvalidRequest
from jackfield.files.library import Library
from jackfield.files.words.slips import one_slip
from jackfield.files.words.steps import IT, ORIGINAL, Which

ASKED_ABOUT = 12
"""Files that are listed where several fit."""
LOOKED_FOR = 5
CLEARLY_BETTER = 1.5
"""How much better the best file must be than the next, where only what is in them tells."""


class Target(msgspec.Struct, frozen=True):
    """A file that a step is about, and its newest version; 0 where an earlier step of the plan makes or changes it."""

    path: str
    version: int = 0


class Question(msgspec.Struct, frozen=True):
    """A name that fits several files, so that somebody has to say which are meant."""

    name: str
    candidates: tuple[str, ...]
    more: int = 0


class Ambiguous(InvalidRequest):
    """Several files fit, and one was meant."""

    def __init__(self, question: Question) -> None:
        listed = ", ".join(f"'{path}'" for path in question.candidates)
        more = f" and {question.more} more" if question.more else ""
        super().__init__(
            f"'{question.name}' may be {listed}{more}; say which one, or 'all' of them.", parameter="words"
        )
        self.question = question


class Shelf:
    """A collection's files as they are while a plan is made, what its steps will have done included."""

    def __init__(
        self, library: Library, collection: str, there: Sequence[StoredFile], deleted: Sequence[StoredFile]
    ) -> None:
        self._library = library
        self._collection = collection
        self.guessed: list[str] = []
        """Names that no file has, and that were found by what is in files."""
        self.there = {file.path: file.version for file in there}
        self.deleted = {file.path: file.version for file in deleted}

    def write(self, path: str) -> None:
        """A step makes it, or changes its text."""
        self.there[path] = 0

    def delete(self, path: str) -> None:
        self.deleted[path] = self.there.pop(path, 0)

    def undelete(self, path: str, new: str) -> None:
        self.deleted.pop(path, None)
        self.there[new] = 0

    def rename(self, path: str, new: str) -> None:
        self.there.pop(path, None)
        self.there[new] = 0

    async def meant(
        self,
        which: Which,
        *,
        before: Sequence[Target] = (),
        originals: Sequence[Target] = (),
        deleted: bool = False,
        named: bool = False,
        choices: Mapping[str, Sequence[str]] | None = None,
    ) -> tuple[Target, ...]:
        """Files in the order of their naming; `before` are those that the step before left, of its `originals`.

        With `named` none is taken only because it is about what was said. `choices` say which are meant by names that
        fit several. Raises FileNotThere or Ambiguous.
        """
        files = self.deleted if deleted else self.there
        spoken_of = {IT: before, ORIGINAL: originals}.get(which.names[0]) if len(which.names) == 1 else None
        if spoken_of is not None:
            if not spoken_of:
                raise InvalidRequest("Say which file is meant: no step before this one has any.", parameter="words")
            return tuple(Target(one.path, files.get(one.path, 0)) for one in spoken_of)
        named = named or deleted
        paths = await self._paths(which.names, files, every=which.every, named=named, choices=choices)
        if which.but:
            kept = await self._paths(which.but, files, every=True, named=named, choices=choices)
            paths = [path for path in paths if path not in kept]
        return tuple(Target(path, files.get(path, 0)) for path in paths)

    async def _paths(
        self,
        names: Sequence[str],
        files: Mapping[str, int],
        *,
        every: bool,
        named: bool,
        choices: Mapping[str, Sequence[str]] | None,
    ) -> list[str]:
        if not names:
            return sorted(files)
        paths: list[str] = []
        for name in _whole_names(names, files):
            chosen = (choices or {}).get(name) or await self._named(name, files, every=every, named=named)
            paths += [path for path in chosen if path not in paths]
        return paths

    async def _named(self, name: str, files: Mapping[str, int], *, every: bool, named: bool) -> Sequence[str]:
        found = by_name(name, files)
        if len(found) == 1 or (found and (every or _is_plural(name) or name.endswith("/") or "*" in name)):
            return found
        if found:
            raise Ambiguous(_question(name, found))
        if not named and not re.search(r"[/*]|\.\w{1,5}$", name):
            return await self._by_content(name, every=every)
        raise _not_there(name, files, deleted=files is self.deleted)

    async def _by_content(self, name: str, *, every: bool) -> Sequence[str]:
        """Files that are about what was said, where none is called so."""
        result = await self._library.search(
            name, collections=(self._collection,), limit=50 if every else LOOKED_FOR, whole_files=True
        )
        found = [
            one for one in result.found if one.path in self.there and (one.keyword_rank or (one.similarity or 0) >= 0.3)
        ]
        if not found:
            raise _not_there(name, self.there, deleted=False)
        self.guessed.append(name)
        if every or _is_plural(name):
            return [one.path for one in found]
        if len(found) == 1 or found[0].score >= CLEARLY_BETTER * found[1].score:
            return [found[0].path]
        raise Ambiguous(_question(name, [one.path for one in found]))


def by_name(name: str, paths: Mapping[str, int]) -> list[str]:
    """Paths that a name fits, by the first way that fits any: as it stands, by case, below a folder, by its words.

    What looks like a path, with an ending, is never taken for another one that is only like it.
    """
    ways = [*_as_a_path(name), *([] if splitext(name)[1] and " " not in name else _by_words(name))]
    for way in ways:
        if found := sorted(path for path in paths if way(path)):
            return found
    return []


def _as_a_path(name: str) -> list[Callable[[str], bool]]:
    folded = name.casefold().strip("/")
    return [
        lambda path: path == name,
        lambda path: path.casefold() == name.casefold(),
        lambda path: name.endswith("/") and _is_below(path, folded),
        lambda path: "*" in name and _matches(path, name),
        lambda path: path.casefold().endswith(f"/{folded}"),
    ]


def _by_words(name: str) -> list[Callable[[str], bool]]:
    folded = name.casefold().strip("/")
    return [
        lambda path: splitext(basename(path))[0].casefold() == folded,
        lambda path: _has_words(splitext(basename(path))[0], name, exactly=True),
        lambda path: _has_words(splitext(basename(path))[0], name),
        lambda path: _has_words(path, name),
        lambda path: not name.endswith("/") and _is_below(path, folded),
        lambda path: _has_words(path, name, slips=True),
    ]


def _is_below(path: str, folder: str) -> bool:
    folded = path.casefold()
    return folded.startswith(f"{folder}/") or f"/{folder}/" in folded


def _matches(path: str, pattern: str) -> bool:
    """`*.pdf` fits at any depth, `reports/*.pdf` within that folder and below."""
    path, pattern = path.casefold(), pattern.casefold()
    if "/" not in pattern:
        return fnmatchcase(basename(path), pattern)
    folder, _, last = pattern.rpartition("/")
    return fnmatchcase(path, pattern) or (_is_below(path, folder) and fnmatchcase(basename(path), last))


def _has_words(path: str, name: str, *, exactly: bool = False, slips: bool = False) -> bool:
    """Whether every word of a name is in a path; `exactly` no others, with `slips` also one letter wrong."""
    wanted, there = _stems(name) - _LITTLE or _stems(name), _stems(path)
    if not wanted:
        return False
    if exactly:
        return wanted == there
    return all(any(_same(word, other, slips) for other in there) for word in wanted)


def _same(word: str, other: str, slips: bool) -> bool:
    return word == other or (slips and min(len(word), len(other)) >= 4 and one_slip(word, other))


def _stems(text: str) -> frozenset[str]:
    """Its words in small letters, without plural endings, CamelCase and digits apart."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])", " ", text)
    return frozenset(_stem(word) for word in re.findall(r"\w+", parted.casefold().replace("_", " ")))


_LITTLE = frozenset({"the", "a", "an", "of", "for", "my", "our", "s"})


def _stem(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _is_plural(name: str) -> bool:
    last = name.rpartition(" ")[2].casefold()
    return len(last) > 3 and last.endswith("s") and not last.endswith(("ss", "us", "is"))


def _whole_names(names: Sequence[str], files: Mapping[str, int]) -> list[str]:
    """`profit and loss` is one name where a file is called so."""
    whole = " and ".join(names)
    if len(names) == 2 and not any(re.search(r"[/*.]", name) for name in names) and by_name(whole, files):
        return [whole]
    return list(names)


def _question(name: str, found: Sequence[str]) -> Question:
    return Question(name, tuple(found[:ASKED_ABOUT]), max(0, len(found) - ASKED_ABOUT))


def _not_there(name: str, files: Mapping[str, int], *, deleted: bool) -> FileNotThere:
    import difflib

    by_base = {basename(path).casefold(): path for path in files}
    near = difflib.get_close_matches(basename(name.rstrip("/")).casefold(), by_base, n=3)
    hint = f" Did you mean {' or '.join(repr(by_base[one]) for one in near)}?" if near else ""
    kind = "deleted file" if deleted else "file"
    return FileNotThere(f"No {kind} here is called '{name}' or something like it.{hint}", parameter="words")
