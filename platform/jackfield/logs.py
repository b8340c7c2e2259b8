"""Log lines: to stderr, coloured on a terminal, JSON elsewhere, without secrets."""

from __future__ import annotations

import logging
import sys
from typing import IO, Any, Literal

import structlog

from jackfield.log_secrets import hide_secret_fields, hide_secret_text

LogFormat = Literal["auto", "json", "console"]


class StderrHandler(logging.StreamHandler[IO[str]]):
    """Writes to what stderr is at the moment of each line."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> IO[str]:  # type: ignore[override]
        """Where lines go."""
        return sys.stderr


def configure_logs(level: str, form: LogFormat = "auto") -> None:
    """Let everything of at least a level through, and from libraries no less than warnings; a second call replaces."""
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        hide_secret_fields,
    ]
    rendering = _rendering(form)
    structlog.configure(
        processors=[*shared, *rendering],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    _configure_libraries(max(number, logging.WARNING), shared, rendering)


def _configure_libraries(
    level: int, shared: list[structlog.typing.Processor], rendering: list[structlog.typing.Processor]
) -> None:
    """The standard library's loggers, in the same form as ours."""
    handler = StderrHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    root = logging.getLogger()
    for old in root.handlers[:]:
        if isinstance(old, StderrHandler):
            root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)


def _rendering(form: LogFormat) -> list[Any]:
    if form == "console" or (form == "auto" and sys.stderr.isatty()):
        plainly = structlog.dev.plain_traceback  # others show the values of variables
        renderer: Any = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plainly)
    else:
        renderer = structlog.processors.JSONRenderer()
    return [renderer, hide_secret_text]
