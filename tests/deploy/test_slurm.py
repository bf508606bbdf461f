# SPDX-License-Identifier: Apache-2.0
"""deploy/slurm on a real Slurm: an array makes what one driver makes."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.slurm_here import is_here, said, slurm, wait_for_jobs
from tests.faults.jobs import read

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    if not is_here():
        (pytest.fail if os.environ.get("THRESHER_CI") else pytest.skip)(
            "needs root and Debian's slurmctld, slurmd, slurm-client, munge"
        )
    folder = Path(tempfile.mkdtemp(prefix="sl-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def environment(place: Path) -> Iterator[dict[str, str]]:
    folder = place / "slurm"
    folder.mkdir()
    thresher = str(Path(sys.executable).parent / "thresher")
    with slurm(folder) as found:
        yield {**found, "THRESHER": thresher, "THRESHER_WAIT": "0", "THRESHER_LATER": "now+2"}


def recipe(place: Path, name: str) -> Path:
    path = place / f"{name}.yaml"
    path.write_text(
        "name: job\nmax_error_rate: 0.05\nstages:\n"
        f"  - JsonlReader: {{file_paths: {ROOT}/examples/corpus/ar, blocksize: 96KB}}\n"
        "  - WordCountFilter: {min_words: 40}\n"
        f"  - JsonlWriter: {{path: {place}/{name}}}\n"
    )
    return path


def test_an_array_and_a_retry(place: Path, environment: dict[str, str]) -> None:
    one, many = recipe(place, "one"), recipe(place, "many")
    thresher = environment["THRESHER"]
    told = said(environment, thresher, "run", str(one), "--workers", "0", "--quiet")
    logs = f"--output={place}/%A_%a.log"
    script = str(ROOT / "deploy" / "slurm" / "array.sbatch")
    # One shard first: it waits for nobody and goes back into the queue; then its job is cancelled.
    only = {**environment, "THRESHER_SLURM_ARRAY_TOTAL_SHARDS": "3", "THRESHER_LATER": "now+600"}
    told += said(only, "sbatch", "--wait-all-nodes=0", "--array=1", logs, script, str(many))
    run_dir = place / "many" / "_thresher" / "job"
    for _ in range(600):
        if (run_dir / "done" / "1" / "0" / "1").exists():
            break
        said(environment, "sleep", "0.1")
    assert not (run_dir / "manifest.json").exists()
    said(environment, "scancel", "-u", "root")
    wait_for_jobs(environment)
    again = {**environment, "SBATCH_OUTPUT": f"{place}/%A_%a.log"}
    told += said(again, str(ROOT / "deploy" / "slurm" / "retry.sh"), str(run_dir), str(many))
    for array in ("shards 0 of 3, counted from 0", "shards 0 of 3, counted from 2"):
        assert array in told, told  # this Slurm takes no index above 1
    wait_for_jobs(environment)
    told += "".join(log.read_text() for log in sorted(place.glob("*.log")))
    assert (run_dir / "manifest.json").exists(), told
    assert read(place / "many") == read(place / "one"), told
