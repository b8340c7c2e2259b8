"""Plans and outcomes in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Any

from jackfield.contracts.files import FileVersion, IndexProgress, SearchResult, StoredFile, Written
from jackfield.contracts.files import Link as ShareLink
from jackfield.files.comparing import Comparison
from jackfield.files.grouping import Grouping
from jackfield.files.joining import Joined
from jackfield.files.summaries import Summary
from jackfield.files.words.executing import MadeLink, Outcome, Shown
from jackfield.files.words.planning import DONE, Settled
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
    Summarise,
    Undelete,
    Undo,
    Unlink,
    Unlock,
    Version,
)

FILES_SHOWN = 8
TEXT_SHOWN = 60
"""Characters of what is to be written."""


def sentence(settled: Settled, zone: tzinfo | None = None) -> str:
    """What a step will do, with every file and version that it is about."""
    said = f"{_said(settled, zone)}."
    if settled.reader == "model":
        said += " (a model read it so)"
    if settled.guessed:
        names = ", ".join(f"'{name}'" for name in settled.guessed)
        said += f" Nothing is called {names}; taken for what is in it."
    return f"{said} {settled.notice}".strip()


def _said(settled: Settled, zone: tzinfo | None) -> str:  # noqa: C901 - a sentence a call
    files = _files([file.path for file in settled.files])
    match settled.step:
        case Create(text=text, keep=keep):
            unless = ", unless it is there" if keep else ""
            return f"create {files}{_with_text(text)}{unless}"
        case Append(text=text):
            return f"append {_quoted(text)} to {files}"
        case Overwrite(text=text):
            return f"overwrite {files} with {_quoted(text) if text else 'nothing'}"
        case Delete():
            return f"delete {files}"
        case Undelete() | Rename():
            verb = "bring back" if isinstance(settled.step, Undelete) else "rename"
            return f"{verb} {_pairs(settled)}"
        case Copy():
            return f"copy {_pairs(settled)}"
        case Rollback(to=version):
            return f"roll back {_versions(settled, version)}{_meant(version, zone)}"
        case Lock(until=until):
            return f"lock {files} until {_when(until, zone)}" if until else f"lock {files} for an hour"
        case Unlock():
            return f"unlock {files}"
        case Link(until=until, at=at):
            where = f"everything in '{settled.under}'" if settled.under else files
            shown = f" at {_version(settled.now[0], at)}" if at != NOW and settled.now else ""
            return f"make a link to {where}{shown}{f', which expires {_when(until, zone)}' if until else ''}"
        case Unlink():
            return f"revoke every link to {files}"
        case Join(topic=topic):
            what = (
                f"what {'all files' if not settled.step.file.names else files} say about '{topic}'" if topic else files
            )
            return f"join {what} as '{settled.new[0]}'"
        case Undo():
            return f"take back the last change ({settled.change})"
    return _looking(settled, files, zone)


def _looking(settled: Settled, files: str, zone: tzinfo | None) -> str:  # noqa: C901 - a sentence a call
    """Calls that change nothing."""
    where = f"'{settled.under}/'" if settled.under else files if settled.files else "all files"
    match settled.step:
        case Read(at=at):
            return f"show {_at_versions(settled, at)}{_meant(at, zone)}" if at != NOW else f"show {files}"
        case List(deleted=deleted):
            return f"list {'deleted files' if deleted else where}"
        case Links():
            return f"list share links{f' to {where}' if settled.step.file.names else ''} that hold"
        case History():
            return f"show the history of {files}"
        case Compare(old=old, new=new):
            if not settled.old:
                return f"compare {files}"
            pairs = zip(settled.files, settled.old, settled.now, strict=True)
            return "compare " + "; ".join(
                f"'{file.path}', {_version(older, old)} with {_version(newer, new)}" for file, older, newer in pairs
            )
        case Find(text=text, mode=mode):
            return f"find '{text}' in {where} ({'words and meaning' if mode == 'hybrid' else mode})"
        case Group(words=words):
            return f"group {where} by {'the words ' + ', '.join(words) if words else 'what they are about'}"
        case Summarise(topic=topic):
            return f"sum up what {where} say about '{topic}'" if topic else f"sum up {where}"
        case Index(retry=retry, ask=ask):
            return "say how far indexing is" if ask else "index what waits" + (" and what failed" if retry else "")
        case Changes(since=since):
            return f"list changes since {_when(since, zone)}" if since else "list the latest changes"
    return type(settled.step).__name__.lower()


def told(outcome: Outcome, zone: tzinfo | None = None) -> list[str]:
    """What came of a step, in lines."""
    if outcome.error:
        return [f"{outcome.call} failed: {outcome.error}"]
    result = outcome.result
    if isinstance(result, list | tuple):
        lines = [line for one in result for line in _told(one, zone)]
        return lines or [_NOTHING.get(outcome.call, "There is nothing.")]
    if isinstance(result, dict):
        return [line for path, versions in result.items() for line in _history(path, versions, zone)]
    return _told(result, zone)


_NOTHING = {
    "list": "There are no such files.",
    "unlink": "No link to it holds.",
    "links": "No share link holds.",
    "changes": "Nothing was changed.",
    "rename": "It is there already.",
    "undo": "There was nothing to take back.",
}


def _told(one: Any, zone: tzinfo | None) -> list[str]:
    match one:
        case Written(file=file, version=version, changed=changed):
            if not changed:
                return [f"'{file.path}' is as it should be already, at version {file.version}."]
            now = "" if version.action == "deleted" else f"; it is at version {version.number} now"
            return [f"'{version.path}' was {DONE[version.action]}{now}."]
        case StoredFile(path=path, version=number, lock=lock):
            locked = f", locked by {lock.by.name} until {_when(lock.until, zone)}" if lock else ""
            return [f"{path} (version {number}{locked})"]
        case FileVersion():
            return [_line(one, zone)]
        case Shown(text=text):
            return text.splitlines()
        case MadeLink(path=path, token=token, expires_at=expires):
            return [f"{path}: {token} {f'until {_when(expires, zone)}' if expires else '(until it is revoked)'}"]
        case ShareLink():
            return [_link(one, zone)]
        case Comparison():
            notice = [one.notice] if one.notice and one.notice not in one.words else []
            return [one.words, *notice, *((one.unified or "").splitlines() if not one.model else [])]
        case IndexProgress():
            return [_progress(one)]
    return _told_of_many(one)


def _told_of_many(one: Any) -> list[str]:
    match one:
        case SearchResult(found=found, notice=notice):
            lines = [
                f"{hit.path}, version {hit.version}, bytes {hit.start}-{hit.end}: {_short(hit.text, 160)}"
                for hit in found
            ]
            return [*(lines or ["Nothing was found."]), *([notice] if notice else [])]
        case Grouping(groups=groups, others=others, notice=notice):
            lines = [line for group in groups for line in (f"{group.name}:", *(f"  {path}" for path in group.paths))]
            rest = ["None of them:", *(f"  {path}" for path in others)] if others else []
            return [*lines, *rest, *([notice] if notice else [])] or ["There are no files."]
        case Joined(written=written, parts=parts, repeated=repeated, notice=notice):
            again = f", {repeated} said twice and kept once" if repeated else ""
            return [f"'{written.file.path}' was made of {len(parts)} parts{again}.", *([notice] if notice else [])]
        case Summary(text=text, sources=sources, notice=notice, whole=whole):
            cited = [
                f"[{one.number}] {one.path}, version {one.version}, bytes {one.start}-{one.end}" for one in sources
            ]
            cut = [] if whole else ["(The model's answer came to its longest and was cut.)"]
            return [*text.splitlines(), *cut, "", *cited, *([notice] if notice else [])]
    return [str(one)]


def _history(path: str, versions: Sequence[FileVersion], zone: tzinfo | None) -> list[str]:
    return [f"{path}:", *(f"  {_line(version, zone)}" for version in reversed(versions))]


def _line(version: FileVersion, zone: tzinfo | None) -> str:
    why = f": {version.reason}" if version.reason else ""
    return (
        f"{_when(version.written_at, zone)} '{version.path}' {DONE[version.action]}, version {version.number}, "
        f"by {version.author.name}{why}"
    )


def _link(link: ShareLink, zone: tzinfo | None) -> str:
    if link.revoked_at is not None:
        return f"A link to '{link.path}' holds no longer."
    what = f"everything in '{link.path}'" if link.folder else f"'{link.path}'"
    version = f" at version {link.version}" if link.version else ""
    ends = f"until {_when(link.expires_at, zone)}" if link.expires_at else "until it is revoked"
    return f"{link.id}: {what}{version}, made by {link.created_by.name}, {ends}, uses: {link.uses:,}"


def _progress(one: IndexProgress) -> str:
    state = "Everything is indexed" if one.done else f"{one.contents_done:,} of {one.contents:,} texts are indexed"
    failed = f"; {one.failed:,} could not be read" if one.failed else ""
    return f"{state}{failed}. {one.notice}".strip()


def _files(paths: Sequence[str]) -> str:
    shown = ", ".join(f"'{path}'" for path in paths[:FILES_SHOWN])
    more = len(paths) - FILES_SHOWN
    return f"{shown} and {more:,} more" if more > 0 else shown or "all files"


def _pairs(settled: Settled) -> str:
    pairs = [
        f"'{file.path}'" if file.path == new else f"'{file.path}' as '{new}'"
        for file, new in zip(settled.files, settled.new, strict=True)
    ]
    more = len(pairs) - FILES_SHOWN
    return ", ".join(pairs[:FILES_SHOWN]) + (f" and {more:,} more" if more > 0 else "")


def _versions(settled: Settled, version: Version) -> str:
    pairs = [
        f"'{file.path}' to {_version(number, version)}" for file, number in zip(settled.files, settled.old, strict=True)
    ]
    more = len(pairs) - FILES_SHOWN
    return ", ".join(pairs[:FILES_SHOWN]) + (f" and {more:,} more" if more > 0 else "")


def _at_versions(settled: Settled, version: Version) -> str:
    pairs = zip(settled.files, settled.now, strict=True)
    return ", ".join(f"{_version(now, version)} of '{file.path}'" for file, now in pairs)


def _version(number: int, version: Version) -> str:
    """By its number, or where that is only known when it comes to it, by how it was named."""
    if number:
        return f"version {number}"
    if version.back:
        return "the version before" if version.back == 1 else f"{version.back} versions before"
    return "its newest version by then"


def _meant(version: Version, zone: tzinfo | None) -> str:
    return f" (as of {_when(version.at, zone)})" if version.at else ""


def _with_text(text: str) -> str:
    return f" with {_quoted(text)}" if text else ", empty"


def _quoted(text: str) -> str:
    return f'"{_short(text, TEXT_SHOWN)}"'


def _short(text: str, most: int) -> str:
    """In one line; what is left out is marked."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[:most]}… ({len(line) - most} more characters)"


def _when(at: datetime | None, zone: tzinfo | None) -> str:
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M") if at else ""
