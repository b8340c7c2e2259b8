"""`python -m jackfield` is the `jackfield` command."""

from jackfield.cli.main import run

if __name__ == "__main__":
    run()
