"""Resident memory of one process over 2,000 short requests of every kind, eight at a time, through a whole workbench.

usage: python tests/bench/memory_over_requests.py [MODEL.gguf] [--requests N] [--every N] [--longest TOKENS]
       default: $JACKFIELD_TEST_MODEL, 2,000 requests of prompts up to 200 tokens, a line after each 200

Prefixes may take 16 MB of memory here instead of 256, so that what they take is taken before the first line.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import sys
import tempfile
import time
from pathlib import Path

import psutil
import structlog

from jackfield.plugin_host import loaded_host
from jackfield.settings import load_settings
from jackfield.testing.varied_requests import LONGEST, VariedRequests
from jackfield.wiring import open_workbench

MEGABYTE = 1e6
PARKED_MB = 16


async def bench(path: Path, requests: int, every: int, longest: int) -> None:
    """Print a line after so many requests, and what became of them."""
    with tempfile.TemporaryDirectory() as home:
        settings = load_settings(home=Path(home), prefixes={"memory_mb": PARKED_MB})
        async with open_workbench(settings, loaded_host()) as workbench:
            model = await workbench.models.pull(str(path), name="bench", link=True)
            loop = await workbench.residency.decoder(model)
            varied = VariedRequests(model, longest=longest)
            began = time.perf_counter()
            print("requests   resident MB   python objects   cells used   parked MB   hit rate   evictions   seconds")

            async def look(done: int) -> None:
                gc.collect()
                now = loop.statistics
                print(
                    f"{done:8,} {psutil.Process().memory_info().rss / MEGABYTE:13.1f} {len(gc.get_objects()):16,}"
                    f" {now.used_cells:12,} {loop._saved.memory_bytes / MEGABYTE:11.1f} {now.hit_rate:10.1%}"
                    f" {now.evictions:11,} {time.perf_counter() - began:9.0f}",
                    flush=True,
                )

            await varied.serve(workbench, requests, every=every, then=look)
            print(", ".join(f"{count:,} {end}" for end, count in sorted(varied.ends.items())))


def main() -> None:
    """Bench the file that is named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", metavar="MODEL.gguf", default=os.environ.get("JACKFIELD_TEST_MODEL"))
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--every", type=int, default=200)
    parser.add_argument("--longest", type=int, default=LONGEST)
    chosen = parser.parse_args()
    if not chosen.file:
        sys.exit("Name a model file, or set JACKFIELD_TEST_MODEL.")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    asyncio.run(bench(Path(chosen.file), chosen.requests, chosen.every, chosen.longest))


if __name__ == "__main__":
    main()
