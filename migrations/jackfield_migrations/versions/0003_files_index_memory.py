"""Semantic files with their versions, links and watched folders; what is in them, by words and by meaning; memory."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

TABLES = (
    "collections",
    "collection_grants",
    "contents",
    "files",
    "file_versions",
    "file_links",
    "watches",
    "watched_files",
    "passages",
    "chunks",
    "passage_vectors",
    "collection_passages",
    "index_changes",
    "index_leases",
    "memories",
    "memory_versions",
    "memory_vectors",
)

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""Numbers that a database gives out in order."""

ORDERED = sa.String().with_variant(sa.String(collation="C"), "postgresql")
"""Text in the order of its code points."""


def upgrade() -> None:
    _create_collections()
    _create_collection_grants()
    _create_contents()
    _create_files()
    _create_file_versions()
    _create_file_links()
    _create_watches()
    _create_watched_files()
    _create_passages()
    _create_chunks()
    _create_passage_vectors()
    _create_collection_passages()
    _create_index_changes()
    _create_index_leases()
    _create_full_text()
    _create_memories()
    _create_memory_versions()
    _create_memory_vectors()


def downgrade() -> None:
    on_postgres = op.get_context().dialect.name == "postgresql"
    for table in ("passage_words", "file_words") if on_postgres else ("passage_words", "file_words", "file_names"):
        op.execute(f"DROP TABLE {table}")
    for table in reversed(TABLES):
        op.drop_table(table)
    if on_postgres:
        op.execute("DROP FUNCTION follow_passage()")
        op.execute("DROP FUNCTION follow_file()")
        op.execute("DROP FUNCTION plain_words(text)")


def _create_full_text() -> None:
    """Of passages that are live, and of the paths of files that are there.

    The database keeps both by itself, so that a restored backup fills them, too.
    """
    on_postgres = op.get_context().dialect.name == "postgresql"
    for statement in POSTGRES_WORDS if on_postgres else SQLITE_WORDS:
        op.execute(statement)


SQLITE_WORDS = (
    """
    CREATE VIRTUAL TABLE passage_words USING fts5 (
        words, content = '', tokenize = 'porter unicode61 remove_diacritics 2'
    )
    """,
    """
    CREATE TRIGGER passages_come AFTER INSERT ON passages WHEN new.live > 0 BEGIN
        INSERT INTO passage_words (rowid, words)
        VALUES (new.id, coalesce(new.spaced, new.heading || char(10) || new.text));
    END
    """,
    """
    CREATE TRIGGER passages_wake AFTER UPDATE OF live ON passages WHEN old.live <= 0 AND new.live > 0 BEGIN
        INSERT INTO passage_words (rowid, words)
        VALUES (new.id, coalesce(new.spaced, new.heading || char(10) || new.text));
    END
    """,
    """
    CREATE TRIGGER passages_sleep AFTER UPDATE OF live ON passages WHEN old.live > 0 AND new.live <= 0 BEGIN
        INSERT INTO passage_words (passage_words, rowid, words)
        VALUES ('delete', old.id, coalesce(old.spaced, old.heading || char(10) || old.text));
    END
    """,
    """
    CREATE TRIGGER passages_go AFTER DELETE ON passages WHEN old.live > 0 BEGIN
        INSERT INTO passage_words (passage_words, rowid, words)
        VALUES ('delete', old.id, coalesce(old.spaced, old.heading || char(10) || old.text));
    END
    """,
    # FTS5 knows rows by number, and the numbers of rows in `files` may change where their key is a text.
    "CREATE TABLE file_names (number INTEGER PRIMARY KEY AUTOINCREMENT, file_id VARCHAR NOT NULL UNIQUE, path VARCHAR)",
    """
    CREATE VIRTUAL TABLE file_words USING fts5 (
        path, content = 'file_names', content_rowid = 'number', tokenize = 'porter unicode61 remove_diacritics 2'
    )
    """,
    """
    CREATE TRIGGER files_come AFTER INSERT ON files WHEN new.deleted_at IS NULL BEGIN
        INSERT INTO file_names (file_id, path) VALUES (new.id, new.path);
    END
    """,
    """
    CREATE TRIGGER files_change AFTER UPDATE OF path, deleted_at ON files
    WHEN old.path <> new.path OR (old.deleted_at IS NULL) <> (new.deleted_at IS NULL) BEGIN
        DELETE FROM file_names WHERE file_id = old.id;
        INSERT INTO file_names (file_id, path) SELECT new.id, new.path WHERE new.deleted_at IS NULL;
    END
    """,
    """
    CREATE TRIGGER files_go AFTER DELETE ON files BEGIN
        DELETE FROM file_names WHERE file_id = old.id;
    END
    """,
    """
    CREATE TRIGGER file_names_come AFTER INSERT ON file_names BEGIN
        INSERT INTO file_words (rowid, path) VALUES (new.number, new.path);
    END
    """,
    """
    CREATE TRIGGER file_names_go AFTER DELETE ON file_names BEGIN
        INSERT INTO file_words (file_words, rowid, path) VALUES ('delete', old.number, old.path);
    END
    """,
)
"""FTS5 needs a text again to forget it, and is given it from `passages`, where texts never change."""

POSTGRES_WORDS = (
    # Words as FTS5 has them: without accents, and parted at every sign, where the parser would keep hosts and paths.
    # By an expression, for translate() looks for each letter among all signs, which takes longer than all else here.
    r"""
    CREATE FUNCTION plain_words(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT regexp_replace(
            CASE getdatabaseencoding()
                WHEN 'UTF8' THEN regexp_replace(normalize(value, NFD), '[\u0300-\u036f]', '', 'g')
                ELSE value
            END,
            '[!-/:-@\[-`{-~]+', ' ', 'g'
        )
    $$
    """,
    """
    CREATE TABLE passage_words (
        passage_id bigint PRIMARY KEY REFERENCES passages (id) ON DELETE CASCADE,
        words tsvector NOT NULL
    )
    """,
    # Without a list of what is pending: that one is read through by every search.
    "CREATE INDEX ix_passage_words_words ON passage_words USING gin (words) WITH (fastupdate = off)",
    """
    CREATE FUNCTION follow_passage() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF new.live > 0 THEN
            INSERT INTO passage_words (passage_id, words)
            VALUES (new.id, to_tsvector('english', plain_words(coalesce(new.spaced, new.heading || ' ' || new.text))))
            ON CONFLICT (passage_id) DO NOTHING;
        ELSE
            DELETE FROM passage_words WHERE passage_id = new.id;
        END IF;
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE TRIGGER passages_come AFTER INSERT ON passages
    FOR EACH ROW WHEN (new.live > 0) EXECUTE FUNCTION follow_passage()
    """,
    """
    CREATE TRIGGER passages_wake_or_sleep AFTER UPDATE OF live ON passages
    FOR EACH ROW WHEN ((old.live > 0) IS DISTINCT FROM (new.live > 0)) EXECUTE FUNCTION follow_passage()
    """,
    """
    CREATE TABLE file_words (
        file_id varchar PRIMARY KEY REFERENCES files (id) ON DELETE CASCADE,
        words tsvector NOT NULL
    )
    """,
    "CREATE INDEX ix_file_words_words ON file_words USING gin (words) WITH (fastupdate = off)",
    """
    CREATE FUNCTION follow_file() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        DELETE FROM file_words WHERE file_id = new.id;
        IF new.deleted_at IS NULL THEN
            INSERT INTO file_words (file_id, words) VALUES (new.id, to_tsvector('english', plain_words(new.path)));
        END IF;
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE TRIGGER files_come AFTER INSERT ON files
    FOR EACH ROW WHEN (new.deleted_at IS NULL) EXECUTE FUNCTION follow_file()
    """,
    """
    CREATE TRIGGER files_change AFTER UPDATE OF path, deleted_at ON files FOR EACH ROW WHEN (
        old.path <> new.path OR (old.deleted_at IS NULL) IS DISTINCT FROM (new.deleted_at IS NULL)
    ) EXECUTE FUNCTION follow_file()
    """,
)
"""The configuration `english` stems as FTS5's porter does, in that algorithm's second edition."""


def _create_collections() -> None:
    op.create_table(
        "collections",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", ORDERED, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("owner_id", sa.String(), nullable=True),
        sa.Column("quota_bytes", sa.BigInteger(), nullable=True),
        sa.Column("used_bytes", sa.BigInteger(), nullable=False),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_collections"),
        sa.UniqueConstraint("name", name="uq_collections_name"),
    )
    op.create_index("ix_collections_owner_id", "collections", ["owner_id"])


def _create_collection_grants() -> None:
    op.create_table(
        "collection_grants",
        sa.Column("collection_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("holder_id", sa.String(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collections.id"],
            name="fk_collection_grants_collection_id_collections",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("collection_id", "kind", "holder_id", name="pk_collection_grants"),
    )


def _create_contents() -> None:
    op.create_table(
        "contents",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("extractor", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("filename", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("text_digest", sa.String(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_contents"),
        sa.UniqueConstraint("digest", "extractor", name="uq_contents_digest_extractor"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_contents_state", "contents", ["state"])
    op.create_index("ix_contents_text_digest", "contents", ["text_digest"])


def _create_files() -> None:
    op.create_table(
        "files",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("collection_id", sa.String(), nullable=False),
        sa.Column("path", ORDERED, nullable=False),
        sa.Column("path_key", ORDERED, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("content_id", SERIAL, nullable=True),
        sa.Column("author_id", sa.String(), nullable=False),
        sa.Column("author_name", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("modified_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("locked_by", sa.String(), nullable=True),
        sa.Column("locked_name", sa.String(), nullable=True),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["collection_id"], ["collections.id"], name="fk_files_collection_id_collections"),
        sa.ForeignKeyConstraint(["content_id"], ["contents.id"], name="fk_files_content_id_contents"),
        sa.PrimaryKeyConstraint("id", name="pk_files"),
    )
    op.create_index("ix_files_collection_id_path", "files", ["collection_id", "path"])
    op.create_index(
        "ix_files_content_id_deleted_at_collection_id", "files", ["content_id", "deleted_at", "collection_id"]
    )
    op.create_index(
        "uq_files_collection_id_path_key",
        "files",
        ["collection_id", "path_key"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )


def _create_file_versions() -> None:
    op.create_table(
        "file_versions",
        sa.Column("file_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("collection_id", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("content_id", SERIAL, nullable=True),
        sa.Column("author_id", sa.String(), nullable=False),
        sa.Column("author_name", sa.String(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("restored_from", sa.Integer(), nullable=True),
        sa.Column("change", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["content_id"], ["contents.id"], name="fk_file_versions_content_id_contents"),
        sa.ForeignKeyConstraint(["file_id"], ["files.id"], name="fk_file_versions_file_id_files", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("file_id", "number", name="pk_file_versions"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_file_versions_change", "file_versions", ["change"])
    op.create_index("ix_file_versions_collection_id_written_at", "file_versions", ["collection_id", "written_at"])
    op.create_index("ix_file_versions_content_id", "file_versions", ["content_id"])
    op.create_index("ix_file_versions_digest", "file_versions", ["digest"])


def _create_file_links() -> None:
    op.create_table(
        "file_links",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("collection_id", sa.String(), nullable=False),
        sa.Column("file_id", sa.String(), nullable=True),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("folder", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("author_id", sa.String(), nullable=False),
        sa.Column("author_name", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collections.id"], name="fk_file_links_collection_id_collections", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["file_id"], ["files.id"], name="fk_file_links_file_id_files", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_file_links"),
        sa.UniqueConstraint("token_hash", name="uq_file_links_token_hash"),
    )
    op.create_index("ix_file_links_collection_id", "file_links", ["collection_id"])
    op.create_index("ix_file_links_file_id", "file_links", ["file_id"])


def _create_watches() -> None:
    op.create_table(
        "watches",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("collection_id", sa.String(), nullable=False),
        sa.Column("machine", sa.String(), nullable=False),
        sa.Column("folder", sa.String(), nullable=False),
        sa.Column("under", sa.String(), nullable=False),
        sa.Column("both_ways", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collections.id"], name="fk_watches_collection_id_collections", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_watches"),
    )


def _create_watched_files() -> None:
    op.create_table(
        "watched_files",
        sa.Column("watch_id", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("file_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("modified_ns", sa.BigInteger(), nullable=False),
        sa.Column("inode", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["watch_id"], ["watches.id"], name="fk_watched_files_watch_id_watches", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("watch_id", "path", name="pk_watched_files"),
        sqlite_with_rowid=False,
    )


def _create_passages() -> None:
    op.create_table(
        "passages",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("heading", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("spaced", sa.Text(), nullable=True),
        sa.Column("live", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_passages"),
        sa.UniqueConstraint("key", name="uq_passages_key"),
        sqlite_autoincrement=True,
    )
    out_of_use = sa.text("live = 0")
    op.create_index("ix_passages_out_of_use", "passages", ["id"], sqlite_where=out_of_use, postgresql_where=out_of_use)


def _create_chunks() -> None:
    op.create_table(
        "chunks",
        sa.Column("content_id", SERIAL, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("passage_id", SERIAL, nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("end", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["content_id"], ["contents.id"], name="fk_chunks_content_id_contents", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["passage_id"], ["passages.id"], name="fk_chunks_passage_id_passages"),
        sa.PrimaryKeyConstraint("content_id", "number", name="pk_chunks"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_chunks_passage_id", "chunks", ["passage_id"])


def _create_passage_vectors() -> None:
    op.create_table(
        "passage_vectors",
        sa.Column("passage_id", SERIAL, nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["passage_id"], ["passages.id"], name="fk_passage_vectors_passage_id_passages", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("passage_id", "model", name="pk_passage_vectors"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_passage_vectors_model_passage_id", "passage_vectors", ["model", "passage_id"])


def _create_collection_passages() -> None:
    op.create_table(
        "collection_passages",
        sa.Column("collection_id", sa.String(), nullable=False),
        sa.Column("passage_id", SERIAL, nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collections.id"],
            name="fk_collection_passages_collection_id_collections",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["passage_id"], ["passages.id"], name="fk_collection_passages_passage_id_passages"),
        sa.PrimaryKeyConstraint("collection_id", "passage_id", name="pk_collection_passages"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_collection_passages_passage_id", "collection_passages", ["passage_id"])


def _create_index_changes() -> None:
    op.create_table(
        "index_changes",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("collection_id", sa.String(), nullable=False),
        sa.Column("passage_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_index_changes"),
        sqlite_autoincrement=True,
    )


def _create_index_leases() -> None:
    op.create_table(
        "index_leases",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_index_leases"),
    )


def _create_memories() -> None:
    op.create_table(
        "memories",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("provenance", sa.String(), nullable=False),
        sa.Column("owner_id", sa.String(), nullable=False),
        sa.Column("team_id", sa.String(), nullable=True),
        sa.Column("visibility", sa.String(), nullable=False),
        sa.Column("remembered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recalled", sa.Integer(), nullable=False),
        sa.Column("recalled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("model", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_memories"),
    )
    op.create_index("ix_memories_expires_at", "memories", ["expires_at"])
    op.create_index("ix_memories_key", "memories", ["key"])
    op.create_index("ix_memories_owner_id", "memories", ["owner_id"])
    op.create_index("ix_memories_team_id", "memories", ["team_id"])


def _create_memory_versions() -> None:
    op.create_table(
        "memory_versions",
        sa.Column("memory_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("provenance", sa.String(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["memory_id"], ["memories.id"], name="fk_memory_versions_memory_id_memories", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("memory_id", "number", name="pk_memory_versions"),
        sqlite_with_rowid=False,
    )


def _create_memory_vectors() -> None:
    op.create_table(
        "memory_vectors",
        sa.Column("memory_id", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["memory_id"], ["memories.id"], name="fk_memory_vectors_memory_id_memories", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("memory_id", "model", name="pk_memory_vectors"),
        sqlite_with_rowid=False,
    )
