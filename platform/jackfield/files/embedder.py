"""The installed model that files and memories are found by, whoever runs it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from jackfield.contracts.models import InstalledModel
from jackfield.errors import ContextOverflow, ModelNotFound, Unavailable
from jackfield.models.catalog import ModelCatalog

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

REMEMBERED = 256
"""Short texts whose vectors are kept: what somebody looks for, they look for again."""
SHORT = 256


class ModelEmbedder:
    """Implements `jackfield.contracts.files.Embedder` over an executor."""

    def __init__(
        self,
        name: str,
        catalog: ModelCatalog,
        embed: Callable[[InstalledModel, Sequence[str]], Awaitable[tuple[NDArray[np.float32], int]]],
    ) -> None:
        self._name = name
        self._catalog = catalog
        self._embed = embed
        self._remembered: OrderedDict[tuple[str, str], NDArray[np.float32]] = OrderedDict()

    def embeds_through(
        self, embed: Callable[[InstalledModel, Sequence[str]], Awaitable[tuple[NDArray[np.float32], int]]]
    ) -> None:
        """From here on, have another run the model: an executor that has workers do it."""
        self._embed = embed

    async def key(self) -> str | None:
        model = await self._model()
        return None if model is None else model.sha256[:16]

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        model = await self._model()
        if model is None:
            raise Unavailable(
                f"There is no model '{self._name}' to find files by meaning; `jackfield models pull embeddings` "
                "brings one, and files.embedding_model names another."
            )
        if len(texts) == 1 and len(texts[0]) <= SHORT:
            return await self._once(model, texts[0])
        return await self._all(model, texts)

    async def _model(self) -> InstalledModel | None:
        try:
            return await self._catalog.get(self._name)
        except ModelNotFound:
            return None

    async def _once(self, model: InstalledModel, text: str) -> NDArray[np.float32]:
        key = (model.sha256, text)
        if (known := self._remembered.get(key)) is not None:
            self._remembered.move_to_end(key)
            return known
        vector = self._remembered[key] = await self._all(model, [text])
        if len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)
        return vector

    async def _all(self, model: InstalledModel, texts: Sequence[str]) -> NDArray[np.float32]:
        try:
            vectors, _ = await self._embed(model, texts)
        except ContextOverflow:
            import numpy as np

            return np.concatenate([await self._long(model, text) for text in texts])
        return vectors

    async def _long(self, model: InstalledModel, text: str) -> NDArray[np.float32]:
        """One text's vector, (1, dimensions): the mean of its halves' where it is too long."""
        import numpy as np

        try:
            vectors, _ = await self._embed(model, [text])
        except ContextOverflow:
            middle = _middle(text)
            halves = np.concatenate([await self._long(model, half) for half in (text[:middle], text[middle:])])
            mean = halves.mean(axis=0, keepdims=True)
            vectors = mean / (np.linalg.norm(mean) or 1.0)
        return vectors


def _middle(text: str) -> int:
    """Where to cut a text in two: at the space nearest before its middle."""
    middle = len(text) // 2
    return text.rfind(" ", 1, middle) if " " in text[1:middle] else middle
