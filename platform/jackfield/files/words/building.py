"""Steps of sentences whose slots are filled."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import cast

import msgspec

from jackfield.contracts.files import SearchMode
from jackfield.files.moments import INSTANT
from jackfield.files.words.marks import PATHS, QUOTES, Marked
from jackfield.files.words.slots import ALL, NO_FILE, Parts
from jackfield.files.words.steps import (
    NOW,
    Append,
    Changes,
    Compare,
    Copy,
    Create,
    Delete,
    Find,
    Group,
    History,
    Index,
    Join,
    Link,
    Links,
    List,
    Lock,
    Overwrite,
    Read,
    Rename,
    Rollback,
    Step,
    Summarise,
    Undelete,
    Undo,
    Unlink,
    Unlock,
    Version,
    Which,
)
from jackfield.files.words.times import Clock


class Built(msgspec.Struct, frozen=True):
    """A step, and how doubtful it is that it was meant: 0 is not at all."""

    step: Step
    doubt: int = 0


def _create(parts: Parts) -> Step | None:
    if "it" in parts.flags:
        return Create(parts.file(), parts.text(), keep="keep" in parts.flags)
    new = parts.new()
    if re.match(r"(?:a|an|another|one more) (?:\w+ )?(?:copy|duplicate|clone) of ", parts.said("text")):
        parts.doubt += 4
    if "bare" in parts.flags and not re.search(f"[{PATHS}{QUOTES}]", parts.said("new")):
        parts.doubt += 4
    return Create(Which((new,)), parts.text(), keep="keep" in parts.flags) if new else None


def _append(parts: Parts) -> Step | None:
    text = parts.text()
    if re.match(
        r"(?:a|an|the|new|another) (?:new |empty )?(?:file|document|version|folder|link|lock|share)\b",
        parts.said("text"),
    ):
        parts.doubt += 4
    if NO_FILE.match(parts.said("file")):
        parts.doubt += 4
    return Append(_one_to_write(parts), text) if text else None


def _one_to_write(parts: Parts) -> Which:
    """Nothing is written into a folder, or into many files."""
    file = parts.file()
    parts.doubt += 9 * (file.every or any(name.endswith("/") for name in file.names))
    return file


def _overwrite(parts: Parts) -> Step | None:
    if "empty" in parts.flags:  # `empty the drafts` may mean a folder
        said = parts.said("file")
        parts.doubt += 4 * (said.endswith("s") and not re.search(f"[{PATHS}{QUOTES}]", said))
        return Overwrite(_one_to_write(parts), "")
    text = parts.text()
    if re.match(r"(?:the|my|our|its|this|that) ", parts.said("text")):  # `replace the plan with the new one`
        parts.doubt += 4
    return Overwrite(_one_to_write(parts), text) if text else None


def _rename(parts: Parts) -> Step | None:
    if "other" in parts.slots:
        file = parts.file_from_other()
    else:
        file = parts.file("path") if "file" not in parts.slots and "path" in parts.slots else parts.file()
    new = parts.new()
    said = parts.said("new")
    if "folder" in parts.flags or parts.folder(said):
        new = new.removesuffix(" folder").removesuffix(" directory").rstrip("/") + "/"
    elif file.names and all(name.endswith("/") for name in file.names):
        new = new.rstrip("/") + "/"
    elif "move" in parts.flags and "." not in new.rpartition("/")[2]:
        new = new.rstrip("/") + "/"
        if not re.search(f"[{PATHS}{QUOTES}]", said):
            parts.doubt += 1
    return Rename(file, new) if new and new != "/" else None


def _copy(parts: Parts) -> Step | None:
    new = parts.new() if "new" in parts.slots else ""
    file = parts.file("path") if "file" not in parts.slots else parts.file()
    if new and ("folder" in parts.flags or parts.folder(parts.said("new"))):
        new = new.removesuffix(" folder").removesuffix(" directory").rstrip("/") + "/"
    if len(file.names) > 1 and not new.endswith("/"):
        parts.doubt += 4
    return Copy(file, new)


def _rollback(parts: Parts) -> Step | None:
    file = parts.file()
    if "since" in parts.flags:
        whole = parts.span()
        return Rollback(file, Version(at=whole.start - INSTANT)) if whole else None
    if "at" in parts.flags:
        whole = parts.span()
        return Rollback(file, Version(at=whole.end)) if whole else None
    if "ago" in parts.flags:
        version = parts.ago()
        return Rollback(file, version) if version else None
    if "count" in parts.slots:
        return Rollback(file, Version(back=parts.count()))
    version = parts.version()
    if version is None:
        return Rollback(file, Version(back=1)) if "old" not in parts.slots and "version" not in parts.slots else None
    return Rollback(file, Version(back=1) if version == NOW else version)


def _read(parts: Parts) -> Step | None:
    file = parts.file()
    version = parts.version()
    only_folders = file.names and all(name.endswith("/") or "*" in name for name in file.names)
    if version is None and ((file.every and not file.names) or only_folders):
        return List(file)
    return Read(file, version or NOW)


def _list(parts: Parts) -> Step | None:
    file = parts.file()
    if "inside" in parts.flags and file.names and not all(name.endswith("/") or "*" in name for name in file.names):
        if any("." in name.rpartition("/")[2] for name in file.names):
            return Read(file)
        file = Which(tuple(name if "*" in name else name.rstrip("/") + "/" for name in file.names), every=True)
    return List(file, deleted="deleted" in parts.flags)


def _compare(parts: Parts) -> Step | None:
    lines = "lines" in parts.flags
    if "two" in parts.flags:
        one, two = parts.file(), parts.file("other")
        if one.every or two.every or not two.names:
            return None
        return Compare(Which((*one.names, *two.names)), NOW, NOW, lines)
    file = parts.file()
    if len(file.names) == 2 and not file.every and "old" not in parts.slots:
        return Compare(file, NOW, NOW, lines)
    if "within" in parts.flags:
        whole = parts.span()
        return Compare(file, Version(at=whole.start - INSTANT), lines=lines) if whole else None
    if "count" in parts.slots:
        return Compare(file, Version(number=parts.count()), Version(number=parts.count("count2")), lines)
    old = parts.version("old", since="since" in parts.flags)
    new = parts.version("newer")
    if old is None:
        return Compare(file, lines=lines) if "old" not in parts.slots and new is None else None
    return Compare(file, *_in_order(old, new or NOW), lines)


def _in_order(one: Version, two: Version) -> tuple[Version, Version]:
    """The older of two first, where that can be told."""
    swapped = (
        one == NOW
        or (one.number and two.number and one.number > two.number)
        or (one.at and two.at and one.at > two.at)
        or (one.back and two.back and one.back < two.back)
    )
    return (two, one) if swapped else (one, two)


def _find(parts: Parts) -> Step | None:
    topic = parts.topic()
    mode = cast("SearchMode", parts.flags.get("mode", "hybrid"))
    limit = parts.count()
    return Find(topic, mode, parts.scope(), limit or 10) if topic else None


def _group(parts: Parts) -> Step | None:
    words: tuple[str, ...] = ()
    if "quote" in parts.slots:
        words = _listed(parts.text())
    elif "topic" in parts.slots:
        topic = parts.topic()
        if re.fullmatch(r"(?:key)?words?|terms?", topic):
            return None
        words = _listed(topic)
    return Group(parts.file(), words, parts.count())


def _listed(said: str) -> tuple[str, ...]:
    return tuple(word.strip(" '\"") for word in re.split(r" ?, and | ?, | and | or | & ", said) if word.strip(" '\""))


def _join(parts: Parts) -> Step | None:
    file = parts.file()
    if "two" in parts.flags:
        other = parts.file("other")
        file = Which((*file.names, *other.names), file.every or other.every)
    if re.search(f"[{PATHS}]", parts.said("topic")) or re.match(
        "(?:an? |the )?(?:list|summary|copy|text) of ", parts.said("file")
    ):
        parts.doubt += 4
    if len(file.names) < 2 and not file.every and not parts.slots.get("topic") and not _plural(file):
        parts.doubt += 4
    return Join(file, parts.topic() if "topic" in parts.slots else "", parts.new())


def _plural(file: Which) -> bool:
    return bool(file.names) and file.names[0].endswith("s")


_NOTES_ON = re.compile(
    r"(?:(?:all|everything|all of|the|my|our|any|all the|all my) )*"
    r"(?:notes?|files|documents|docs|passages|texts|things|everything|all|all of it|whatever (?:i|we) have|"
    r"information|info|material) (?:about|on|regarding|concerning|to do with|that mention) (.+)"
)


def _summarise(parts: Parts) -> Step | None:
    file = parts.file()
    topic = parts.topic() if "topic" in parts.slots else ""
    if not topic and (found := _NOTES_ON.fullmatch(parts.said("file"))):
        parts.slots["topic"] = found[1]
        return Summarise(ALL, parts.topic())
    return Summarise(file, topic)


def _lock(parts: Parts) -> Step | None:
    return Lock(parts.file(), parts.until())


def _link(parts: Parts) -> Step | None:
    return Link(parts.file(), parts.until(), parts.version() or NOW)


def _changes(parts: Parts) -> Step | None:
    whole = parts.span()
    if whole is None and "time" in parts.slots:
        parts.doubt += 9
    return Changes(whole.start if whole else None)


def _undelete(parts: Parts) -> Step | None:
    """When they were deleted only tells files apart where all that fit are meant."""
    file = parts.file()
    whole = parts.span() if file.every else None
    since, until = (whole.start, None if "since" in parts.flags else whole.end) if whole else (None, None)
    return Undelete(file, parts.new() if "new" in parts.slots else "", since, until)


_BUILDERS: dict[str, Callable[[Parts], Step | None]] = {
    "create": _create,
    "append": _append,
    "overwrite": _overwrite,
    "delete": lambda parts: Delete(parts.file()),
    "undelete": _undelete,
    "rename": _rename,
    "copy": _copy,
    "rollback": _rollback,
    "read": _read,
    "list": _list,
    "history": lambda parts: History(parts.file()),
    "compare": _compare,
    "find": _find,
    "group": _group,
    "join": _join,
    "summarise": _summarise,
    "lock": _lock,
    "unlock": lambda parts: Unlock(parts.file()),
    "link": _link,
    "unlink": lambda parts: Unlink(parts.file()),
    "links": lambda parts: Links(parts.file()),
    "index": lambda parts: Index(retry="retry" in parts.flags, ask="ask" in parts.flags),
    "changes": _changes,
    "undo": lambda parts: Undo(),
}


def built(call: str, slots: dict[str, str], flags: dict[str, str], marked: Marked, clock: Clock) -> Built | None:
    """A call's step; None where its slots make none."""
    parts = Parts(slots, flags, marked, clock)
    step = _BUILDERS[call](parts)
    return None if step is None else Built(step, parts.doubt)
