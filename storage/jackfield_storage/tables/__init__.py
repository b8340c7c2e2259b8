"""The tables, typed: what a row holds is what the contracts' structs hold."""

from __future__ import annotations

from sqlalchemy import String, column, table

from jackfield_storage.tables.budgets import BudgetRow, BudgetUseRow, ReservationRow
from jackfield_storage.tables.columns import Base
from jackfield_storage.tables.files import (
    CollectionGrantRow,
    CollectionRow,
    FileLinkRow,
    FileRow,
    FileVersionRow,
    WatchedFileRow,
    WatchRow,
)
from jackfield_storage.tables.identity import AuditEntryRow, InvitationRow, KeyRow, SessionRow, TeamRow, UserRow
from jackfield_storage.tables.index import (
    ChunkRow,
    CollectionPassageRow,
    ContentRow,
    IndexChangeRow,
    IndexLeaseRow,
    PassageRow,
    PassageVectorRow,
)
from jackfield_storage.tables.memory import MemoryRow, MemoryVectorRow, MemoryVersionRow
from jackfield_storage.tables.uploads import UploadRow
from jackfield_storage.tables.work import ConversationRow, MessageRow, ModelRow, RunEventRow, RunRow

REVISION = "0003"
"""The migration that leads to these tables."""

REVISION_COLUMN = column("version_num", String)
REVISION_TABLE = table("alembic_version", REVISION_COLUMN)
"""Where the migrations keep the revision that a database is at."""

__all__ = [
    "REVISION",
    "REVISION_COLUMN",
    "REVISION_TABLE",
    "AuditEntryRow",
    "Base",
    "BudgetRow",
    "BudgetUseRow",
    "ChunkRow",
    "CollectionGrantRow",
    "CollectionPassageRow",
    "CollectionRow",
    "ContentRow",
    "ConversationRow",
    "FileLinkRow",
    "FileRow",
    "FileVersionRow",
    "IndexChangeRow",
    "IndexLeaseRow",
    "InvitationRow",
    "KeyRow",
    "MemoryRow",
    "MemoryVectorRow",
    "MemoryVersionRow",
    "MessageRow",
    "ModelRow",
    "PassageRow",
    "PassageVectorRow",
    "ReservationRow",
    "RunEventRow",
    "RunRow",
    "SessionRow",
    "TeamRow",
    "UploadRow",
    "UserRow",
    "WatchRow",
    "WatchedFileRow",
]
