"""One thread that owns one embedding engine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from jackfield.contracts.engine import EmbeddingEngine
from jackfield.errors import Overloaded

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class EmbeddingWorker:
    """Embeds texts in the order they were asked for, on its own thread."""

    def __init__(self, open_engine: Callable[[], EmbeddingEngine], *, queue_limit: int = 512) -> None:
        self._queue_limit = queue_limit
        self.load = 0
        self.ended = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="embed")
        try:
            self._engine = self._thread.submit(open_engine).result()
        except BaseException:
            self._thread.shutdown(wait=False)
            raise

    @property
    def context_length(self) -> int:
        """The longest text it takes, in tokens."""
        return self._engine.max_tokens

    @property
    def cache_use(self) -> None:
        """No text is kept."""
        return

    async def embed(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], int]:
        """Unit vectors, (n, dimensions), and the number of tokens read; raises ContextOverflow or Overloaded."""
        if self.load >= self._queue_limit:
            raise Overloaded(f"{self.load} requests are waiting for this model already; try again later.")
        self.load += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._embed, texts)
        finally:
            self.load -= 1

    def close(self) -> None:
        """Finish what is under way, free the engine and end the thread. Blocking."""
        self.ended = True
        self._thread.submit(self._engine.close).result()
        self._thread.shutdown()

    def _embed(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], int]:
        return self._engine.embed(texts), sum(self._engine.count_tokens(text) for text in texts)
