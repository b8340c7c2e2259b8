"""What is shown of models: a row in a list, a page, a JSON object."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from jackfield.contracts.models import InstalledModel, ModelDescription
from jackfield.quantities import readable_bytes

LIST_COLUMNS = ("NAME", "FORMAT", "SIZE", "PARAMETERS", "CONTEXT", "REFERENCE", "PULLED")


def list_row(model: InstalledModel, *, default: bool) -> Sequence[str]:
    """A model as a row under LIST_COLUMNS; a star marks the default one."""
    described = model.description
    return (
        f"{model.name} *" if default else model.name,
        described.format,
        readable_bytes(described.bytes) if model.path.exists() else click.style("file gone", fg="red"),
        human_count(described.parameters),
        "adapter" if described.is_adapter else str(described.context_length),
        model.reference,
        moment(model.pulled_at),
    )


def page(model: InstalledModel, *, default: bool) -> str:
    """All that is known of a model, but its template's text, one line a thing."""
    described = model.description
    shown = {"adapter": adapter_summary(described)} if described.is_adapter else _described(described)
    lines = {
        "name": f"{model.name} (the default)" if default else model.name,
        "model": described.name,
        **shown,
        "licence": described.licence or "unknown",
        "sampling": ", ".join(f"{key} {value}" for key, value in model.sampling.items()) or "the platform's",
        "reference": model.reference,
        "pulled": moment(model.pulled_at),
        "file": f"{model.path} (linked)" if model.linked else str(model.path),
        "sha256": model.sha256,
    }
    return "\n".join(f"{key + ':':<14}{value}" for key, value in lines.items())


def _described(described: ModelDescription) -> dict[str, str]:
    return {
        "architecture": f"{described.architecture}, {described.layers} layers, {described.embedding_size} wide",
        "format": f"{described.format}, {described.bits_per_weight:.2f} bits per weight",
        "size": f"{readable_bytes(described.bytes)} ({described.bytes} bytes)",
        "parameters": f"{human_count(described.parameters)} ({described.parameters})",
        "context": f"{described.context_length} tokens",
        "vocabulary": f"{described.vocabulary_size} tokens",
        "writes text": "yes" if described.generates else "no, it embeds",
        "template": "none" if described.chat_template is None else "shown by --template",
    }


def adapter_summary(described: ModelDescription) -> str:
    """An adapter in a few words."""
    size = f"{human_count(described.parameters)} parameters, {readable_bytes(described.bytes)}"
    return f"a LoRA adapter for {described.architecture} models, {size}"


def as_object(model: InstalledModel, *, default: bool) -> dict[str, Any]:
    """A model for programs."""
    described = msgspec.to_builtins(model, enc_hook=_path_as_text)
    described["description"]["bits_per_weight"] = round(model.description.bits_per_weight, 3)
    return {"default": default, **described}


def human_count(count: int) -> str:
    """A number in the unit that reads best: 135M."""
    for size, unit in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        if count >= size:
            return f"{count / size:.3g}{unit}"
    return str(count)


def moment(at: datetime) -> str:
    """A time by this machine's clock, to the minute."""
    return at.replace(tzinfo=at.tzinfo or UTC).astimezone().strftime("%Y-%m-%d %H:%M")


def _path_as_text(value: object) -> str:
    if isinstance(value, Path):
        return str(value)
    raise NotImplementedError(f"{type(value).__name__} has no JSON form")
