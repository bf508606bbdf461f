# SPDX-License-Identifier: Apache-2.0
"""Disturb runs on engines: ``python tests/faults/engines.py --seeds 100 [--engine xenna]``.

All runs share one cluster of three nodes. Per seed and engine the driver is killed, a worker is
killed, or a node is removed, each once a random part of the run is committed; a driver that was
killed is started again. Then everything must be as LocalExecutor leaves it.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.engines.executors import ENGINES
from tests.faults.jobs import ROOT, Job, Left, committed_parts, problems, read
from tests.faults.ray_nodes import RayNodes, three_nodes
from tests.faults.soak import Outcome, soak

SCRIPT = Path(__file__).with_name("engine_job.py")
FAULTS = ("driver killed", "worker killed", "node removed")


class Faults:
    """Runs that are disturbed, on one cluster.

    Parameters
    ----------
    folder : Path
        For input and output.
    """

    def __init__(self, nodes: RayNodes, folder: Path) -> None:
        self.nodes = nodes
        self.folder = folder
        self.source = folder / "input"
        for language in ("en", "ar"):
            shutil.copytree(ROOT / "examples" / "corpus" / language, self.source / language)
        job = Job(folder / "local", self.source, {"JOB_SLOW": "0"}, script=SCRIPT)
        said = job.finish()
        assert job.process.returncode == 0, said
        self.reference: Left = read(folder / "local")
        self.parts = int(str(self.reference.manifest["parts"]))

    def run(self, engine: str, seed: int) -> tuple[str, list[str]]:
        """One run: what befell it, and what is wrong with what it left."""
        rng = Random(seed)
        fault = FAULTS[seed % len(FAULTS)]
        output = self.folder / f"{engine.replace(' ', '-')}-{seed}"
        settings = {**self.nodes.environment, "JOB_ENGINE": engine}
        job = Job(output, self.source, settings, script=SCRIPT)
        when = rng.randint(1, self.parts // 2)
        while job.alive() and committed_parts(output) < when:
            time.sleep(0.02)
        struck = job.alive() and self._strike(fault, rng, job)
        said = job.finish()
        if fault == "driver killed" and struck:
            job = Job(output, self.source, settings, script=SCRIPT)
            said = job.finish()
        self.nodes.restore()
        if job.process.returncode != 0:
            return fault, [f"it ended with {job.process.returncode}: {said[-3000:]}"]
        found = problems(output, self.reference)
        shutil.rmtree(output)
        return fault if struck else f"{fault}: too late", found

    def _strike(self, fault: str, rng: Random, job: Job) -> bool:
        if fault == "driver killed":
            job.process.kill()
            return True
        if fault == "worker killed":
            return self.nodes.kill_a_worker(rng)
        self.nodes.remove_a_node(rng)
        return True


def disturb(runs: Iterable[tuple[int, str]]) -> Outcome:
    """Run seeds on engines; what befell them, and the problems of every run that has some."""
    histogram: Counter[str] = Counter()
    failed: dict[object, Sequence[str]] = {}
    folder = Path(tempfile.mkdtemp(prefix="thresher-engines-"))
    try:
        with three_nodes(cpus=1) as nodes:
            faults = Faults(nodes, folder)
            for seed, engine in runs:
                began = time.monotonic()
                fault, found = faults.run(engine, seed)
                histogram[f"{engine}: {fault}"] += 1
                took = time.monotonic() - began
                print(f"seed {seed}, {engine}: {fault}, {took:.1f} s", *found, flush=True)
                if found:
                    failed[f"{engine}, seed {seed}"] = found
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return histogram, failed


def main() -> int:
    """The command line."""
    return soak(
        "Disturb runs on engines, and compare.",
        lambda chosen: disturb(
            product(range(chosen.seed, chosen.seed + chosen.seeds), chosen.engine or list(ENGINES))
        ),
        lambda parser: parser.add_argument("--engine", choices=list(ENGINES), action="append"),
        seeds=6,
    )


if __name__ == "__main__":
    sys.exit(main())
