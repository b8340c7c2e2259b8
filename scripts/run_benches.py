"""Run every bench in tests/bench with the starter model, one after another, and say at the end which did not run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from run_marked_tests import pulled_model

MODEL = "JACKFIELD_TEST_MODEL"
BENCHES = Path(__file__).resolve().parent.parent / "tests" / "bench"


def main() -> int:
    """Run them; gives 1 where one ended badly."""
    model = os.environ.get(MODEL) or str(pulled_model("starter"))
    failed = []
    for bench in sorted(BENCHES.glob("*.py")):
        print(f"\n== {bench.name}", flush=True)
        if subprocess.run([sys.executable, bench], env={**os.environ, MODEL: model}, check=False).returncode:
            failed.append(bench.name)
    if failed:
        print(f"\nnot measured: {', '.join(failed)} (each says why above)", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
