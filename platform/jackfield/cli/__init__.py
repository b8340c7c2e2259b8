"""The `jackfield` command: one module a subcommand, each imported when it is typed."""
