"""Whether the file of an installed model is where it was put, and how to bring back one that is not."""

from __future__ import annotations

import shlex

from jackfield.contracts.models import InstalledModel
from jackfield.errors import ModelFileInvalid
from jackfield.models.tuned_references import tuned_origin


def file_fault(model: InstalledModel) -> str | None:
    """What is wrong with a model's file, as a sentence without its full stop; None when it is in place. Blocking.

    Its size stands for its content: reading the whole file would take minutes for a large one.
    """
    subject = f"The file of model '{model.name}', {model.path},"
    try:
        size = model.path.stat().st_size
    except OSError as error:
        return f"{subject} cannot be read: {error.strerror}"
    if size != model.description.bytes:
        return f"{subject} is {size} bytes long and was pulled with {model.description.bytes}"
    return None


def mending_commands(model: InstalledModel) -> tuple[str, ...]:
    """What to type, in this order, to bring or make a model's file again."""
    if origin := tuned_origin(model.reference):
        return (f"jackfield models tune {origin[0]} --keep {origin[1]} --alias {model.name}",)
    link = " --link" if model.linked else ""
    pull = f"jackfield models pull {shlex.quote(model.reference)} --name {model.name}{link}"
    return (f"jackfield models rm {model.name}", pull) if model.linked else (pull,)


def check_in_place(model: InstalledModel) -> None:
    """Raise ModelFileInvalid unless a model's file is in place."""
    fault = file_fault(model)
    if fault:
        commands = " and then ".join(f"`{command}`" for command in mending_commands(model))
        raise ModelFileInvalid(f"{fault}; bring it again with {commands}.")
