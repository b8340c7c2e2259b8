"""Models as OpenAI words them."""

from __future__ import annotations

from typing import Literal

import msgspec

from jackfield.contracts.models import InstalledModel


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """An installed model; `created` is when it was pulled."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str

    @classmethod
    def of(cls, model: InstalledModel) -> Model:
        """What the API tells of a model."""
        return cls(id=model.name, created=int(model.pulled_at.timestamp()), owned_by="jackfield")


class ModelList(msgspec.Struct, frozen=True, kw_only=True):
    """All installed models."""

    object: Literal["list"] = "list"
    data: list[Model]
