"""What is in files: from a content's text to what a search finds, on SQLite and on PostgreSQL."""
