"""Files that never lose a version, on SQLite and on PostgreSQL."""
