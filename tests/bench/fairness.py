"""Four clients with unlike prefixes and loads: cached prompt tokens against pure longest-prefix matching, and the gap.

usage: python tests/bench/fairness.py [--steps N] [--seeds N] [--quantum TOKENS ...]

The scheduler itself over a scripted engine, so no model is needed and every run gives the same figures. A gap is by
how many tokens two clients are apart in any stretch of time in which both always have requests waiting. Even service
has a hit rate of its own, however well prefixes are kept: clients with short prefixes have as much of it as others.
"""

from __future__ import annotations

import argparse

from jackfield.decoding.fairness import QUANTUM
from jackfield.testing.stepped_scheduler import PURE, SKEWED, Loads, even_hit_rate, gap_bound, service


def show(name: str, loads: Loads, *, quanta: list[int], seeds: int, steps: int) -> None:
    """A line for each quantum and seed."""
    even = even_hit_rate(loads)
    print(f"\n{name}: {', '.join(f'{who} {each.prefix} tokens x {each.depth}' for who, each in loads.items())}")
    print(" quantum  seed   hit rate   pure matching's   of it   even service's   of it   largest gap   bound   pure's")
    for seed in range(1, seeds + 1):
        pure = service(loads, quantum=PURE, seed=seed, steps=steps)
        for quantum in quanta:
            fair = service(loads, quantum=quantum, seed=seed, steps=steps)
            print(
                f"{quantum:8} {seed:5} {fair.hit_rate:10.1%} {pure.hit_rate:17.1%} {fair.hit_rate / pure.hit_rate:7.1%}"
                f" {even:16.1%} {fair.hit_rate / even:7.1%} {fair.gap:13,} {gap_bound(loads, quantum):7,}"
                f" {pure.gap:8,}",
                flush=True,
            )


def main() -> None:
    """Every workload."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--quantum", type=int, nargs="+", default=[256, 512, QUANTUM])
    chosen = parser.parse_args()
    for name, loads in SKEWED.items():
        show(name, loads, quanta=chosen.quantum, seeds=chosen.seeds, steps=chosen.steps)


if __name__ == "__main__":
    main()
