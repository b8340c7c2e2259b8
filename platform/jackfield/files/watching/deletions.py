"""When so much is gone at once that it is more likely a disk that was taken away."""

from __future__ import annotations

from jackfield.files.watching.plan import Plan

FEW = 10
"""Files of which all may be deleted without a question."""


def mass_deletion(plan: Plan, *, in_common: int, folder: int, collection: int, first: bool) -> str:
    """A sentence where more than half of the files that both sides had would go; empty where not.

    At the `first` look after a start it is also asked where one side has nothing left at all.
    """
    there = plan.number_of("remove_kept") + plan.number_of("make_way")
    here = plan.number_of("remove_local")
    if _is_much(there, in_common) or (first and there and not folder):
        return _sentence(there, in_common, "the folder", "the collection")
    if _is_much(here, in_common) or (first and here and not collection):
        return _sentence(here, in_common, "the collection", "the folder")
    return ""


def _is_much(number: int, of: int) -> bool:
    return of > FEW and number * 2 > of


def _sentence(number: int, of: int, gone_from: str, goes_from: str) -> str:
    if number == of == 1:
        gone = "The only file is"
    else:
        gone = f"All {number:,} files are" if number == of else f"{number:,} of {of:,} files are"
    return f"{gone} gone from {gone_from} at once, and would be deleted from {goes_from} too"
