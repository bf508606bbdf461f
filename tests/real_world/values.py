# SPDX-License-Identifier: Apache-2.0
"""``python -m tests.real_world.values --count 20000 [--seed 0]``: values as a soak test."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed

from tests.real_world.values_search import search

CHUNK = 250


def main() -> int:
    """Draw examples in as many processes as there are processors; print those that fail."""
    parser = argparse.ArgumentParser(description="Lead drawn values through drawn pipelines.")
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    arguments = parser.parse_args()
    began = time.monotonic()
    starts = range(0, arguments.count, CHUNK)
    failed = []
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=context) as pool:
        seeds = {
            pool.submit(search, min(CHUNK, arguments.count - first), arguments.seed + number): (
                arguments.seed + number
            )
            for number, first in enumerate(starts)
        }
        for done in as_completed(seeds):
            if told := done.result():
                failed.append(seeds[done])
                print(f"=== seed {seeds[done]}\n{told}\n", flush=True)
    seconds = time.monotonic() - began
    print(f"{arguments.count} examples in {seconds:.0f} s, {len(failed)} of the seeds failed")
    if failed:
        print(f"failed seeds: {sorted(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
