"""Units as rows, and who may see which."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from blake3 import blake3
from sqlalchemy import ColumnElement, and_, or_

from jackfield.contracts.memory import Asker, MemoryUnit
from jackfield.errors import MemoryNotFound
from jackfield_storage.tables import MemoryRow, MemoryVersionRow

OWN_FIELDS = tuple(name for name in MemoryUnit.__struct_fields__)


def unit_of(row: Any) -> MemoryUnit:
    """A unit from its row."""
    return MemoryUnit(**{name: getattr(row, name) for name in OWN_FIELDS})


def row_values(unit: MemoryUnit) -> dict[str, Any]:
    """A unit's columns."""
    return {name: getattr(unit, name) for name in OWN_FIELDS} | {"key": key_of(unit.text)}


def version_values(unit: MemoryUnit) -> dict[str, Any]:
    """The columns of a unit's newest version."""
    return {
        "memory_id": unit.id,
        "number": unit.version,
        "text": unit.text,
        "provenance": unit.provenance,
        "changed_at": unit.changed_at,
        "source": unit.source,
    }


def version_of(unit: MemoryUnit, row: MemoryVersionRow) -> MemoryUnit:
    """A unit as it was."""
    import msgspec

    return msgspec.structs.replace(
        unit,
        version=row.number,
        text=row.text,
        provenance=row.provenance,
        changed_at=row.changed_at,
        source=row.source,
    )


def key_of(text: str) -> str:
    """What two texts have in common that say the same in the same words."""
    return blake3(" ".join(text.casefold().split()).encode()).hexdigest()


def visible_to(asker: Asker) -> ColumnElement[bool]:
    """One's own units, one's team's and everyone's."""
    shared = MemoryRow.visibility == "everyone"
    if asker.team_id:
        shared = or_(shared, and_(MemoryRow.visibility == "team", MemoryRow.team_id == asker.team_id))
    return or_(MemoryRow.owner_id == asker.id, shared)


def lasting(now: datetime) -> ColumnElement[bool]:
    """Units that have not expired."""
    return or_(MemoryRow.expires_at.is_(None), MemoryRow.expires_at > now)


def no_memory(unit_id: str) -> MemoryNotFound:
    """The error for a unit that is not there, or not for whoever asks."""
    return MemoryNotFound(f"There is no memory '{unit_id}'.")
