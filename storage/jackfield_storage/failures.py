"""What drivers raise, as the platform's errors: which database, what is wrong, what to do."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from jackfield.errors import (
    DiskFull,
    InvalidRequest,
    JackfieldError,
    MissingDependency,
    Overloaded,
    StateUnavailable,
)

_OUT_OF_DATE = "{place} does not have the tables that this version of Jackfield expects; run `jackfield db upgrade`."

_SQLITE_SENTENCES = {
    sqlite3.SQLITE_READONLY: "{place} cannot be written: it or its folder is read-only; "
    "make both writable for this user, or set JACKFIELD_HOME to a folder that is.",
    sqlite3.SQLITE_CANTOPEN: "{place} cannot be opened: it must be a file in a folder that this user "
    "can write to; set JACKFIELD_HOME to such a folder.",
    sqlite3.SQLITE_BUSY: "{place} has been locked by another process for too long; "
    "end that process, or try again when it is done.",
    sqlite3.SQLITE_NOTADB: "{place} is not a SQLite database; move that file away, or set 'database_url' to another.",
    sqlite3.SQLITE_CORRUPT: "{place} is damaged ({reason}); bring it back from a backup, "
    "or move it away to start anew.",
    sqlite3.SQLITE_IOERR: "{place} cannot be read or written: the disk reports an error ({reason}); check that disk.",
}
_SQLITE_SENTENCES[sqlite3.SQLITE_PERM] = _SQLITE_SENTENCES[sqlite3.SQLITE_READONLY]
_SQLITE_SENTENCES[sqlite3.SQLITE_LOCKED] = _SQLITE_SENTENCES[sqlite3.SQLITE_BUSY]

_POSTGRES_SENTENCES = {
    "25006": "{place} is read-only; point 'database_url' at the primary server.",
    "40": "{place} is busy ({reason}); try again.",
    "42501": "{place} does not let this user do that ({reason}); grant it, or use another user.",
    "42703": _OUT_OF_DATE,
    "42P01": _OUT_OF_DATE,
    "55P03": "{place} has been locked by another transaction for too long; try again when that is done.",
    "57014": "{place} took too long to answer ({reason}); try again.",
}
"""Sentences by SQLSTATE or its beginning."""

UNREACHABLE = "The database cannot be reached; try again."
"""What clients of a server are told of any of these."""


@contextmanager
def translated(place: str) -> Iterator[None]:
    """Raise a driver's errors as the platform's; IntegrityError passes, for its cause gives its meaning."""
    try:
        yield
    except IntegrityError:
        raise
    except (ImportError, SQLAlchemyError, msgspec.MsgspecError, UnicodeError, OverflowError) as error:
        raise platform_error(error, place) from error


def platform_error(error: Exception, place: str) -> JackfieldError:
    """The error of Jackfield's tree that says what a driver's error means for this database."""
    cause: BaseException = error.orig if isinstance(error, StatementError) and error.orig else error
    if isinstance(cause, JackfieldError):
        return cause
    if isinstance(cause, sqlite3.Error):
        return _sqlite_error(cause, place)
    if isinstance(cause, ImportError):
        return MissingDependency(
            f"{place} needs a package that is not installed ({cause}): pip install 'jackfield[all]'."
        )
    if isinstance(cause, PoolTimeout):
        return Overloaded(f"All connections to {place} are in use; try again.")
    if isinstance(cause, msgspec.MsgspecError):
        return StateUnavailable(
            f"{place} holds a record that this version of Jackfield cannot read ({_first_line(cause)}); "
            "upgrade Jackfield, or remove that record."
        )
    if isinstance(cause, UnicodeError):
        return InvalidRequest(f"A text cannot be stored ({_first_line(cause)}); send valid UTF-8.")
    if isinstance(cause, OverflowError) or isinstance(error, DataError):
        return InvalidRequest(f"A value cannot be stored ({_first_line(cause)}); send one that a database can hold.")
    return _postgres_error(cause, place)


def _sqlite_error(error: sqlite3.Error, place: str) -> JackfieldError:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    reason = _first_line(error)
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _disk_is_full(place)):
        return _disk_full(place)
    if code == sqlite3.SQLITE_TOOBIG:
        return InvalidRequest("A value is too large to be stored.")
    if reason.startswith(("no such table", "no such column")):
        return tables_missing(place)
    sentence = _SQLITE_SENTENCES.get(code, "{place} cannot be used: {reason}.")
    return StateUnavailable(sentence.format(place=place, reason=reason))


def _postgres_error(error: BaseException, place: str) -> JackfieldError:
    state = getattr(error, "sqlstate", None) or ""
    if state == "53100":
        return DiskFull(_disk_full(place).message, told="The database's disk is full; nothing was changed.")
    near = (sentence for beginning, sentence in _POSTGRES_SENTENCES.items() if state.startswith(beginning))
    sentence = next(near, "{place} cannot be used ({reason}); check that the server runs and 'database_url' is right.")
    return StateUnavailable(sentence.format(place=place, reason=_first_line(error)), told=UNREACHABLE)


def tables_missing(place: str) -> StateUnavailable:
    """The error for a database that is not up to date."""
    return StateUnavailable(_OUT_OF_DATE.format(place=place))


def _disk_full(place: str) -> DiskFull:
    return DiskFull(f"The disk that holds {place} is full; free some space and try again. Nothing was changed.")


def _disk_is_full(place: str) -> bool:
    # Where shared memory beside the database finds no room, SQLite reports an I/O error and not a full disk.
    try:
        return shutil.disk_usage(Path(place).parent).free < 65536
    except OSError:
        return False


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".")
