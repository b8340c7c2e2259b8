"""What the benches of calls are all told in the same way."""

from __future__ import annotations

from pathlib import Path

import click

DATA_VARIABLE = "JACKFIELD_TEST_CALLS"

data_option = click.option(
    "--data",
    "files",
    multiple=True,
    required=True,
    envvar=DATA_VARIABLE,
    type=click.Path(exists=True, path_type=Path),
    metavar="FILE",
    help=f"Cases in BFCL's shape, or a folder of them; may be given again. {DATA_VARIABLE} otherwise.",
)
model_option = click.option(
    "-m", "--model", default="", metavar="NAME", help="The model to measure; the default model otherwise."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON object.")
