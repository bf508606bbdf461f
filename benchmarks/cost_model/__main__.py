# SPDX-License-Identifier: Apache-2.0
"""What the cost model predicts from a small trial, and what runs on one and two nodes take.

    python -m benchmarks.cost_model [--parts 40]

The nodes are emulated: a Ray cluster on this machine whose nodes have two logical CPUs each. Three
Steps of unequal cost wait in their workers; in the second pipeline the costliest may have a single
worker, so that a second node is of little use.
"""

from __future__ import annotations

import argparse
import shutil
import time
from pathlib import Path

from benchmarks import cache
from benchmarks.cost_model.emulated import NODE, cluster_of
from benchmarks.cost_model.work import pipeline, write_source
from thresher.backends.local import LocalExecutor
from thresher.backends.ray_actor_pool import RayActorPoolExecutor
from thresher.planning.cost.engines import ACTOR_POOL, ENGINES
from thresher.planning.cost.model import Prediction, predict
from thresher.planning.cost.rates import Rates, measured, records_of
from thresher.runs.report.figures import counted
from thresher.runs.report.observer import Observer

TRIAL_ROWS = 1_200


def main() -> None:
    """Print a line per pipeline and number of nodes for time, memory and bytes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", type=int, default=40)
    parts = parser.parse_args().parts
    folder = cache.folder("outputs", "cost_model")
    shutil.rmtree(folder)
    source = cache.folder("outputs", "cost_model", "source")
    write_source(source, parts)
    for limited in (False, True):
        print(
            f"\n{'one worker for the costliest step' if limited else 'all workers for all steps'}"
        )
        rates = _trial(source, folder / f"trial-{limited}", limited)
        for nodes in (1, 2):
            output = folder / f"out-{limited}-{nodes}"
            planned = pipeline(source, output, limited).plan().parts
            predicted = predict(rates, planned, NODE, nodes, ENGINES[ACTOR_POOL])
            _compare(predicted, *_run(source, output, limited, nodes))


def _trial(source: Path, output: Path, limited: bool) -> Rates:
    """Rates of the first rows, on the local executor."""
    trial = pipeline(source, output, limited)
    result = trial.run(LocalExecutor(workers=2), limit=TRIAL_ROWS, observer=Observer())
    rates = measured(trial.plan(), records_of(result.run_dir), result.run_dir)
    print(f"  measured from {rates.rows:,} rows in {rates.parts} parts")
    return rates


def _run(source: Path, output: Path, limited: bool, nodes: int) -> tuple[float, int, int]:
    """Seconds, bytes of memory, bytes of all objects made in the stores of the nodes."""
    with cluster_of(nodes) as cluster:
        start = time.perf_counter()
        with cluster.watched():
            pipeline(source, output, limited).run(RayActorPoolExecutor(), observer=Observer())
        return time.perf_counter() - start, cluster.memory, cluster.stored()


def _compare(predicted: Prediction, seconds: float, memory: int, stored: int) -> None:
    between = predicted.between_steps + predicted.between_nodes  # a copy on each node counts
    lines = (
        ("seconds", predicted.seconds, seconds, 1.0),
        ("MB of memory on a node", predicted.memory, memory, 1e6),
        ("MB in the object store", between, stored, 1e6),
    )
    print(f"  {counted(predicted.nodes, 'node')}; bottleneck: {predicted.bottleneck}")
    for what, foreseen, found, unit in lines:
        figures = f"{foreseen / unit:8.1f} predicted {found / unit:8.1f} measured"
        print(f"    {what:24} {figures} {foreseen / found - 1:+7.1%}")
    print(f"    foreseen between {predicted.low:.1f} and {predicted.high:.1f} s", flush=True)


if __name__ == "__main__":
    main()
