"""Celery's consumer, which looks for Redis every few seconds, however long it was away."""

from __future__ import annotations

from functools import partial
from typing import Any

from celery.worker.consumer import Consumer  # type: ignore[import-untyped]

LONGEST_WAIT = 3.0
"""Seconds between two attempts; Celery's own wait grows to 30."""


class PatientConsumer(Consumer):  # type: ignore[misc]
    """Connects again within seconds of Redis being back."""

    def ensure_connected(self, conn: Any) -> Any:
        """The connection once there is one."""
        conn.ensure_connection = partial(
            conn.ensure_connection, interval_start=1, interval_step=1, interval_max=LONGEST_WAIT
        )
        return super().ensure_connected(conn)
