# SPDX-License-Identifier: Apache-2.0
"""The same promises where several drivers share a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.dataset
import pytest

from thresher.backends.local import LocalExecutor
from thresher.errors import StageError
from thresher.pipeline import Pipeline, RunResult
from thresher.runs.report import Observer
from thresher.stages.base import ProcessingStage
from thresher.stages.checkpoint import Checkpoint
from thresher.stages.text.io import JsonlReader, JsonlWriter, ParquetWriter

N = 3


class Touchy(ProcessingStage[Any, Any]):
    """Raises on some texts, until there is a key."""

    name = "touchy"

    def __init__(self, key: Path, text: str) -> None:
        self.key, self.text = key, text

    def inputs(self) -> tuple[list[str], list[str]]:
        return ["data"], ["text"]

    def outputs(self) -> tuple[list[str], list[str]]:
        return ["data"], ["text"]

    def process(self, task: Any) -> Any:
        bad = any(self.text in text for text in task.data["text"].to_pylist())
        if bad and not self.key.exists():
            raise RuntimeError("there is no key")
        return task


def write(folder: Path, rows: list[list[dict[str, Any]]]) -> None:
    (folder / "in").mkdir()
    for number, each in enumerate(rows):
        lines = "".join(json.dumps(row) + "\n" for row in each)
        (folder / "in" / f"{number:02d}.jsonl").write_text(lines)


def run_all(pipeline: Pipeline, **how: Any) -> list[RunResult]:
    """One call of each driver, one after another; the last publishes, the first comes again."""
    return [
        pipeline.run(LocalExecutor(workers=0), shard=(index, N), wait=0, observer=Observer(), **how)
        for index in (*range(N), 0)
    ]


def test_one_schema_over_all_shards(tmp_path: Path) -> None:
    values = [[1, 2], ["x"], [0.5], [None], [[1]], [7], [8], [9]]
    write(tmp_path, [[{"id": n, "v": v} for v in each] for n, each in enumerate(values)])
    stages = [JsonlReader(tmp_path / "in"), ParquetWriter(tmp_path / "out")]
    pipeline = Pipeline("p", stages=stages)

    statuses = [result.status for result in run_all(pipeline)]
    assert statuses == ["waiting", "waiting", "complete", "nothing to do"]
    table = pyarrow.dataset.dataset(
        sorted(map(str, (tmp_path / "out").glob("*.parquet")))
    ).to_table()
    assert [None if v is None else json.loads(v) for v in table["v"].to_pylist()] == [
        v for each in values for v in each
    ]
    files = {path.name: path.read_bytes() for path in (tmp_path / "out").glob("*.parquet")}
    assert {result.status for result in run_all(pipeline)} == {"nothing to do"}

    # Another file makes another generation; the others are not done again.
    (tmp_path / "in" / "99.jsonl").write_text('{"id":99,"v":1}\n')
    assert [result.status for result in run_all(pipeline)][-1] in ("complete", "nothing to do")
    for name, data in files.items():
        assert (tmp_path / "out" / name).read_bytes() == data
    one = Pipeline("one", stages=[JsonlReader(tmp_path / "in"), ParquetWriter(tmp_path / "one")])
    one.run(LocalExecutor(workers=0), observer=Observer())
    for path in (tmp_path / "one").glob("*.parquet"):
        assert path.read_bytes() == (tmp_path / "out" / path.name).read_bytes()


def test_what_failed_is_tried_again(tmp_path: Path) -> None:
    write(tmp_path, [[{"text": f"text {n}"}] for n in range(9)])
    touchy = Touchy(tmp_path / "key", "text 4")
    stages = [JsonlReader(tmp_path / "in"), touchy, JsonlWriter(tmp_path / "out")]
    pipeline = Pipeline("p", stages=stages, max_error_rate=1.0)

    last = run_all(pipeline)[-1]
    assert last.status == "complete with failures"
    assert [failure.part for failure in last.failures] == ["04.jsonl"]
    assert last.quarantined == 1
    (tmp_path / "key").touch()
    last = run_all(pipeline)[-1]
    assert (last.status, last.failures, last.quarantined) == ("nothing to do", (), 0)
    assert len(list((tmp_path / "out").glob("*.jsonl"))) == 9


def test_attempts_are_bounded(tmp_path: Path) -> None:
    write(tmp_path, [[{"text": f"text {n}"}] for n in range(4)])
    touchy = Touchy(tmp_path / "key", "text 2")
    stages = [JsonlReader(tmp_path / "in"), touchy, JsonlWriter(tmp_path / "out")]
    pipeline = Pipeline("p", stages=stages, max_error_rate=1.0)

    attempts = [run_all(pipeline)[-1].failures[0].attempts for _ in range(5)]
    assert attempts == sorted(attempts)
    assert attempts[-1] == attempts[-2] == 4
    (tmp_path / "key").touch()
    assert run_all(pipeline)[-1].failures[0].attempts == 4
    assert run_all(pipeline, retry_failed="all")[-1].failures == ()


def test_all_shards_failed(tmp_path: Path) -> None:
    write(tmp_path, [[{"text": f"text {n}"}] for n in range(4)])
    touchy = Touchy(tmp_path / "key", "text")
    stages = [JsonlReader(tmp_path / "in"), touchy, JsonlWriter(tmp_path / "out")]
    pipeline = Pipeline("p", stages=stages, max_error_rate=1.0)

    with pytest.raises(StageError, match=r"all 4 parts failed; most often: .*there is no key"):
        run_all(pipeline)
    (tmp_path / "key").touch()
    # The first driver may publish before the others have tried again what failed.
    assert "nothing to do" in [run_all(pipeline)[-1].status for _ in range(3)]
    assert len(list((tmp_path / "out").glob("*.jsonl"))) == 4


def test_a_call_that_waits_uses_up_no_attempt(tmp_path: Path) -> None:
    write(tmp_path, [[{"text": f"text {n}"}] for n in range(9)])
    touchy = Touchy(tmp_path / "key", "text 4")
    stages = [JsonlReader(tmp_path / "in"), touchy, JsonlWriter(tmp_path / "out")]
    pipeline = Pipeline("p", stages=stages, max_error_rate=1.0)

    for index in (0, 1, 2):  # whoever has the part
        for _ in range(5):
            executor, silent = LocalExecutor(workers=0), Observer()
            last = pipeline.run(executor, shard=(index, N), wait=0, observer=silent)
            if index == N - 1:
                break
            assert last.status == "waiting"
    assert [failure.attempts for failure in last.failures] == [1]


@pytest.mark.parametrize("rate", [1.0, 0.01])
def test_attempts_are_used_up_and_the_run_has_failed(tmp_path: Path, rate: float) -> None:
    write(tmp_path, [[{"text": f"text {n}"}] for n in range(4)])
    touchy = Touchy(tmp_path / "key", "text" if rate == 1.0 else "text 2")
    stages = [JsonlReader(tmp_path / "in"), touchy, JsonlWriter(tmp_path / "out")]
    pipeline = Pipeline("p", stages=stages, max_error_rate=rate)

    def call(**how: Any) -> list[str]:
        statuses = []
        for index in range(N):
            try:
                executor, silent = LocalExecutor(workers=0), Observer()
                shard = (index, N)
                run = pipeline.run(executor, shard=shard, wait=0, observer=silent, **how)
            except StageError:
                statuses.append("failed")
            else:
                statuses.append(run.status)
        return statuses

    for _ in range(6):
        assert set(call()) <= {"waiting", "failed"}
    (tmp_path / "key").touch()
    assert set(call()) == {"failed"}  # no attempt is left
    for _ in range(3):
        last = call(retry_failed="all")
    assert set(last) == {"nothing to do"}
    assert len(list((tmp_path / "out").glob("*.jsonl"))) == 4


def test_all_parts_failed_behind_a_checkpoint(tmp_path: Path) -> None:
    write(tmp_path, [[{"text": f"text {n}"}] for n in range(4)])
    touchy = Touchy(tmp_path / "key", "text")
    stages = [JsonlReader(tmp_path / "in"), Checkpoint(), touchy, JsonlWriter(tmp_path / "out")]
    pipeline = Pipeline("p", stages=stages, max_error_rate=1.0)

    def three_calls() -> None:
        for _ in range(3):
            assert {run.status for run in run_all(pipeline)} == {"waiting"}

    with pytest.raises(StageError, match=r"all 4 parts failed; most often: .*there is no key"):
        three_calls()
