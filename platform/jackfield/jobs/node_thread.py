"""The thread that a worker's event loop has to itself, called from Celery's threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

from jackfield.jobs.node import WorkerNode

T = TypeVar("T")

OpenNode = Callable[[], AbstractAsyncContextManager[WorkerNode]]


class NodeThread:
    """A node on a loop of its own, from `start` until `close`."""

    def __init__(self, open_node: OpenNode) -> None:
        self._open_node = open_node
        self._opened = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="worker loop", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leaving: asyncio.Event | None = None
        self._node: WorkerNode | None = None

    def start(self) -> WorkerNode:
        """Open the node; raises what opening it raised."""
        self._thread.start()
        self._opened.wait()
        if self._failure or self._node is None:
            self._thread.join()
            raise self._failure or RuntimeError("the worker's loop ended at once")
        return self._node

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """What some work on the loop gives; blocks until then."""
        return asyncio.run_coroutine_threadsafe(work, self._running_loop()).result()

    def close(self) -> None:
        """Close the node and end the thread."""
        if self._leaving and self._thread.is_alive():
            self._running_loop().call_soon_threadsafe(self._leaving.set)
        self._thread.join()

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            raise RuntimeError("the worker's loop is not running")
        return self._loop

    def _run(self) -> None:
        try:
            with asyncio.Runner() as runner:
                runner.run(self._live())
        except BaseException as error:  # noqa: BLE001 - carried to the thread that waits for it
            self._failure = error
        finally:
            self._opened.set()

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._leaving = asyncio.Event()
        async with self._open_node() as node:
            self._node = node
            self._opened.set()
            await self._leaving.wait()
