# SPDX-License-Identifier: Apache-2.0
"""The same pipeline gives the same bytes, ledger and quarantine on every executor."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.engines.executors import ENGINES, EXECUTORS
from tests.engines.pipelines import CASES, Case
from tests.toys import quarantined, read_output, run_quietly
from thresher.backends.executor import BaseExecutor
from thresher.backends.local import LocalExecutor

pytestmark = [
    pytest.mark.engine,
    pytest.mark.usefixtures("cluster"),
    pytest.mark.filterwarnings("ignore"),
]


def told(case: Case, folder: Path, name: str, executor: BaseExecutor) -> dict[str, Any]:
    """What a run leaves behind, without what differs from run to run."""
    output = folder / name
    result = run_quietly(case.pipeline(folder / "in", output), executor)
    manifest = json.loads((Path(result.run_dir) / "manifest.json").read_text())
    return {
        "status": result.status,
        "files": read_output(output),
        "counts": [
            {k: v for k, v in vars(counts).items() if "seconds" not in k}
            for counts in result.counts
        ],
        "quarantine": sorted(json.dumps(entry, sort_keys=True) for entry in quarantined(result)),
        "manifest files": sorted(json.dumps(file, sort_keys=True) for file in manifest["files"]),
    }


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, dict[str, Any]]]:
    """Every case on LocalExecutor."""
    found = {}
    for name, case in CASES.items():
        folder = tmp_path_factory.mktemp("case")
        found[name] = (folder, told(case, folder, "local", LocalExecutor(workers=2)))
    return found


RUNS = [(name, engine) for name in CASES for engine in EXECUTORS]
RUNS.remove(("poison", "ray data"))  # see test_faults.test_a_row_that_kills_ray_datas_own_worker
RUNS.append(("linear", "xenna batch"))


@pytest.mark.parametrize(("name", "engine"), RUNS)
def test_every_case(name: str, engine: str, expected: Any) -> None:
    folder, local = expected[name]
    found = told(CASES[name], folder, engine.replace(" ", "-"), ENGINES[engine]())
    assert found == local
