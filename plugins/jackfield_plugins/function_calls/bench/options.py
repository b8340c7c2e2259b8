"""What the benches of calls are all told in the same way."""

from __future__ import annotations

from pathlib import Path

import click

from jackfield_plugins.function_calls.bench.cases import Case, read_cases
from jackfield_plugins.function_calls.bench.checker import packaged_file

DATA_VARIABLE = "JACKFIELD_TEST_CALLS"
"""Names a file of cases, or a folder of them."""
PACKAGED = ("multiple", "parallel", "irrelevance")

data_option = click.option(
    "--data",
    "files",
    multiple=True,
    envvar=DATA_VARIABLE,
    type=click.Path(exists=True, path_type=Path),
    metavar="FILE",
    help=f"Cases in BFCL's shape; may be given again. {DATA_VARIABLE} otherwise, or those that bfcl-eval brings.",
)
model_option = click.option(
    "-m", "--model", default="", metavar="NAME", help="The model to measure; the default model otherwise."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON object.")


def chosen_cases(files: tuple[Path, ...]) -> list[Case]:
    """The cases of given files, or those that BFCL's package has; raises InvalidRequest or MissingDependency."""
    return read_cases(files or [packaged_file(f"BFCL_v4_{category}.json") for category in PACKAGED])
