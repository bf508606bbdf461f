# SPDX-License-Identifier: Apache-2.0
"""A driver whose metrics others watch: runs a pipeline, tells its run directory, and waits.

    python tests/metrics/driver.py FOLDER [RAY_TEMP_DIR]

With a second argument on a Ray cluster that it starts there.
"""

import os
import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests import toys
from thresher.backends.executor import BaseExecutor
from thresher.metrics.discovery import register
from thresher.pipeline import Pipeline
from thresher.stages.text.io import JsonlReader, JsonlWriter


def executor_on(temp_dir: str | None) -> BaseExecutor:
    """Local, or on Ray."""
    if temp_dir is None:
        from thresher.backends.local import LocalExecutor

        return LocalExecutor(workers=2)
    import ray

    from thresher.backends.ray_actor_pool import RayActorPoolExecutor

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    ray.init(
        address="local",
        num_cpus=2,
        _temp_dir=temp_dir,
        include_dashboard=True,  # it is what lists the endpoints
        dashboard_port=port,
        object_store_memory=80_000_000,
        log_to_driver=False,
        configure_logging=False,
    )
    assert register(temp_dir, os.environ["THRESHER_METRICS_DIR"])
    return RayActorPoolExecutor()


def main(folder: Path, temp_dir: str | None = None) -> None:
    """One run in which everything happens that a dashboard shows."""
    toys.write_input(folder / "in", 30, 10)
    stages = [
        JsonlReader(str(folder / "in")),
        toys.KeepEven(),
        toys.Sleep(0.3),
        toys.RaiseOn(range(0, 300, 20)),
        toys.DieOn(44),
        JsonlWriter(str(folder / "out")),
    ]
    pipeline = Pipeline("watched", stages=stages, max_error_rate=1)
    result = toys.run_quietly(pipeline, executor_on(temp_dir))
    print(result.run_dir, flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
