"""Every error that Jackfield raises on purpose, as one tree.

    JackfieldError
    ├── InvalidRequest              what was asked for cannot be done as asked
    │   ├── UnknownParameter
    │   ├── UnsupportedParameter    known, but nothing here can do it
    │   ├── ContextOverflow         the prompt is longer than the model's context
    │   ├── ConstraintUnsupported   an answer's shape was asked for that this engine cannot hold
    │   ├── ArgumentsInvalid        a call's arguments do not fit its tool's schema
    │   └── FileUnreadable          no text can be got out of a file: encrypted, damaged, too large, not a document
    ├── NotFound                    the thing named does not exist here
    │   ├── ModelNotFound
    │   ├── ReferenceNotFound       no source knows this model reference
    │   ├── RunNotFound
    │   ├── ToolNotFound
    │   ├── ConversationNotFound
    │   ├── UploadNotFound
    │   ├── CollectionNotFound
    │   ├── FileNotThere
    │   ├── VersionNotFound
    │   ├── LinkNotFound            or one that has expired or was revoked
    │   ├── WatchNotFound
    │   ├── MemoryNotFound
    │   ├── UserNotFound
    │   ├── TeamNotFound
    │   ├── KeyNotFound
    │   └── PluginNotFound
    ├── Conflict                    it exists already, or another holds it
    │   ├── NameTaken
    │   ├── PortInUse
    │   ├── RunCancelled            somebody stopped the run before its answer was whole
    │   ├── RunElsewhere            another process executes the run
    │   ├── FileChanged             somebody else changed the file meanwhile; nothing was written
    │   ├── FileLocked              somebody holds the file for themselves
    │   └── MassDeletion            most files of a watched folder are gone at once; nothing was deleted
    ├── NotAuthenticated            nobody was recognised: no key, no session, or one that holds no longer
    ├── NotAllowed                  who asks is known, and may not do this
    ├── QuotaReached                who asks may do this, but not now or not any more
    │   ├── BudgetExceeded          a budget of tokens or money has no room for it
    │   ├── RateLimited             too many requests or tokens in a minute
    │   └── StorageFull             a collection has no room for more bytes
    ├── CallDenied                  a call needs an approval that it did not get
    ├── ToolFailure                 a tool could not do what it was asked
    │   ├── ToolTimeout
    │   └── RetryLater              it may work if it is tried again
    ├── LimitReached                a run came to the end of its steps, tokens, time or money
    │   └── LoopDetected            it does the same over and over
    ├── Unavailable                 not now; trying again later may help
    │   ├── ModelLoading
    │   ├── Overloaded
    │   ├── NoWorker                no worker serves the model
    │   ├── BrokerUnavailable       what carries work to the workers cannot be reached
    │   ├── ShuttingDown
    │   └── FolderGone              a watched folder is not there any more; nothing was deleted
    ├── SettingsInvalid             a settings file, variable or flag that makes no sense
    ├── PluginError                 a plugin failed; it is named, the host goes on
    │   └── NothingRegistered       no plugin offers what is needed
    ├── ModelError
    │   ├── ModelFileInvalid        not a model file, cut short, or damaged
    │   └── ModelTooLarge           it does not fit this machine's memory
    ├── DownloadFailed              a model could not be brought; nothing half-written was kept
    │   └── ChecksumMismatch
    ├── StateUnavailable            the data folder or database cannot be read or written
    │   ├── DiskFull
    │   └── BlobDamaged             a file's bytes are gone or not what they were; everything else is served
    ├── MissingDependency           an optional package is not installed
    ├── RunInterrupted              the process that executed a run died before its end
    ├── InternalFault               nobody expected it; the log says more
    └── EngineFailure               an engine failed at evaluating; the fault is ours or the model's
        └── CellsExhausted          the KV cache has no room for a batch; its sequences are as they were

`code` is what programs match on; the sentence is for people. One boundary in `cli/output.py` turns these
into exit codes, one in the web room into HTTP answers.
"""

from __future__ import annotations

from typing import ClassVar


class JackfieldError(Exception):
    """Root of every expected failure: one sentence that says what was wrong, what was expected, what to do."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, parameter: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.parameter = parameter


class InvalidRequest(JackfieldError):
    code = "invalid_request"


class UnknownParameter(InvalidRequest):
    code = "unknown_parameter"


class UnsupportedParameter(InvalidRequest):
    code = "unsupported_parameter"


class ContextOverflow(InvalidRequest):
    """The prompt does not fit the context; nothing is ever cut to make it fit unless the request says so."""

    code = "context_length_exceeded"

    def __init__(
        self, *, prompt_tokens: int, context_length: int, reserved: int = 1, parameter: str = "messages"
    ) -> None:
        answer = f", of which at least {reserved} must stay free for the answer" if reserved else ""
        super().__init__(
            f"The prompt is {prompt_tokens} tokens long and the model's context holds {context_length}{answer}; "
            "shorten the prompt.",
            parameter=parameter,
        )
        self.prompt_tokens = prompt_tokens
        self.context_length = context_length


class ConstraintUnsupported(InvalidRequest):
    code = "constraint_unsupported"


class ArgumentsInvalid(InvalidRequest):
    code = "arguments_invalid"


class FileUnreadable(InvalidRequest):
    code = "file_unreadable"


class NotFound(JackfieldError):
    code = "not_found"


class ModelNotFound(NotFound):
    code = "model_not_found"


class ReferenceNotFound(NotFound):
    code = "reference_not_found"


class RunNotFound(NotFound):
    code = "run_not_found"


class ConversationNotFound(NotFound):
    code = "conversation_not_found"


class ToolNotFound(NotFound):
    code = "tool_not_found"


class UploadNotFound(NotFound):
    code = "file_not_found"


class CollectionNotFound(NotFound):
    code = "collection_not_found"


class FileNotThere(NotFound):
    code = "file_not_there"


class VersionNotFound(NotFound):
    code = "version_not_found"


class LinkNotFound(NotFound):
    code = "link_not_found"


class WatchNotFound(NotFound):
    code = "watch_not_found"


class MemoryNotFound(NotFound):
    code = "memory_not_found"


class UserNotFound(NotFound):
    code = "user_not_found"


class TeamNotFound(NotFound):
    code = "team_not_found"


class KeyNotFound(NotFound):
    code = "key_not_found"


class PluginNotFound(NotFound):
    code = "plugin_not_found"


class Conflict(JackfieldError):
    code = "conflict"


class NameTaken(Conflict):
    code = "name_taken"


class PortInUse(Conflict):
    code = "port_in_use"


class RunCancelled(Conflict):
    code = "run_cancelled"


RETRY_AFTER = 5
"""Seconds to wait before trying again, where an error names no time of its own."""


class RunElsewhere(Conflict):
    code = "run_elsewhere"


class FileChanged(Conflict):
    """`version` is the newest one now."""

    code = "file_changed"

    def __init__(self, message: str, *, version: int, parameter: str | None = None) -> None:
        super().__init__(message, parameter=parameter)
        self.version = version


class FileLocked(Conflict):
    code = "file_locked"


class MassDeletion(Conflict):
    code = "mass_deletion"


class NotAuthenticated(JackfieldError):
    code = "not_authenticated"


class NotAllowed(JackfieldError):
    code = "not_allowed"


class QuotaReached(JackfieldError):
    """Who asks has used up what they may; `retry_after` is in seconds, None where waiting does not help."""

    code = "quota_reached"

    def __init__(self, message: str, *, parameter: str | None = None, retry_after: int | None = None) -> None:
        super().__init__(message, parameter=parameter)
        self.retry_after = retry_after


class BudgetExceeded(QuotaReached):
    code = "insufficient_quota"


class RateLimited(QuotaReached):
    code = "rate_limit_exceeded"


class StorageFull(QuotaReached):
    code = "storage_full"


class CallDenied(JackfieldError):
    code = "call_denied"


class ToolFailure(JackfieldError):
    code = "tool_failure"


class ToolTimeout(ToolFailure):
    code = "tool_timeout"


class RetryLater(ToolFailure):
    """It may work in `after` seconds; a tool raises it to be tried again, as often as its description says."""

    code = "retry_later"

    def __init__(self, message: str, *, after: float = 0.5) -> None:
        super().__init__(message)
        self.after = after


class LimitReached(JackfieldError):
    code = "limit_reached"


class LoopDetected(LimitReached):
    code = "loop_detected"


class Unavailable(JackfieldError):
    """Not now; `retry_after` is in seconds."""

    code = "unavailable"

    def __init__(self, message: str, *, retry_after: int = RETRY_AFTER) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ModelLoading(Unavailable):
    code = "model_loading"


class Overloaded(Unavailable):
    code = "overloaded"


class NoWorker(Unavailable):
    code = "no_worker"


class BrokerUnavailable(Unavailable):
    code = "broker_unavailable"


class FolderGone(Unavailable):
    code = "folder_gone"


class ShuttingDown(Unavailable):
    code = "shutting_down"


class SettingsInvalid(JackfieldError):
    code = "settings_invalid"


class PluginError(JackfieldError):
    code = "plugin_error"


class NothingRegistered(PluginError):
    code = "nothing_registered"


class ModelError(JackfieldError):
    code = "model_error"


class ModelFileInvalid(ModelError):
    code = "model_file_invalid"


class ModelTooLarge(ModelError):
    code = "model_too_large"


class DownloadFailed(JackfieldError):
    code = "download_failed"


class ChecksumMismatch(DownloadFailed):
    code = "checksum_mismatch"


class StateUnavailable(JackfieldError):
    """`told`, where there is one, is what a server's clients hear instead: nothing of where its database lies."""

    code = "state_unavailable"
    told: str | None = None  # also where an error is made from its code

    def __init__(self, message: str, *, parameter: str | None = None, told: str | None = None) -> None:
        super().__init__(message, parameter=parameter)
        self.told = told


class DiskFull(StateUnavailable):
    code = "disk_full"


class BlobDamaged(StateUnavailable):
    code = "blob_damaged"


class RunInterrupted(JackfieldError):
    code = "interrupted"


class InternalFault(JackfieldError):
    code = "internal_error"


class MissingDependency(JackfieldError):
    code = "missing_dependency"


class EngineFailure(JackfieldError):
    code = "engine_failure"


class CellsExhausted(EngineFailure):
    code = "cells_exhausted"


def error_from_code(
    code: str, message: str, *, parameter: str | None = None, retry_after: int | None = None
) -> JackfieldError:
    """The error that a stored or transported `code` stands for; an unknown code gives the root.

    It is made without calling its class, since some classes word their own sentence from numbers.
    """
    family = _classes_by_code().get(code, JackfieldError)
    error = family.__new__(family)
    JackfieldError.__init__(error, message, parameter=parameter)
    if isinstance(error, Unavailable):
        error.retry_after = retry_after or RETRY_AFTER
    if isinstance(error, QuotaReached):
        error.retry_after = retry_after
    return error


def _classes_by_code() -> dict[str, type[JackfieldError]]:
    found: dict[str, type[JackfieldError]] = {}
    waiting: list[type[JackfieldError]] = [JackfieldError]
    while waiting:
        family = waiting.pop()
        found.setdefault(family.code, family)
        waiting.extend(family.__subclasses__())
    return found
