"""The Celery application: what is sent to workers, and through which queues."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jackfield.jobs.redis_connection import CONNECT_SECONDS, REPLY_SECONDS

if TYPE_CHECKING:
    from celery import Celery  # type: ignore[import-untyped]

RUN_TASK = "jackfield.run"
EMBED_TASK = "jackfield.embed"
VISIBILITY_SECONDS = 6 * 3600
"""When Redis hands a message out again that nobody acknowledged: far later than the watchdog sends the run anew."""

MODEL_HEADER = "model"
"""The header of every message that names the model it is for."""

PRIORITIES = {"interactive": 0, "normal": 3, "background": 9}
"""Redis queues are emptied by the least number first."""


def model_queue(model: str) -> str:
    """What all workers that serve a model take from."""
    return f"model.{model}"


def worker_queue(worker: str) -> str:
    """What one worker alone takes from."""
    return f"worker.{worker}"


def sending_app(url: str) -> Celery:
    """An application that only sends, and gives up soon where Redis is away."""
    options = {"socket_timeout": REPLY_SECONDS, "socket_connect_timeout": CONNECT_SECONDS, "retry_on_timeout": False}
    return _app(url, options)


def working_app(url: str, concurrency: int) -> Celery:
    """An application that takes messages, and connects again for as long as it lives."""
    app = _app(url, {"socket_connect_timeout": CONNECT_SECONDS, "health_check_interval": 10})
    app.conf.update(
        worker_concurrency=concurrency,
        worker_consumer="jackfield.jobs.patient_consumer:PatientConsumer",
        worker_pool="threads",
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry=True,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
    )
    return app


def _app(url: str, options: dict[str, Any]) -> Celery:
    from celery import Celery

    app = Celery("jackfield", broker=url, set_as_current=False)
    app.conf.update(
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        broker_transport_options={
            "visibility_timeout": VISIBILITY_SECONDS,
            "priority_steps": sorted(PRIORITIES.values()),
            "queue_order_strategy": "priority",
            **options,
        },
    )
    return app
