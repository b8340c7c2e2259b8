"""Statements that every request executes: Core compiles them once, and the driver takes them as text from then on."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import ARRAY, ColumnElement, Connection, Dialect, Insert, String, any_, bindparam, func, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.selectable import ReturnsRows

MOST_ROWS = 16
"""Of one INSERT; a power of two."""

Parameters = Mapping[str, Any]
Processor = Callable[[Any], Any] | None


class Text(msgspec.Struct, frozen=True):
    """A statement in one dialect, and how its parameters and rows are put into the driver's types."""

    sql: str
    parameters: tuple[tuple[str, Processor], ...]
    constants: dict[str, Any]
    row: Callable[..., Any]
    columns: tuple[Processor, ...]

    def bound(self, given: Parameters) -> tuple[Any, ...]:
        """Parameters as the driver takes them; raises KeyError for one that is missing."""
        values = {**self.constants, **given} if self.constants else given
        return tuple([process(values[name]) if process else values[name] for name, process in self.parameters])

    def read(self, values: Sequence[Any]) -> Any:
        """A row whose values have their columns' names."""
        columns = zip(values, self.columns, strict=True)
        return self.row(*[process(value) if process else value for value, process in columns])


class CompiledOnce:
    """A statement without the work that Core does at each execution, which takes many times as long as SQLite's own.

    It is all or nothing only within a transaction. Failures are those of Core.
    """

    def __init__(self, statement: ReturnsRows) -> None:
        self._statement = statement
        self._texts: dict[str, Text] = {}

    def run(self, connection: Connection, rows: Sequence[Parameters]) -> None:
        """Execute it with each row of parameters; of none it does nothing."""
        if rows:
            text = self._text(connection.dialect)
            bound = [text.bound(row) for row in rows]
            connection.exec_driver_sql(text.sql, bound[0] if len(bound) == 1 else bound)

    def rows(self, connection: Connection, given: Parameters) -> list[Any]:
        """The rows that it finds or returns."""
        text = self._text(connection.dialect)
        return [text.read(values) for values in connection.exec_driver_sql(text.sql, text.bound(given))]

    def _text(self, dialect: Dialect) -> Text:
        if dialect.name not in self._texts:
            self._texts[dialect.name] = _text(self._statement, dialect)
        return self._texts[dialect.name]


class ReturningInsert:
    """An INSERT of several rows at a time, in their order, that returns rows.

    Numbers of rows are made up of powers of two, so that few statements serve all numbers.
    """

    def __init__(self, statement: Insert) -> None:
        self._statement = statement
        self._by_size: dict[int, CompiledOnce] = {}

    def rows(self, connection: Connection, rows: Sequence[Parameters]) -> list[Any]:
        """What it returns of each row."""
        returned: list[Any] = []
        start, size = 0, MOST_ROWS
        while start < len(rows):
            while size > len(rows) - start:
                size //= 2
            part = rows[start : start + size]
            given = {f"{name}_{index}": value for index, row in enumerate(part) for name, value in row.items()}
            returned += self._of_size(size, part[0].keys()).rows(connection, given)
            start += size
        return returned

    def _of_size(self, size: int, names: Collection[str]) -> CompiledOnce:
        if size not in self._by_size:
            values: list[dict[str, Any]] = [
                {name: bindparam(f"{name}_{index}") for name in names} for index in range(size)
            ]
            self._by_size[size] = CompiledOnce(self._statement.values(values))
        return self._by_size[size]


class Among(ColumnElement[bool]):
    """Whether a column of text is among the texts of one parameter, so that lists of any length make one statement."""

    inherit_cache = False

    def __init__(self, column: InstrumentedAttribute[Any], name: str) -> None:
        self.column = column
        self.name = name


@compiles(Among, "sqlite")
def _among_in_sqlite(among: Among, compiler: SQLCompiler, **options: Any) -> str:
    texts = func.json_each(bindparam(among.name, type_=sqlite.JSON(), required=True)).table_valued("value")
    return compiler.process(among.column.in_(select(texts.c.value)), **options)


@compiles(Among, "postgresql")
def _among_in_postgres(among: Among, compiler: SQLCompiler, **options: Any) -> str:
    texts = bindparam(among.name, type_=ARRAY(String), required=True)
    return compiler.process(among.column == any_(texts), **options)


def _text(statement: ReturnsRows, dialect: Dialect) -> Text:
    compiled = statement.compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler)
    names = compiled.positiontup or ()
    columns = statement.exported_columns
    return Text(
        sql=compiled.string,
        parameters=tuple((name, _bind_processor(compiled.binds[name].type, dialect)) for name in names),
        constants={name: bind.effective_value for name, bind in compiled.binds.items() if not bind.required},
        row=namedtuple("Row", columns.keys()),  # noqa: PYI024 - its fields are known only here
        columns=tuple(_result_processor(column.type, dialect) for column in columns),
    )


def _bind_processor(kind: Any, dialect: Dialect) -> Processor:
    processor: Processor = kind.dialect_impl(dialect).bind_processor(dialect)
    return processor


def _result_processor(kind: Any, dialect: Dialect) -> Processor:
    processor: Processor = kind.dialect_impl(dialect).result_processor(dialect, None)
    return processor
