# SPDX-License-Identifier: Apache-2.0
"""Whole-process seconds of a first pipeline: 50 files, 5,000 documents; one filter, all presets.

"First ever" has an empty cache of compiled kernels before every run; "with caches" has them.
"Import" is ``import thresher`` alone, less an empty interpreter.
"""

import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks import cache, corpus, measure

RUNS = 5
COMPILING_SECONDS = 10
"""In which kernels are ready that the run before had compiled for later, and did not wait for."""

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def main() -> None:
    """Print the medians."""
    source = corpus.small_files(files=50, documents=100)
    for program in ("program", "presets"):
        for title, cold in (("first ever", True), ("with caches", False)):
            costs = [_run(program, source, cold=cold) for _ in range(RUNS + (not cold))][-RUNS:]
            cost = measure.median(costs)
            print(
                f"{program:<8} {title:<12} {cost.wall_s:6.2f} s wall {cost.cpu_s:6.2f} s CPU",
                flush=True,
            )
    imported = _seconds("import thresher") - _seconds("pass")
    print(f"{'import':<12} {imported * 1000:6.1f} ms")


def _run(program: str, source: Path, *, cold: bool) -> measure.Cost:
    output = cache.folder("outputs", "start_up")
    kernels = cache.folder("kernels")
    shutil.rmtree(output)
    if cold:
        time.sleep(COMPILING_SECONDS)
        shutil.rmtree(kernels)
    log = cache.folder("logs") / "start_up.log"
    command = [sys.executable, HERE / f"{program}.py", source, output]
    return measure.run(command, log, PYTHONPATH=str(ROOT), NUMBA_CACHE_DIR=str(kernels))


def _seconds(code: str) -> float:
    took = []
    for _ in range(RUNS):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
        took.append(time.perf_counter() - start)
    return statistics.median(took)


if __name__ == "__main__":
    main()
