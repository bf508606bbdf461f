# SPDX-License-Identifier: Apache-2.0
"""Peak memory of all processes (PSS and shared-memory files) on one file of 2 and of 4 GB."""

import shutil
import sys
from pathlib import Path

from benchmarks import cache, corpus, measure

HERE = Path(__file__).parent
SIZES_MB = (2_000, 4_000)
KINDS = ("threads", "processes", "steps")


def main() -> None:
    """Print a line per kind of pipeline and size."""
    for kind in KINDS:
        for size in SIZES_MB:
            cost = _run(kind, corpus.jsonl(size))
            print(
                f"{kind:<10} {size:>5} MB: peak {cost.peak_mb:6.0f} MB, "
                f"{cost.wall_s:5.1f} s wall, {cost.cpu_s:5.1f} s CPU",
                flush=True,
            )


def _run(kind: str, source: Path) -> measure.Cost:
    output = cache.folder("outputs", "memory")
    shutil.rmtree(output)
    log = cache.folder("logs") / "memory.log"
    command = [sys.executable, HERE / "program.py", source, output, kind]
    cost = measure.run(command, log, PYTHONPATH=str(HERE.parents[1]))
    shutil.rmtree(output)
    return cost


if __name__ == "__main__":
    main()
