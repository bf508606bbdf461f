# SPDX-License-Identifier: Apache-2.0
"""How tasks travel between Steps has no say in what is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.toys import Halves, HalvesApart, Pass, read_output, run_quietly, write_input
from thresher.backends.local import LocalExecutor
from thresher.pipeline import Pipeline
from thresher.stages.text.io import JsonlReader, JsonlWriter


@pytest.mark.parametrize(("stage", "files"), [(Halves, 1), (HalvesApart, 2)])
@pytest.mark.parametrize("rows", [4, 2000])  # in the message, and in a file of its own
@pytest.mark.parametrize("workers", [0, 2])
def test_as_many_files(
    stage: type[Halves], files: int, rows: int, workers: int, tmp_path: Path
) -> None:
    write_input(tmp_path / "in", files=1, rows=rows)
    stages = [
        JsonlReader(str(tmp_path / "in")), stage(), Pass(), JsonlWriter(str(tmp_path / "out")),
    ]  # fmt: skip
    pipeline = Pipeline("p", stages=stages, config={"fusion": False})

    run_quietly(pipeline, LocalExecutor(workers=workers))

    written = read_output(tmp_path / "out")
    assert len(written) == files
    assert sum(data.count(b"\n") for data in written.values()) == rows
