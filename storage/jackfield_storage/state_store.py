"""The state store on SQLAlchemy: SQLite for one person, PostgreSQL for a team."""

from __future__ import annotations

import asyncio

from sqlalchemy import select, update

from jackfield.errors import StateUnavailable
from jackfield_storage.addresses import database_file, is_served
from jackfield_storage.budget_ledger import BudgetLedger
from jackfield_storage.budget_records import SqlBudgetRecords
from jackfield_storage.conversation_records import SqlConversationRecords
from jackfield_storage.engine import Database
from jackfield_storage.failures import tables_missing
from jackfield_storage.identity import SqlIdentityRecords
from jackfield_storage.model_records import SqlModelRecords
from jackfield_storage.run_records import SqlRunRecords
from jackfield_storage.tables import REVISION, REVISION_COLUMN, REVISION_TABLE
from jackfield_storage.upload_records import SqlUploadRecords


class SqlStateStore:
    """Everything that outlives a process, in one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._models = SqlModelRecords(database)
        ledger = BudgetLedger(database)
        self._runs = SqlRunRecords(database, ledger)
        self._budgets = SqlBudgetRecords(database, ledger)
        self._conversations = SqlConversationRecords(database)
        self._identity = SqlIdentityRecords(database)
        self._uploads = SqlUploadRecords(database)

    @property
    def database(self) -> Database:
        """For what else is kept in it, by other stores of this room."""
        return self._database

    @property
    def models(self) -> SqlModelRecords:
        return self._models

    @property
    def runs(self) -> SqlRunRecords:
        return self._runs

    @property
    def conversations(self) -> SqlConversationRecords:
        return self._conversations

    @property
    def identity(self) -> SqlIdentityRecords:
        return self._identity

    @property
    def budgets(self) -> SqlBudgetRecords:
        return self._budgets

    @property
    def uploads(self) -> SqlUploadRecords:
        return self._uploads

    async def check(self) -> None:
        # The revision written over itself: only a committed write shows that the database can be written.
        again = update(REVISION_TABLE).where(REVISION_COLUMN == REVISION).values(version_num=REVISION)
        if not await self._database.changed(again.returning(REVISION_COLUMN)):
            raise tables_missing(self._database.place)

    async def close(self) -> None:
        await self._runs.close()
        await self._budgets.close()
        await self._database.close()


class SqlStateStoreFactory:
    """Opens databases whose tables are there already; making them is the migrator's."""

    def claims(self, url: str) -> bool:
        return is_served(url)

    async def open(self, url: str) -> SqlStateStore:
        database = Database(url)
        try:
            await _check_revision(database)
        except BaseException:
            await database.close()
            raise
        return SqlStateStore(database)


async def _check_revision(database: Database) -> None:
    path = database_file(database.url)
    # Asked first, for SQLite would make an empty database where there is none.
    if path is not None and not await asyncio.to_thread(path.exists):
        raise StateUnavailable(f"There is no database {path}; make it with `jackfield db upgrade`.")
    if list(await database.rows(select(REVISION_COLUMN).select_from(REVISION_TABLE))) != [REVISION]:
        raise tables_missing(database.place)
