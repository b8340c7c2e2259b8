"""Alembic, driven by code: there is no alembic.ini, and a connection is always handed in."""

from __future__ import annotations

from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection

from jackfield_migrations.revisions import SCRIPTS


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Apply every revision that the database lacks, or those up to one, inside the connection's transaction."""
    command.upgrade(_config(connection=connection), revision)


def downgrade(connection: Connection, revision: str) -> None:
    """Undo every revision after one, inside the connection's transaction; `base` undoes all."""
    command.downgrade(_config(connection=connection), revision)


def draft(connection: Connection, message: str) -> str:
    """Write the next revision from the difference between the tables and an up-to-date database; its path."""
    config = _config(connection=connection)
    number = f"{len(list(scripts().walk_revisions())) + 1:04d}"
    written = command.revision(config, message, autogenerate=True, rev_id=number)
    assert isinstance(written, Script)
    return written.path


def scripts() -> ScriptDirectory:
    """The revisions as Alembic reads them."""
    return ScriptDirectory.from_config(_config())


def _config(**attributes: Any) -> Config:
    config = Config(attributes=attributes)
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    return config
