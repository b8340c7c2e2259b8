"""`jackfield files`: one module for each subcommand, or for a few that belong together."""
