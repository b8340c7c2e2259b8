"""How many commands in words are read as the calls that they mean: by rules alone, and with a model for the others.

usage: python tests/bench/files_words.py [--json] [--model FILE.gguf] [--list held_in|held_out] [--every N] [--alone]

Without --model only the rules read. --every takes each Nth command of a list; with --alone the model reads them all.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from jackfield.cli.session import Session
from jackfield.files.asking import ChatModel
from jackfield.files.words.model_reading import ModelReader
from jackfield.files.words.reading import clauses
from jackfield.files.words.steps import Step
from jackfield.files.words.times import Clock
from jackfield.logs import configure_logs
from jackfield.settings import load_settings
from jackfield.wiring import open_workbench

LISTS = Path(__file__).parents[1] / "core" / "files" / "words"
CLOCK = Clock(datetime(2026, 11, 18, 12, 0, tzinfo=UTC), UTC)
"""When the lists are said."""


class Said(msgspec.Struct):
    """A command, and the steps that it should be read as."""

    words: str
    steps: tuple[Step, ...]


def main() -> None:
    """A table, or JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--list", choices=("held_in", "held_out"), action="append")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--alone", action="store_true")
    options = parser.parse_args()
    configure_logs("warning")
    chosen = options.list or ["held_in", "held_out"]
    if options.model:
        with tempfile.TemporaryDirectory() as home:
            figures = asyncio.run(with_model(chosen, options, Path(home)))
    else:
        figures = {name: asyncio.run(measured(listed(name, options.every), None, alone=False)) for name in chosen}
    if options.json:
        print(json.dumps(figures, indent=2, ensure_ascii=False))
        return
    for name, figure in figures.items():
        print(f"{name}: {figure['right']} of {figure['commands']} right ({figure['share']:.1%})")
        print(f"  {figure['by_model']} asked of a model, {figure['wrong_unasked']} wrong by rules that were sure")
        for missed in figure["missed"]:
            print(f"  {missed['words']}\n    {missed['read']}")


def listed(name: str, every: int) -> list[Said]:
    """Commands of a list."""
    lines = (LISTS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [msgspec.json.decode(line, type=Said) for line in lines[::every]]


async def with_model(names: list[str], options: argparse.Namespace, home: Path) -> dict[str, Any]:
    """The figures of lists, in an installation with that model."""
    pull = [sys.executable, "-m", "jackfield", "models", "pull", str(options.model), "--name", "reader"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JACKFIELD_")}
    subprocess.run(pull, env=environment | {"JACKFIELD_HOME": str(home)}, check=True, capture_output=True, timeout=300)
    async with open_workbench(load_settings(home=home), Session().plugins) as workbench:
        reader = ModelReader(ChatModel(workbench, name="reader"))
        return {name: await measured(listed(name, options.every), reader, alone=options.alone) for name in names}


async def measured(said: list[Said], reader: ModelReader | None, *, alone: bool) -> dict[str, Any]:
    """How many were read right, how long that took, and those that were not."""
    missed, seconds, asked, wrong_unasked = [], [], 0, 0
    for one in said:
        began = time.perf_counter()
        found = clauses(one.words, CLOCK)
        needs_model = alone or not all(clause.sure for clause in found)
        read = [
            clause.step if clause.sure and not alone else await reader.step(clause, CLOCK) if reader else None
            for clause in found
        ]
        seconds.append(time.perf_counter() - began)
        asked += needs_model and reader is not None
        if needs_model and reader:
            print(f"{len(seconds)}/{len(said)} {seconds[-1]:.1f} s: {one.words}", file=sys.stderr)
        if tuple(read) != one.steps:
            wrong_unasked += not needs_model
            missed.append({"words": one.words, "read": [str(step) for step in read]})
    right = len(said) - len(missed)
    return {
        "commands": len(said),
        "right": right,
        "share": right / len(said),
        "by_model": asked,
        "wrong_unasked": wrong_unasked,
        "median_ms": statistics.median(seconds) * 1000,
        "missed": missed,
    }


if __name__ == "__main__":
    main()
