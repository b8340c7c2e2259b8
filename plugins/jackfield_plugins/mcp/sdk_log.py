"""What the SDK logs of other people's servers, in our log at debug: it is told with the session's reason, if at all."""

from __future__ import annotations

import logging

import structlog

log = structlog.get_logger()


class _Forwarded(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        log.debug("the MCP SDK says", of=record.name, said=record.getMessage())


def forward_client_log() -> None:
    """Take over the SDK's loggers of clients; a second call does nothing."""
    for name in ("mcp.client", "client"):  # the latter is what the SDK's sessions call themselves
        logger = logging.getLogger(name)
        if not any(isinstance(handler, _Forwarded) for handler in logger.handlers):
            logger.addHandler(_Forwarded())
            logger.propagate = False
