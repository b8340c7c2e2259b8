"""The Celery consumer of a worker: threads that each see one message through on the node's event loop."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

import structlog

from jackfield.errors import StateUnavailable
from jackfield.jobs.celery_app import EMBED_TASK, RUN_TASK, model_queue, worker_queue, working_app
from jackfield.jobs.node import WorkerNode
from jackfield.jobs.node_thread import NodeThread, OpenNode

log = structlog.get_logger()

NEW_MODELS_PACE = 5.0
AT_ONCE_STATUS = 1


def serve_runs(open_node: OpenNode, redis_url: str, *, concurrency: int, on_ready: Callable[[str], None]) -> None:
    """Take and execute runs until SIGTERM or SIGINT, and then drain; a second signal ends the process at once.

    `on_ready` is called with the worker's name once it takes messages. Raises what opening the node raises.
    """
    thread = NodeThread(open_node)
    node = thread.start()
    try:
        consumer = RunConsumer(thread, node, redis_url, concurrency)
        with consumer.signals_caught():
            consumer.run(on_ready)
    finally:
        thread.close()


class RunConsumer:
    """A Celery worker without signal handlers, logs or remote control of its own."""

    def __init__(self, thread: NodeThread, node: WorkerNode, redis_url: str, concurrency: int) -> None:
        self._thread = thread
        self._node = node
        self._app: Any = working_app(redis_url, concurrency)
        self._app.task(self._perform, name=RUN_TASK, shared=False)
        self._app.task(self._embed, name=EMBED_TASK, shared=False)
        self._queues = {worker_queue(node.id), *map(model_queue, thread.call(node.models()))}
        self._stopping = threading.Event()
        self._draining = threading.Thread(target=self._drain, name="drain", daemon=True)

    def run(self, on_ready: Callable[[str], None]) -> None:
        """Take messages until stopped, and come back when all that was taken is done or handed back."""
        from celery.app.trace import setup_worker_optimizations  # type: ignore[import-untyped]
        from celery.worker import WorkController  # type: ignore[import-untyped]

        # Without it the pool's threads look for tasks in Celery's default application.
        setup_worker_optimizations(self._app, self._node.id)
        worker = WorkController(
            self._app,
            hostname=f"jackfield@{self._node.id}",
            pool_cls="threads",
            queues=sorted(self._queues),
            ready_callback=lambda _: on_ready(self._node.id),
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
        )
        adding = threading.Thread(target=self._add_models, args=(worker,), name="new models", daemon=True)
        adding.start()
        self._draining.start()
        worker.start()
        self._stopping.set()
        self._draining.join()

    @contextmanager
    def signals_caught(self) -> Iterator[None]:
        """Stop at the first SIGTERM or SIGINT, and end the process at the second."""
        before = {number: signal.signal(number, self._caught) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _caught(self, number: int, frame: FrameType | None) -> None:
        from celery.worker import state

        if self._stopping.is_set():
            # Not sys.exit, which would wait for threads that wait for runs.
            os._exit(AT_ONCE_STATUS)
        self._stopping.set()
        state.should_stop = os.EX_OK

    def _drain(self) -> None:
        self._stopping.wait()
        self._thread.call(self._node.drain())

    def _perform(self, run_id: str, model: str) -> None:
        self._thread.call(self._node.perform(run_id, model))

    def _embed(self, reply_to: str, model: str, texts: list[str]) -> None:
        self._thread.call(self._node.embed(reply_to, model, texts))

    def _add_models(self, worker: Any) -> None:
        """Take from the queues of models that were installed since."""
        while not self._stopping.wait(NEW_MODELS_PACE):
            with suppress(StateUnavailable):
                for queue in map(model_queue, self._thread.call(self._node.models())):
                    if queue not in self._queues and worker.consumer is not None:
                        self._queues.add(queue)
                        worker.consumer.call_soon(worker.consumer.add_task_queue, queue)
