"""The JSON schema of a function's parameters, and arguments as the types that it asks for."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from pathlib import Path, PurePath
from types import NoneType
from typing import Annotated, Any, get_args, get_origin

import msgspec

from jackfield.errors import ArgumentsInvalid, PluginError
from jackfield.tools.plain_schema import plain_schema

POSITIONAL = inspect.Parameter.POSITIONAL_ONLY
VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class TypedSignature:
    """What a function takes, as a schema and as types. Raises PluginError for what a model could not be told."""

    def __init__(self, function: Callable[..., Any], descriptions: Mapping[str, str]) -> None:
        self._name = getattr(function, "__name__", type(function).__name__)
        self._parameters = {each.name: self._named(each) for each in _parameters(function, self._name)}
        types = self._types(function)
        fields = [(name, _described(types[name], descriptions.get(name))) for name in self._parameters]
        self.schema = self._schema(dict(fields))
        self._arguments = msgspec.defstruct(
            self._name,
            [(name, kind, msgspec.field(default_factory=_left_out)) for name, kind in fields],
            kw_only=True,
        )

    def bound(self, arguments: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Arguments to call the function with; what was left out is left to its defaults. Raises ArgumentsInvalid."""
        typed = self._typed(arguments)
        values = {name: getattr(typed, name) for name in self._parameters}
        positional: list[Any] = []
        named: dict[str, Any] = {}
        for name, parameter in self._parameters.items():
            if parameter.kind is POSITIONAL:
                positional.append(parameter.default if values[name] is msgspec.UNSET else values[name])
            elif values[name] is not msgspec.UNSET:
                named[name] = values[name]
        return positional, named

    def _typed(self, arguments: Mapping[str, Any]) -> Any:
        given = dict(arguments)
        try:
            return msgspec.convert(given, self._arguments, dec_hook=_decoded, str_keys=True)
        except msgspec.ValidationError:
            pass
        try:  # JSON has one kind of number: 5.0 fits an integer
            return msgspec.convert(given, self._arguments, dec_hook=_decoded, str_keys=True, strict=False)
        except msgspec.ValidationError as error:
            raise ArgumentsInvalid(f"The arguments of '{self._name}' do not fit: {error}.") from error

    def _named(self, parameter: inspect.Parameter) -> inspect.Parameter:
        where = f"Parameter '{parameter.name}' of tool function '{self._name}'"
        if parameter.kind in VARIABLE:
            raise PluginError(f"{where} takes any number of arguments; give each a name of its own.")
        if parameter.annotation is inspect.Parameter.empty:
            raise PluginError(f"{where} has no type; annotate it, such as `{parameter.name}: str`.")
        return parameter

    def _types(self, function: Callable[..., Any]) -> dict[str, Any]:
        try:
            hints = typing.get_type_hints(_annotated_function(function), include_extras=True)
        except (NameError, TypeError, AttributeError) as error:
            raise PluginError(
                f"The types of tool function '{self._name}' cannot be read: {error}; "
                "they must be importable where the function stands, and not only under TYPE_CHECKING."
            ) from error
        return {
            name: _or_none(hints[name]) if parameter.default is None else hints[name]
            for name, parameter in self._parameters.items()
        }

    def _schema(self, types: Mapping[str, Any]) -> dict[str, Any]:
        properties: dict[str, Any] = {}
        definitions: dict[str, Any] = {}
        for name, kind in types.items():
            properties[name], known = self._property(name, kind)
            definitions.update(known)
        schema: dict[str, Any] = {"type": "object", "properties": properties}
        required = [name for name, each in self._parameters.items() if each.default is inspect.Parameter.empty]
        if required:
            schema["required"] = required
        schema["additionalProperties"] = False
        return schema | ({"$defs": definitions} if definitions else {})

    def _property(self, name: str, kind: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        try:
            (schema,), definitions = msgspec.json.schema_components(
                [kind], schema_hook=_custom_schema, ref_template="#/$defs/{name}"
            )
        except (TypeError, NotImplementedError) as error:
            raise PluginError(
                f"Parameter '{name}' of tool function '{self._name}' has the type {kind!r}, of which no JSON schema "
                "can be made; use str, int, float, bool, Literal, an Enum, list, dict, a dataclass, a TypedDict or a "
                "msgspec.Struct."
            ) from error
        schema, definitions = plain_schema(schema, definitions)
        default = self._parameters[name].default
        if default is not inspect.Parameter.empty and default is not None:
            try:
                schema["default"] = msgspec.to_builtins(default, str_keys=True, enc_hook=_encoded)
            except (TypeError, NotImplementedError) as error:
                raise PluginError(
                    f"The default of parameter '{name}' of tool function '{self._name}' has no JSON form: {error}"
                ) from error
        return schema, definitions


def _left_out() -> Any:
    return msgspec.UNSET


def _parameters(function: Callable[..., Any], name: str) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError) as error:
        raise PluginError(f"The signature of tool function '{name}' cannot be read: {error}.") from error


def _annotated_function(function: Callable[..., Any]) -> Any:
    """What carries the annotations: a callable object's are its method's."""
    return function if inspect.isroutine(function) else type(function).__call__


def _or_none(kind: Any) -> Any:
    """A parameter whose default is None takes None, even where its type forgot to say so."""
    inner = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    return kind if inner is Any or NoneType in get_args(inner) or inner is NoneType else kind | None


def _described(kind: Any, documented: str | None) -> Any:
    """A type with its description as msgspec reads it: of the annotation, or else of the docstring."""
    remarks = get_args(kind)[1:] if get_origin(kind) is Annotated else ()
    said = next((text for text in map(_remark, reversed(remarks)) if text), documented)
    if not said or any(isinstance(each, msgspec.Meta) and each.description for each in remarks):
        return kind
    return Annotated[kind, msgspec.Meta(description=said)]


def _remark(remark: Any) -> str | None:
    """The text of `Annotated[…, "text"]`, or of an object with a `documentation` or `description`."""
    if isinstance(remark, str):
        return remark
    said = getattr(remark, "documentation", None) or getattr(remark, "description", None)
    return said if isinstance(said, str) else None


def _custom_schema(kind: type) -> dict[str, Any]:
    if issubclass(kind, PurePath):
        return {"type": "string"}
    raise NotImplementedError(f"`{kind.__module__}.{kind.__qualname__}` is not supported.")


def _decoded(kind: type, value: Any) -> Any:
    if issubclass(kind, PurePath):
        return kind(value)
    raise NotImplementedError


def _encoded(value: Any) -> Any:
    if isinstance(value, Path | PurePath):
        return str(value)
    raise NotImplementedError(f"`{type(value).__name__}` is not supported.")
