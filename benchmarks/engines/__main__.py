# SPDX-License-Identifier: Apache-2.0
"""Thresher and NeMo Curator on the same engines, with the same files and two CPUs.

    python -m benchmarks.engines [--mb 250] [--engine xenna] [--work "tiny tasks"]

Ten filters: processor seconds of all processes, less those of the same pipeline over as many files
of one document (shown), which starts as many workers; the documents kept must be the same. Tiny
tasks: 1,000 files of one document through five stages, and small files: 50 of 100 documents; wall
seconds of a first run once the cluster is up, of a second one, and of the whole program.
"""

import argparse
import json
import os
import shutil
import sys
from pathlib import Path

from benchmarks import cache, corpus, peers
from benchmarks.engines.cost import Cost, run

HERE = Path(__file__).parent
ENGINES = ("actor pool", "xenna", "ray data")
WORKS = ("ten filters", "tiny tasks", "small files")


class Side:
    """A program beside this file, and the interpreter that runs it."""

    def __init__(self, name: str, title: str, python: Path) -> None:
        self.name = name
        self.title = title
        self.python = python

    def run(self, engine: str, work: str, source: Path, runs: int = 1) -> Cost:
        """Run the program into an empty folder."""
        shutil.rmtree(self.output, ignore_errors=True)
        log = cache.folder("logs") / f"engines-{self.name}-{engine}-{work}.log".replace(" ", "-")
        program = HERE / f"{self.name}_side.py"
        command = [self.python, program, engine, work, source, self.output, str(runs)]
        path = f"{self.python.parent}:{os.environ['PATH']}"
        return run(command, log, {"PYTHONPATH": str(HERE.parents[1]), "PATH": path})

    @property
    def output(self) -> Path:
        """The folder that the program writes to."""
        return cache.folder("outputs", "engines", self.name) / "out"

    def kept(self) -> set[str]:
        """The ids of the rows that the first run kept."""
        lines = (line for p in (self.output / "0").glob("*.jsonl") for line in p.open())
        return {json.loads(line)["id"] for line in lines}


def main() -> int:
    """Measure, compare what was kept, print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mb", type=float, default=250)
    parser.add_argument("--engine", choices=ENGINES, action="append")
    parser.add_argument("--work", choices=WORKS, action="append")
    chosen = parser.parse_args()
    nemo = peers.NEMO_CURATOR
    sides = [
        Side("thresher", "thresher", Path(sys.executable)),
        Side("nemo", str(nemo), nemo.python()),
    ]
    for work in chosen.work or WORKS:
        for engine in chosen.engine or ENGINES:
            measure = _filters if work == "ten filters" else _latency
            measure(sides, engine, work, chosen.mb)
    return 0


def _filters(sides: list[Side], engine: str, work: str, mb: float) -> None:
    source, single = corpus.jsonl(mb, 8), corpus.small_files(files=8, documents=1)
    net, kept = [], []
    for side in sides:
        empty = side.run(engine, work, single)
        cost = side.run(engine, work, source)
        net.append(cost.cpu_s - empty.cpu_s)
        kept.append(side.kept())
        print(
            f"{work}, {mb:g} MB  {engine:11} {side.title:20} {cost.cpu_s:8.1f} CPU s, empty "
            f"{empty.cpu_s:5.1f}, net {net[-1]:7.2f}; {cost.wall_s:6.1f} s; kept {len(kept[-1]):,}",
            flush=True,
        )
    print(f"    {net[1] / net[0]:.1f}x less; {len(kept[0] ^ kept[1])} rows differ", flush=True)


def _latency(sides: list[Side], engine: str, work: str, _: float) -> None:
    tiny = work == "tiny tasks"
    source = corpus.small_files(files=1000 if tiny else 50, documents=1 if tiny else 100)
    costs = []
    for side in sides:
        cost = side.run(engine, work, source, runs=2)
        costs.append(cost)
        whole = cost.wall_s - cost.runs_s[1]  # what a program of one run takes
        print(
            f"{work:20} {engine:11} {side.title:20} {cost.runs_s[0]:6.2f} s once the cluster is "
            f"up, again {cost.runs_s[1]:6.2f} s, from process start {whole:6.2f} s",
            flush=True,
        )
    first, again = (costs[1].runs_s[k] / costs[0].runs_s[k] for k in (0, 1))
    print(f"    {first:.1f}x sooner, again {again:.1f}x", flush=True)


if __name__ == "__main__":
    sys.exit(main())
