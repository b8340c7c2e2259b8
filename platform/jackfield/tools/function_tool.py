"""Tools from typed Python functions."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Generic, ParamSpec, TypeVar, overload

import msgspec

from jackfield.contracts.registration import Provided
from jackfield.contracts.tools import RESULT_LIMIT, Permission, Tool, ToolDescription, ToolResult
from jackfield.errors import PluginError, ToolFailure
from jackfield.tools.docstrings import docstring_parts
from jackfield.tools.signature_schema import TypedSignature
from jackfield.tools.threads import in_daemon_thread

P = ParamSpec("P")
R = TypeVar("R")


class ToolOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a signature does not say; see ToolDescription."""

    name: str | None = None
    description: str | None = None
    permission: Permission = "read"
    targets: tuple[str, ...] | None = None
    timeout: float = 30.0
    retries: int = 0
    concurrency: int = 0
    result_limit: int = RESULT_LIMIT
    estimate: float = 0.0
    derived: bool = False


class FunctionTool(Generic[P, R]):
    """A function as a tool; called directly, it is the function still.

    A function that is not async runs in a thread of its own. Where its call is cancelled, nothing waits for it, but it
    goes on to its end: one that may take long should be async, or watch a limit of its own.
    """

    def __init__(self, function: Callable[P, R], options: ToolOptions | None = None) -> None:
        options = options or ToolOptions()
        self._function = function
        self.__doc__ = function.__doc__
        summary, documented = docstring_parts(function.__doc__)
        self._signature = TypedSignature(function, documented)
        settings = {field: getattr(options, field) for field in ToolOptions.__struct_fields__}
        self._description = ToolDescription(
            **settings
            | {
                "name": options.name or getattr(function, "__name__", type(function).__name__),
                "description": options.description or summary,
                "parameters": self._signature.schema,
            }
        )
        if not self._description.description:
            raise PluginError(
                f"Tool '{self._description.name}' says nothing of itself; give its function a docstring or "
                "`description`, since a model chooses tools by it."
            )

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """The function itself."""
        return self._function(*args, **kwargs)

    @property
    def description(self) -> ToolDescription:
        """From the signature, the docstring and the options."""
        return self._description

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """Call the function with arguments of its types; raises what it raises, and ArgumentsInvalid."""
        positional, named = self._signature.bound(arguments)
        function: Callable[..., Any] = self._function
        if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__):
            returned = await function(*positional, **named)
        else:
            returned = await in_daemon_thread(lambda: function(*positional, **named), self._description.name)
            if inspect.isawaitable(returned):
                returned = await returned
        return _result(returned, self._description.name)

    def provided(self) -> Provided[Tool]:
        """The tool as the hook `jackfield_tools` offers it."""
        return Provided(self._description.name, lambda: self, self._description.description)


@overload
def tool(function: Callable[P, R], /) -> FunctionTool[P, R]: ...
@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    permission: Permission = "read",
    targets: tuple[str, ...] | None = None,
    timeout: float = 30.0,
    retries: int = 0,
    concurrency: int = 0,
    result_limit: int = RESULT_LIMIT,
    estimate: float = 0.0,
    derived: bool = False,
) -> Callable[[Callable[P, R]], FunctionTool[P, R]]: ...


def tool(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Make a typed function a tool: `@tool`, or `@tool(permission="network", timeout=10)`.

    Raises PluginError for a signature that a model could not be told.
    """
    if function is not None:
        return FunctionTool(function)
    chosen = ToolOptions(**options)
    return lambda function: FunctionTool(function, chosen)


def _result(returned: Any, name: str) -> ToolResult:
    if isinstance(returned, ToolResult):
        return returned
    if returned is None:
        return ToolResult(text="Done.")
    if isinstance(returned, str):
        return ToolResult(text=returned)
    if isinstance(returned, bytes | bytearray):
        try:
            return ToolResult(text=returned.decode())
        except UnicodeDecodeError:
            raise ToolFailure(f"Tool '{name}' returned {len(returned):,} bytes that are not text.") from None
    if isinstance(returned, float):
        return ToolResult(text=repr(returned))
    try:
        return ToolResult(text=msgspec.json.encode(returned).decode())
    except (TypeError, ValueError, RecursionError, NotImplementedError) as error:
        raise ToolFailure(
            f"Tool '{name}' returned a {type(returned).__name__} that has no JSON form: {error}."
        ) from error
