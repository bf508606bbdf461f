# SPDX-License-Identifier: Apache-2.0
"""Kill drivers that share a run: ``python tests/faults/shards.py --seeds 20 [--seed 0]``.

Per seed two to four shards of one run are started at once. Random ones are killed at random
moments, and some kill themselves at a marked point of a commit or of the publication; each that
has ended is started again until all say that the run is complete. Then everything must be as one
undisturbed driver leaves it.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.faults.jobs import Job, Left, copy_corpus, read, what_differs
from tests.faults.soak import Outcome, outcome_of, soak
from thresher.runs.balance import unbalanced
from thresher.runs.final_run import FINAL
from thresher.runs.ledger import Ledger
from thresher.storage import store_for

POINTS = (
    "before-append", "after-append", "after-publish", "before-seal", "mid-seal", "after-seal",
)  # fmt: skip
AGAIN = 75
MOST_STARTS = 40


@dataclass
class Seed:
    """One shared run, from its first start to its end."""

    number: int
    folder: Path
    source: Path
    seconds: float
    histogram: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def run(self, reference: Left) -> Seed:
        """Start, kill, start again, until it is complete; then compare."""
        self.rng = Random(self.number)
        self.output = self.folder / f"seed-{self.number}"
        self.n = self.rng.randint(2, 4)
        self.kills = self.rng.randint(1, 2 * self.n)
        self.moments: dict[int, float] = {}
        jobs = {shard: self._start(shard) for shard in range(self.n)}
        complete: set[int] = set()
        starts = self.n
        while len(complete) < self.n and not self.problems:
            time.sleep(0.02)
            for shard, job in list(jobs.items()):
                if job.alive():
                    self._kill_if_due(shard, job)
                elif self._ended(shard, job):
                    complete.add(shard)
                    del jobs[shard]
                else:
                    starts += 1
                    jobs[shard] = self._start(shard)
            if starts > MOST_STARTS:
                self.problems.append(f"not complete after {MOST_STARTS} starts")
        for job in jobs.values():
            if job.alive():
                job.kill()
        if not self.problems:
            self.problems += shared_problems(self.output, reference, self.n)
            shutil.rmtree(self.output)
        return self

    def _start(self, shard: int) -> Job:
        settings = {"JOB_SHARD": f"{shard}/{self.n}", "JOB_WAIT": str(self.rng.choice((0, 1, 20)))}
        settings["JOB_WORKERS"] = "0"
        self.moments.pop(shard, None)
        if self.kills > 0 and self.rng.random() < 0.7:
            self.kills -= 1
            if self.rng.random() < 0.5:
                point = self.rng.choice(POINTS)
                settings["THRESHER_CRASH_AT"] = f"{point}:{self.rng.randint(1, 2)}"
            else:
                self.moments[shard] = time.monotonic() + self.rng.random() * self.seconds
        return Job(self.output, self.source, settings)

    def _kill_if_due(self, shard: int, job: Job) -> None:
        if time.monotonic() > self.moments.get(shard, float("inf")):
            job.process.kill()
            self.histogram["killed at a moment"] += 1
            del self.moments[shard]

    def _ended(self, shard: int, job: Job) -> bool:
        """Whether it says that the run is complete."""
        said = job.finish()
        code = job.process.returncode
        point = job.settings.get("THRESHER_CRASH_AT", "").partition(":")[0]
        if code == -9 and point:
            self.histogram[f"killed {point}"] += 1
        self.histogram[f"ended with {code}"] += 1
        if code not in (0, AGAIN, -9):
            self.problems.append(f"shard {shard} ended with {code}: {said[-2000:]}")
        return code == 0


def shared_problems(output: Path, reference: Left, n: int) -> list[str]:
    """What is not as one undisturbed driver leaves it; empty if all is well."""
    found = what_differs(output, reference)
    ledger = output / "_thresher" / "job" / "ledger"
    committed: Counter[str] = Counter()
    for shard in range(n):
        for page in sorted((ledger / str(shard)).glob("[0-9]*.json")):
            values = json.loads(page.read_text())
            committed.update(record["name"] for record in values.get("records", ()))
            committed.subtract(name for _, name in values.get("gone", ()))
    found += [
        f"{name} was committed {times} times" for name, times in committed.items() if times != 1
    ]
    final = Ledger(store_for(str(ledger)), str(ledger / FINAL)).load()
    if sorted(name for _, name in final.records) != sorted(committed):
        found.append("the final chain has not the records of the shards")
    found += [p for record in final.records.values() for p in unbalanced(record.counts)]
    if final.sealed != 1 or final.fresh:
        found.append("the generation is not sealed")
    return found


def kill_seeds(first: int, n: int) -> Outcome:
    """Run seeds; returns what befell them, and the problems of every seed that has some."""
    folder = Path(tempfile.mkdtemp(prefix="thresher-shards-"))
    try:
        source = copy_corpus(folder / "input")
        alone = Job(folder / "alone", source, {"JOB_WORKERS": "0"})
        began = time.monotonic()
        said = alone.finish()
        assert alone.process.returncode == 0, said
        seconds = time.monotonic() - began
        reference = read(folder / "alone")
        done = [Seed(k, folder, source, seconds).run(reference) for k in range(first, first + n)]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return outcome_of(done)


def main() -> int:
    """The command line."""
    return soak(
        "Kill drivers that share a run, and compare.",
        lambda chosen: kill_seeds(chosen.seed, chosen.seeds),
    )


if __name__ == "__main__":
    sys.exit(main())
