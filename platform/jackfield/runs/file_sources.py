"""Passages of files as sources of a run."""

from __future__ import annotations

from jackfield.contracts.runs import RunRecord
from jackfield.files.libraries import Libraries
from jackfield.files.relevance import relevant
from jackfield.files.sources import source_of
from jackfield.runs.recall import Findings

SPARE = 2
"""So many times more passages are looked for than are asked for, since some say the same as others."""


class FileSources:
    """Looks in the files that a run names, as whoever began it may see them now."""

    def __init__(self, libraries: Libraries) -> None:
        self._libraries = libraries

    async def found(self, run: RunRecord, question: str) -> Findings | None:
        """Raises CollectionNotFound, NotAllowed, or NothingRegistered where no files can be kept."""
        use = run.request.files
        if use is None:
            return None
        library = await self._libraries.of_owner(run.account)
        if not question:
            return Findings(notice="There is no question to look for in files.")
        result = await library.search(
            question,
            collections=use.collections,
            under=use.under,
            mode=use.mode,
            limit=SPARE * use.limit,
        )
        found = relevant(result.found)[: use.limit]
        return Findings(sources=tuple(map(source_of, found)), notice=result.notice)
