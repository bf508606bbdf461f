# SPDX-License-Identifier: Apache-2.0
"""``python -m tests.simulation --schedules 10000 [--seed 0]``: the simulator as a soak test."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.broken import Broken
from tests.simulation.simulate import simulate_seed

CHUNK = 50


def main() -> int:
    """Run schedules; print what befell them, and every seed that broke a law."""
    parser = argparse.ArgumentParser(description="Simulate runs under crashes of every kind.")
    parser.add_argument("--schedules", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    last = arguments.seed + arguments.schedules
    chunks = [(first, min(first + CHUNK, last)) for first in range(arguments.seed, last, CHUNK)]
    began = time.monotonic()
    histogram: Counter[str] = Counter()
    steps, failures = 0, []
    with ProcessPoolExecutor(arguments.processes) as pool:
        for counted, n_steps, broken in pool.map(_chunk, chunks):
            histogram += counted
            steps += n_steps
            failures += broken
    _print(histogram)
    seconds = time.monotonic() - began
    print(
        f"{arguments.schedules} schedules, {steps} storage steps and turns, {seconds:.1f} s "
        f"({arguments.schedules / seconds:.0f} schedules a second)"
    )
    for failure in failures[:3]:
        print(failure)
    seeds = [failure.split(":", 1)[0] for failure in failures]
    print(f"laws broken: {len(failures)} {seeds[:20] if seeds else ''}")
    return 1 if failures else 0


def _chunk(seeds: tuple[int, int]) -> tuple[Counter[str], int, list[str]]:
    histogram: Counter[str] = Counter()
    steps, failures = 0, []
    for seed in range(*seeds):
        try:
            told = simulate_seed(seed)
        except Broken as broken:
            failures.append(str(broken))
        else:
            histogram += told.histogram
            steps += told.steps
    return histogram, steps, failures


def _print(histogram: Counter[str]) -> None:
    widest = max(map(len, histogram), default=0)
    for what, times in sorted(histogram.items(), key=lambda item: (item[0].split()[0], -item[1])):
        print(f"{what:{widest}}  {times:7d}")


if __name__ == "__main__":
    sys.exit(main())
