"""Readers of file formats that plugins bring: they come before our own, and their faults are theirs."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from jackfield.contracts.files import Extracted, Extractor
from jackfield.contracts.registration import Provided
from jackfield.errors import Unavailable
from jackfield.files.library import Library
from jackfield.hookspecs import hookimpl
from jackfield.plugin_host import PluginHost
from jackfield.testing.file_library import opened_library, pieces


class RecipeExtractor:
    """Reads `.recipe`, which looks like any other text."""

    name = "recipes"
    version = 1
    quick = True

    def claims(self, filename: str, head: bytes) -> bool:
        """By its name only."""
        return filename.endswith(".recipe")

    def extract(self, data: bytes, *, filename: str) -> Extracted:
        """In words of its own."""
        return Extracted(text=f"A recipe: {data.decode()}", kind="text")


class SuspiciousExtractor(RecipeExtractor):
    """Has a fault where it looks at files."""

    name = "suspicious"

    def claims(self, filename: str, head: bytes) -> bool:
        raise ZeroDivisionError("a plugin's fault")


class EndlessExtractor(RecipeExtractor):
    """Reads until it is closed."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self._closed = threading.Event()
        self.ended = threading.Event()

    def extract(self, data: bytes, *, filename: str) -> Extracted:
        """Raises Unavailable once it is closed."""
        self.begun.set()
        self._closed.wait(60)
        self.ended.set()
        raise Unavailable("its reader was ended")

    def close(self) -> None:
        """Ends what is being read."""
        self._closed.set()


class RecipePlugin:
    """Offers what it was made with."""

    def __init__(self, *extractors: Extractor) -> None:
        self._extractors = extractors

    @hookimpl
    def jackfield_extractors(self) -> list[Provided[Extractor]]:
        """One that cannot be built comes first."""
        some = [Provided[Extractor](one.name, lambda one=one: one) for one in self._extractors]  # type: ignore[misc]
        return [Provided("broken", _broken), *some]


def _broken() -> Extractor:
    raise RuntimeError("a plugin's fault")


def _host(*extractors: Extractor) -> PluginHost:
    host = PluginHost().load()
    host.register(RecipePlugin(*extractors), "recipes")
    return host


async def _text(library: Library, path: str) -> str:
    opened = await library.opened(None, "write")
    await opened.write(path, pieces(b"two eggs"))
    return await opened.text(path)


@pytest.mark.parametrize("beside", [(), (SuspiciousExtractor(),)])
async def test_a_plugins_extractor_comes_before_our_own(tmp_path: Path, beside: tuple[Extractor, ...]) -> None:
    async with opened_library(tmp_path, plugins=_host(*beside, RecipeExtractor())) as library:
        assert await _text(library, "cake.recipe") == "A recipe: two eggs"
        assert await _text(library, "cake.txt") == "two eggs"


async def test_closing_ends_what_is_being_read(tmp_path: Path) -> None:
    endless = EndlessExtractor()
    async with opened_library(tmp_path, plugins=_host(endless)) as library:
        reading = asyncio.create_task(_text(library, "cake.recipe"))
        assert await asyncio.to_thread(endless.begun.wait, 30)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert not endless.ended.is_set()
    assert await asyncio.to_thread(endless.ended.wait, 30)
