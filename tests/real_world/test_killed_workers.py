# SPDX-License-Identifier: Apache-2.0
"""1.17: workers are killed from outside, again and again; no row is blamed that did nothing."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest

from thresher.backends.local import LocalExecutor
from thresher.pipeline import Pipeline
from thresher.runs.report import Observer
from thresher.stages.base import ProcessingStage
from thresher.stages.text.io import JsonlReader, JsonlWriter

pytestmark = pytest.mark.faults


class Slow(ProcessingStage[Any, Any]):
    """Takes a while, and dies of one text."""

    name = "slow"
    rows = "same"

    def inputs(self) -> tuple[list[str], list[str]]:
        return ["data"], ["text"]

    def process(self, task: Any) -> Any:
        time.sleep(0.2)
        if "poison" in task.data["text"].to_pylist():
            os.kill(os.getpid(), signal.SIGKILL)
        return task


class Killer(threading.Thread):
    """Kills a child of this process once in a while."""

    def __init__(self, every: float, seconds: float) -> None:
        super().__init__(daemon=True)
        self.every, self.until = every, time.monotonic() + seconds
        self.killed = 0
        self.over = threading.Event()

    def run(self) -> None:
        rng = Random(7)
        while not self.over.wait(self.every) and time.monotonic() < self.until:
            path = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
            children = [
                int(pid) for pid in path.read_text().split()
                if b"thresher" in Path(f"/proc/{pid}/cmdline").read_bytes()
            ]  # fmt: skip
            if children:
                os.kill(rng.choice(children), signal.SIGKILL)
                self.killed += 1


def test_workers_killed_once_a_second(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number in range(12):
        rows = [{"id": number * 10 + i, "text": "fine"} for i in range(10)]
        if number == 5:
            rows[3]["text"] = "poison"
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / "in" / f"{number}.jsonl").write_text(lines)
    stages = [JsonlReader(tmp_path / "in"), Slow(), JsonlWriter(tmp_path / "out")]
    pipeline = Pipeline("p", stages=stages, max_error_rate=1.0)
    killer = Killer(0.7, 40)
    killer.start()
    try:
        result = pipeline.run(LocalExecutor(workers=2), observer=Observer())
    finally:
        killer.over.set()
        killer.join()

    assert killer.killed >= 3
    written = [
        json.loads(line)["id"]
        for path in (tmp_path / "out").glob("*.jsonl")
        for line in path.read_text().splitlines()
    ]
    assert sorted(set(range(120)) - set(written)) == [53]
    assert len(written) == len(set(written))
    assert result.quarantined == 1
    assert result.status == "complete with failures"
