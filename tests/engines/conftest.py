# SPDX-License-Identifier: Apache-2.0
"""One cluster for all tests of this folder: starting one takes ten seconds."""

import os
import shutil
import tempfile
from collections.abc import Iterator

import pytest

from thresher.backends.ray.cluster import engine, quietly
from thresher.backends.ray.leave import HOOK
from thresher.core.client.environment import ray_environment


@pytest.fixture(scope="session")
def cluster() -> Iterator[None]:
    """Four logical CPUs on this machine; executors use it, as they find it connected."""
    os.environ.update(ray_environment(spill=True))
    ray = engine("ray")
    folder = tempfile.mkdtemp(prefix="thr-", dir="/tmp")
    with quietly():
        ray.init(
            num_cpus=4,
            include_dashboard=True,
            object_store_memory=500_000_000,
            log_to_driver=False,
            configure_logging=False,
            runtime_env={"worker_process_setup_hook": HOOK},
            _temp_dir=folder,
        )
        yield
        ray.shutdown()
    shutil.rmtree(folder, ignore_errors=True)
