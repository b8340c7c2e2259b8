"""Installed models by name."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import delete, select

from jackfield.contracts.models import InstalledModel
from jackfield_storage.engine import Database
from jackfield_storage.tables import ModelRow


class SqlModelRecords:
    """Implements `jackfield.contracts.records.ModelRecords`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, model: InstalledModel) -> None:
        values = {
            "path": str(model.path),
            "reference": model.reference,
            "sha256": model.sha256,
            "pulled_at": model.pulled_at,
            "description": model.description,
            "sampling": model.sampling,
            "linked": model.linked,
        }
        new = self._database.insert(ModelRow).values(name=model.name, **values)
        replacing = new.on_conflict_do_update(index_elements=[ModelRow.name], set_=values)
        await self._database.changed(replacing.returning(ModelRow.name))

    async def get(self, name: str) -> InstalledModel | None:
        row = await self._database.row(ModelRow, name)
        return None if row is None else _installed_model(row)

    async def all(self) -> tuple[InstalledModel, ...]:
        rows = await self._database.rows(select(ModelRow))
        # Sorted here, for databases differ in how they order text.
        return tuple(_installed_model(row) for row in sorted(rows, key=lambda row: row.name))

    async def remove(self, name: str) -> bool:
        this = delete(ModelRow).where(ModelRow.name == name)
        return await self._database.changed(this.returning(ModelRow.name)) > 0


def _installed_model(row: ModelRow) -> InstalledModel:
    return InstalledModel(
        name=row.name,
        path=Path(row.path),
        reference=row.reference,
        sha256=row.sha256,
        pulled_at=row.pulled_at,
        description=row.description,
        sampling=row.sampling,
        linked=row.linked,
    )
