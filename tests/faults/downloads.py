# SPDX-License-Identifier: Apache-2.0
"""Kill downloads from a server that misbehaves: ``python tests/faults/downloads.py --seeds 50``.

Per seed the job runs until it is complete, against a server of which every second answer is an
error, cut off, silent or a lie; driver and workers are killed by SIGKILL at random moments of
download and extraction. Then downloads and output must be as an undisturbed run leaves them.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.faults.jobs import Left, problems, read
from tests.faults.soak import Outcome, outcome_of, soak
from tests.stages.text.download.server import Server, by_chance, tinystories

ROOT = Path(__file__).parents[2]
JOB = ROOT / "tests" / "faults" / "download_job.py"
SIZES = {"one.txt": 1500, "two.txt": 600, "three.txt": 20}
MOST_STARTS = 20
PATIENCE = 180.0


def served(rng: Random | None) -> Server:
    """A server of three files; one that misbehaves by chance if there is an ``rng``."""
    server = Server()
    for name, n in SIZES.items():
        server.url(f"/{name}", tinystories(n))
    server.trickle = 0.02
    if rng is not None:
        server.chance = by_chance(rng, len(server.files["/one.txt"]))
    return server


class Job:
    """One start of the job, in a session of its own."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.mark = f"JOB_MARK={os.getpid()}-{id(self)}-{time.monotonic_ns()}"
        name, _, value = self.mark.partition("=")
        self.process = subprocess.Popen(
            [sys.executable, str(JOB), server.base, str(folder)],
            env={**os.environ, "PYTHONPATH": str(ROOT), "NO_PROXY": "127.0.0.1", name: value},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def finish(self) -> str:
        return self.process.communicate(timeout=PATIENCE)[0]

    def workers(self) -> list[int]:
        found = []
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit() and int(folder.name) != self.process.pid:
                with contextlib.suppress(OSError):
                    if self.mark.encode() in (folder / "environ").read_bytes():
                        found.append(int(folder.name))
        return found


@dataclass
class Seed:
    """One run, from its first start to its end."""

    number: int
    folder: Path
    seconds: float
    histogram: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def run(self, reference: Left) -> Seed:
        rng = Random(self.number)
        folder = self.folder / f"seed-{self.number}"
        server = served(rng)
        try:
            self._until_complete(rng, server, folder)
        finally:
            server.close()
        if not self.problems:
            self.problems += problems(folder / "out", reference)
            for name in SIZES:
                if [path.read_bytes() for path in _downloads(folder, name)] != [
                    server.files[f"/{name}"]
                ]:
                    self.problems.append(f"the download {name} is not what was served")
            if left := _downloads(folder, "*.tmp"):
                self.problems.append(f"temporaries are left: {left}")
        shutil.rmtree(folder, ignore_errors=True)
        return self

    def _until_complete(self, rng: Random, server: Server, folder: Path) -> None:
        kills = rng.randint(2, 5)
        for start in range(MOST_STARTS):
            job = Job(server, folder)
            if start == 0 and self.number % 2 == 0:
                self._kill_in_a_download(job, folder)
            elif start < kills:
                self._disturb(rng, job, folder)
            said = job.finish()
            if job.process.returncode == 0:
                return
            if job.process.returncode != -signal.SIGKILL:
                self.problems.append(f"it ended with {job.process.returncode}: {said[-2000:]}")
                return
        self.problems.append(f"not complete after {MOST_STARTS} starts")

    def _kill_in_a_download(self, job: Job, folder: Path) -> None:
        """Whatever the machine's speed, one seed in two strikes before all files are there."""
        while job.process.poll() is None and not _downloads(folder, "*.t*"):
            time.sleep(0.005)
        stage = _stage(folder)
        if job.process.poll() is None:
            job.process.kill()
            self.histogram[f"driver: {stage}"] += 1

    def _disturb(self, rng: Random, job: Job, folder: Path) -> None:
        for _ in range(rng.randint(1, 3)):
            time.sleep(rng.random() * self.seconds)
            if job.process.poll() is not None:
                return
            workers = job.workers()
            if workers and rng.random() < 0.5:
                self.histogram[f"worker: {_stage(folder)}"] += 1
                with contextlib.suppress(ProcessLookupError):
                    os.kill(rng.choice(workers), signal.SIGKILL)
        self.histogram[f"driver: {_stage(folder)}"] += 1
        job.process.kill()


def _downloads(folder: Path, name: str) -> list[Path]:
    """The downloads of a name, which lie in a folder for their server."""
    return list((folder / "raw").rglob(name))


def _stage(folder: Path) -> str:
    if (folder / "out/_thresher/job/manifest.json").exists():
        return "complete"
    there = sum(bool(_downloads(folder, name)) for name in SIZES)
    if not (folder / "raw").exists():
        return "starting up"
    return "downloading" if there < len(SIZES) else "extracting"


def kill_seeds(first: int, n: int, at_once: int = 2) -> Outcome:
    """Run seeds; returns where kills hit, and the problems of every seed that has some."""
    folder = Path(tempfile.mkdtemp(prefix="thresher-downloads-"))
    server = served(None)
    try:
        began = time.monotonic()
        job = Job(server, folder / "undisturbed")
        said = job.finish()
        assert job.process.returncode == 0, said
        seconds = time.monotonic() - began
        reference = read(folder / "undisturbed" / "out")
        seeds = [Seed(number, folder, seconds) for number in range(first, first + n)]
        with ThreadPoolExecutor(at_once) as pool:
            done = list(pool.map(lambda seed: seed.run(reference), seeds))
    finally:
        server.close()
        shutil.rmtree(folder, ignore_errors=True)
    return outcome_of(done)


def main() -> int:
    """The command line."""
    return soak(
        "Kill downloads, resume them, and compare.",
        lambda chosen: kill_seeds(chosen.seed, chosen.seeds, chosen.at_once),
        lambda parser: parser.add_argument("--at-once", type=int, default=2),
    )


if __name__ == "__main__":
    sys.exit(main())
