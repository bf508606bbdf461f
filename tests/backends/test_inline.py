# SPDX-License-Identifier: Apache-2.0
"""Without workers: the calling thread itself, which rests while there is nothing to do."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests import toys
from thresher.backends.local import LocalExecutor
from thresher.errors import StorageError
from thresher.pipeline import Pipeline
from thresher.stages.base import ProcessingStage
from thresher.stages.text.io import JsonlReader, JsonlWriter


class FailsOnce(ProcessingStage[Any, Any]):
    """The storage fails it once."""

    name = "fails_once"

    def __init__(self, flag: Path) -> None:
        self.flag = flag

    def inputs(self) -> tuple[list[str], list[str]]:
        return ["data"], []

    def process(self, task: Any) -> Any:
        if self.flag.exists():
            self.flag.unlink()
            raise StorageError("input/output error", where="somewhere")
        return task


def test_a_pause_takes_no_processor_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thresher.backends.driver.STORAGE_PAUSE", 2.0)
    toys.write_input(tmp_path / "in", 1, 3)
    flag = tmp_path / "flag"
    flag.touch()
    around = JsonlReader(str(tmp_path / "in")), JsonlWriter(str(tmp_path / "out"))
    pipeline = Pipeline("p", stages=[around[0], FailsOnce(flag), around[1]])

    wall, busy = time.monotonic(), time.process_time()
    assert toys.run_quietly(pipeline, LocalExecutor(workers=0)).status == "complete"
    assert time.monotonic() - wall > 2.0
    assert time.process_time() - busy < 0.9
