# SPDX-License-Identifier: Apache-2.0
"""Kill real processes: ``python tests/faults/kill.py --seeds 200 [--seed 0]``.

Per seed the job runs until it is complete, killed on the way once to three times: workers and
driver by SIGKILL at random moments, and for two seeds in five the driver, or its workers, inside a
commit window. Then everything must be as an undisturbed run leaves it.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.faults.jobs import Job, Left, committed_parts, copy_corpus, problems, read
from tests.faults.soak import Outcome, outcome_of, soak

POINTS = (
    "before-append", "after-append", "after-publish", "before-seal", "mid-seal", "after-seal",
    "before-write", "after-write",
)  # fmt: skip
WORKER_POINTS = ("before-write", "after-write")
MOST_STARTS = 12


@dataclass
class Seed:
    """One run, from its first start to its end."""

    number: int
    folder: Path
    source: Path
    seconds: float
    histogram: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def run(self, reference: Left) -> Seed:
        """Start, kill, start again, until it is complete; then compare."""
        rng = Random(self.number)
        output = self.folder / f"seed-{self.number}"
        kills = rng.randint(1, 3)
        for start in range(MOST_STARTS):
            if start >= kills:
                job = Job(output, self.source)
            elif start == 0 and self.number % 5 < 2:
                job = self._crash_at_a_point(rng, output)
            else:
                job = self._kill_at_random(rng, output, reference)
            said = job.finish()
            if orphans := job.orphans():
                self.problems.append(f"workers {orphans} outlive their driver")
            if job.process.returncode == 0:
                break
            if job.process.returncode != -9:
                self.problems.append(f"it ended with {job.process.returncode}: {said[-2000:]}")
                return self
        else:
            self.problems.append(f"not complete after {MOST_STARTS} starts")
            return self
        self.problems += problems(output, reference)
        shutil.rmtree(output)
        return self

    def _crash_at_a_point(self, rng: Random, output: Path) -> Job:
        """The driver kills itself in a commit window, or every worker does."""
        point = rng.choice(POINTS)
        if point in WORKER_POINTS:
            count = rng.randint(12, 18)  # every worker dies when it has written some files
        else:
            count = 1 if point.endswith("seal") else rng.randint(1, 3)
        job = Job(output, self.source, {"THRESHER_CRASH_AT": f"{point}:{count}"})
        job.process.wait(timeout=120)
        self.histogram[f"commit window: {point}"] += 1
        return job

    def _kill_at_random(self, rng: Random, output: Path, reference: Left) -> Job:
        job = Job(output, self.source)
        moments = sorted(rng.random() * self.seconds for _ in range(rng.randint(1, 3)))
        began = time.monotonic()
        for index, moment in enumerate(moments):
            time.sleep(max(0.0, began + moment - time.monotonic()))
            if not job.alive():
                break
            if index == len(moments) - 1 and rng.random() < 0.8:
                self.histogram[f"driver: {_progress(output, reference)}"] += 1
                job.process.kill()
            elif job.kill_worker(rng.randrange(8)):
                self.histogram[f"worker: {_progress(output, reference)}"] += 1
        return job


def _progress(output: Path, reference: Left) -> str:
    if (output / "_thresher" / "job" / "manifest.json").exists():
        return "manifest written"
    done = committed_parts(output)
    parts = int(str(reference.manifest["parts"]))
    if not (output / "_thresher").exists():
        return "starting up"
    return f"{done * 4 // parts * 25:3d}% committed" if done else "nothing committed"


def kill_seeds(first: int, n: int, at_once: int = 2) -> Outcome:
    """Run seeds; returns where kills hit, and the problems of every seed that has some."""
    folder = Path(tempfile.mkdtemp(prefix="thresher-faults-"))
    try:
        source = copy_corpus(folder / "input")
        undisturbed = Job(folder / "undisturbed", source)
        began = time.monotonic()
        said = undisturbed.finish()
        seconds = time.monotonic() - began
        assert undisturbed.process.returncode == 0, said
        reference = read(folder / "undisturbed")
        seeds = [Seed(number, folder, source, seconds) for number in range(first, first + n)]
        with ThreadPoolExecutor(at_once) as pool:
            done = list(pool.map(lambda seed: seed.run(reference), seeds))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return outcome_of(done)


def main() -> int:
    """The command line."""
    return soak(
        "Kill a real run, resume it, and compare.",
        lambda chosen: kill_seeds(chosen.seed, chosen.seeds, chosen.at_once),
        lambda parser: parser.add_argument("--at-once", type=int, default=2),
    )


if __name__ == "__main__":
    sys.exit(main())
