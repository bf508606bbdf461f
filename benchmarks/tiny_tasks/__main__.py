# SPDX-License-Identifier: Apache-2.0
"""What a task costs beside its work: 1,000 tiny tasks, three Steps, every one committed."""

import shutil
import sys
from pathlib import Path

from benchmarks import cache, measure

RUNS = 5
TASKS = 1_000
HERE = Path(__file__).parent


def main() -> None:
    """Print the median milliseconds per task, start-up taken off."""
    start_up, whole = (measure.median([_run(n) for _ in range(RUNS)]) for n in (1, TASKS))
    wall = (whole.wall_s - start_up.wall_s) / TASKS * 1000
    cpu = (whole.cpu_s - start_up.cpu_s) / TASKS * 1000
    print(f"start-up {start_up.wall_s:.2f} s; {wall:.2f} ms wall, {cpu:.2f} ms CPU per task")


def _run(n_tasks: int) -> measure.Cost:
    folder = cache.folder("outputs", "tiny_tasks")
    shutil.rmtree(folder)
    log = cache.folder("logs") / "tiny_tasks.log"
    command = [sys.executable, HERE / "program.py", str(n_tasks), folder]
    return measure.run(command, log, PYTHONPATH=str(HERE.parents[1]))


if __name__ == "__main__":
    main()
