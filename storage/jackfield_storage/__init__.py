"""The storage room: state in SQLite or PostgreSQL, behind the contracts of `jackfield.contracts.records`."""
