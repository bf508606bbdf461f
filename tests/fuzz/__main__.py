# SPDX-License-Identifier: Apache-2.0
"""``python -m tests.fuzz --count 100000 [--seed 0]``: random byte strings as a soak test."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections import Counter
from typing import Any

from tests.fuzz.chunk import tell

CHUNK = 2000
LIMIT = 600
"""Seconds after which a chunk counts as hung; one takes a few."""


def main() -> int:
    """Run chunks, each in a process of its own; print what became of the rows, and bad seeds."""
    parser = argparse.ArgumentParser(description="Lead random byte strings through text stages.")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    arguments = parser.parse_args()
    began = time.monotonic()
    total, failures, slowest = Counter[str](), [], 0.0
    for number, first in enumerate(range(0, arguments.count, CHUNK)):
        seed, start = arguments.seed + number, time.monotonic()
        told = _in_a_process(seed, min(CHUNK, arguments.count - first))
        slowest = max(slowest, time.monotonic() - start)
        if isinstance(told, str):
            failures.append(seed)
            print(f"seed {seed}: {told}", flush=True)
        else:
            total.update(told)
    rows = ", ".join(f"{total[name]} {name}" for name in total)
    seconds = time.monotonic() - began
    print(
        f"{arguments.count} byte strings in {seconds:.0f} s (slowest chunk {slowest:.1f} s): {rows}"
    )
    if failures:
        print(f"failed seeds: {failures}")
    return 1 if failures else 0


def _in_a_process(seed: int, count: int) -> dict[str, int] | str:
    """What a chunk told; a sentence if it failed, crashed or hung."""
    context = multiprocessing.get_context("spawn")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=tell, args=(send, seed, count))
    process.start()
    send.close()
    try:
        told: Any = receive.recv() if receive.poll(LIMIT) else "hangs"
    except EOFError:
        process.join()
        told = f"crashed with exit code {process.exitcode}"
    process.kill()
    process.join()
    return told


if __name__ == "__main__":
    sys.exit(main())
