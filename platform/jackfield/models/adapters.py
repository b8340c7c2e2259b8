"""Adapters and models are installed alike, and neither can stand in for the other."""

from __future__ import annotations

from jackfield.contracts.models import InstalledModel
from jackfield.errors import InvalidRequest


def require_model(model: InstalledModel) -> None:
    """Raise InvalidRequest for an adapter, which cannot run by itself."""
    if model.description.is_adapter:
        raise InvalidRequest(
            f"'{model.name}' is an adapter, which writes nothing by itself: ask the model that it was made for "
            f"(architecture {model.description.architecture}), with '{model.name}' as the adapter.",
            parameter="model",
        )


def require_adapter(adapter: InstalledModel) -> None:
    """Raise InvalidRequest for a model."""
    if not adapter.description.is_adapter:
        raise InvalidRequest(f"'{adapter.name}' is a model and no adapter; name it as the model.", parameter="adapter")
