"""list_files and read_file: what they show, what they leave out and say so, and that nothing outside is reached."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.contracts.tools import RunScope, ToolResult
from jackfield.errors import ArgumentsInvalid, InvalidRequest, ToolFailure
from jackfield_plugins.tools import file_reading
from jackfield_plugins.tools.file_reading import ListFiles, ReadFile
from jackfield_plugins.tools.folder_walk import Glob

Call = Callable[..., Awaitable[ToolResult]]


@pytest.fixture(autouse=True)
def _files(folder: Path) -> None:
    (folder / "src" / "deep").mkdir(parents=True)
    (folder / "src" / "app.py").write_text("print(1)\n", encoding="utf-8")
    (folder / "src" / "deep" / "more.py").write_text("", encoding="utf-8")
    (folder / "notes.txt").write_text("one\ntwo\nthree\n", encoding="utf-8")
    (folder / ".env").write_text("KEY=1\n", encoding="utf-8")


async def test_without_a_granted_folder_it_says_what_to_give() -> None:
    with pytest.raises(InvalidRequest, match="no folder was granted; give one with --folder"):
        ListFiles().within(RunScope(run_id="run"))
    with pytest.raises(InvalidRequest, match="no folder was granted"):
        await ReadFile().call({"path": "notes.txt"})


async def test_a_listing_shows_the_top_folder_and_says_that_names_are_hidden(call: Call) -> None:
    listed = (await call(ListFiles)).text
    assert listed.splitlines()[:2] == ["notes.txt (14 bytes)", "src/"]
    assert "leading dot" in listed
    assert ".env" not in listed


@pytest.mark.parametrize(
    ("glob", "paths"),
    [
        ("**/*.py", ["src/app.py", "src/deep/more.py"]),
        ("src/*.py", ["src/app.py"]),
        ("./src/*", ["src/app.py", "src/deep/"]),
        ("**/deep/**", ["src/deep/", "src/deep/more.py"]),
        (".*", [".env"]),
        ("src", ["src/"]),
    ],
)
async def test_a_glob_chooses(call: Call, glob: str, paths: list[str]) -> None:
    listed = (await call(ListFiles, glob=glob)).text.splitlines()
    assert [line.split(" (")[0] for line in listed if not line.startswith("[")] == paths


async def test_a_glob_that_fits_nothing_says_what_would(call: Call) -> None:
    assert "'**/*.py'" in (await call(ListFiles, glob="*.py")).text
    assert "braces" in (await call(ListFiles, glob="*.{js,ts}")).text
    with pytest.raises(ArgumentsInvalid, match="leads out"):
        await call(ListFiles, glob="../*")


async def test_a_long_listing_ends_with_a_notice(call: Call, folder: Path) -> None:
    for number in range(file_reading.MOST_LISTED + 5):
        (folder / f"f{number:04}").touch()
    listed = (await call(ListFiles, glob="f*")).text.splitlines()
    assert len(listed) == file_reading.MOST_LISTED + 1
    assert "Only the first 300" in listed[-1]


async def test_listing_does_not_go_through_links(call: Call, folder: Path) -> None:
    (folder / "loop").symlink_to(folder)
    (folder / "away").symlink_to(folder.parent)
    listed = (await call(ListFiles, glob="**/*")).text
    assert "away (link)" in listed
    assert "secret" not in listed
    assert "loop/" not in listed


async def test_many_stars_do_not_take_forever(call: Call, folder: Path) -> None:
    (folder / ("a" * 200)).touch()
    assert "Nothing fits" in (await call(ListFiles, glob="/".join(["**"] * 40 + ["*a" * 60 + "b"]))).text


@given(st.lists(st.sampled_from(["a", "b", ".h"]), max_size=5), st.lists(st.sampled_from(["a", "*", "**"]), max_size=5))
def test_globs_fit_what_their_definition_says(names: list[str], parts: list[str]) -> None:
    def fits(parts: list[str], names: list[str]) -> bool:
        if not parts:
            return not names
        if parts[0] == "**":
            return fits(parts[1:], names) or (bool(names) and names[0] != ".h" and fits(parts, names[1:]))
        return bool(names) and names[0] in ({"a"} if parts[0] == "a" else {"a", "b"}) and fits(parts[1:], names[1:])

    glob = Glob("/".join(parts))
    due = glob.start()
    for name in names:
        due = glob.after(due, name)
    assert glob.fits(due) == fits(parts or ["*"], names)


async def test_a_file_is_shown_as_it_is(call: Call) -> None:
    result = await call(ReadFile, path="notes.txt")
    assert (result.text, result.provenance) == ("one\ntwo\nthree\n", "file")


async def test_a_range_says_where_to_go_on(call: Call) -> None:
    assert (await call(ReadFile, path="notes.txt", start_line=2, end_line=2)).text == (
        "two\n[Lines 2 to 2 are shown of 3. Go on with start_line=3.]"
    )
    assert (await call(ReadFile, path="notes.txt", start_line=3, end_line=9)).text == "three\n"
    with pytest.raises(ToolFailure, match="has only 3 lines"):
        await call(ReadFile, path="notes.txt", start_line=9)
    with pytest.raises(ArgumentsInvalid, match="comes before"):
        await call(ReadFile, path="notes.txt", start_line=3, end_line=2)


async def test_reading_on_gives_every_line_once(call: Call, folder: Path) -> None:
    lines = [f"line {number} ä\n" for number in range(1, 3001)]
    (folder / "long.txt").write_text("".join(lines), encoding="utf-8")
    read, start = [], 1
    while start:
        text = (await call(ReadFile, path="long.txt", start_line=start)).text
        shown, _, notice = text.partition("[Lines")
        read += shown.splitlines(keepends=True)
        start = int(notice.rpartition("start_line=")[2].rstrip(".]")) if notice else 0
    assert read == lines


async def test_a_very_long_line_is_cut_with_a_notice(call: Call, folder: Path) -> None:
    (folder / "min.js").write_text("x" * 100_000 + "\nend\n", encoding="utf-8")
    text = (await call(ReadFile, path="min.js")).text
    assert len(text) < 16_000
    assert "is cut here. Go on with start_line=2" in text


async def test_what_is_no_text_is_described(call: Call, folder: Path) -> None:
    (folder / "p.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0")
    (folder / "d.bin").write_bytes(bytes(range(256)))
    (folder / "latin.txt").write_bytes("größer\n".encode("latin-1"))
    (folder / "empty").touch()
    assert (await call(ReadFile, path="p.png")).text == "['p.png' is a PNG image (11 bytes), not plain text.]"
    assert "binary data" in (await call(ReadFile, path="d.bin")).text
    assert "not UTF-8" in (await call(ReadFile, path="latin.txt")).text
    assert (await call(ReadFile, path="empty")).text == "[The file is empty.]"


@pytest.mark.parametrize(
    "path",
    [
        "../secret.txt",
        "src/../../secret.txt",
        "link",
        "linked/secret.txt",
        "far/secret.txt",
        "hop",
        "/etc/passwd",
        "~/x",
    ],
)
async def test_no_path_leads_out(call: Call, folder: Path, path: str) -> None:
    (folder / "link").symlink_to(folder.parent / "secret.txt")
    (folder / "linked").symlink_to("..")
    (folder / "far").symlink_to(folder.parent)
    (folder / "hop").symlink_to("src/../../secret.txt")
    with pytest.raises(InvalidRequest) as refused:
        await call(ReadFile, path=path)
    assert str(folder) not in refused.value.message


async def test_links_that_stay_inside_are_followed(call: Call, folder: Path) -> None:
    (folder / "relative").symlink_to("src/deep/../app.py")
    (folder / "absolute").symlink_to(folder / "src")
    (folder / "circle").symlink_to("circle")
    assert (await call(ReadFile, path="relative")).text == "print(1)\n"
    assert (await call(ReadFile, path="absolute/app.py")).text == "print(1)\n"
    with pytest.raises(ToolFailure, match="circle"):
        await call(ReadFile, path="circle")


async def test_what_is_no_file_is_refused_at_once(call: Call, folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "zero").symlink_to("/dev/zero")
    with pytest.raises(ToolFailure, match="device, pipe or socket"):
        await call(ReadFile, path="pipe")
    with pytest.raises(InvalidRequest, match="leads out"):
        await call(ReadFile, path="zero")
    with pytest.raises(ToolFailure, match="is a folder"):
        await call(ReadFile, path="src")
    with pytest.raises(ToolFailure, match="does not exist; list_files"):
        await call(ReadFile, path="src/gone.py")
    with pytest.raises(ToolFailure, match="through a file"):
        await call(ReadFile, path="notes.txt/x")
    with pytest.raises(InvalidRequest, match="zero character"):
        await call(ReadFile, path="a\0b")


async def test_a_folder_swapped_for_a_link_midway_leads_nowhere(call: Call, folder: Path) -> None:
    (folder / "real").mkdir()
    (folder / "real" / "secret.txt").write_text("harmless", encoding="utf-8")
    (folder / "bait").symlink_to(folder.parent)
    done = threading.Event()

    def swap() -> None:
        while not done.is_set():
            for other in ("real", "bait"):
                (folder / other).rename(folder / "door")
                (folder / "door").rename(folder / other)

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        for _ in range(300):
            with contextlib.suppress(ToolFailure, InvalidRequest):
                assert (await call(ReadFile, path="door/secret.txt")).text == "harmless"
    finally:
        done.set()
        swapping.join()
