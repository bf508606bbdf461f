# SPDX-License-Identifier: Apache-2.0
"""A driver that another has taken over from changes no file any more."""

from __future__ import annotations

from pathlib import Path

import pytest

from thresher.errors import StorageError
from thresher.runs.part import Outcome, Part
from thresher.runs.run import Run, RunPaths
from thresher.storage import store_for
from thresher.tasks import EmptyTask


@pytest.mark.parametrize("lines", [[], [b'{"rows": 3}\n']], ids=["plain", "own quarantine"])
def test_an_older_driver_takes_no_file_away(tmp_path: Path, lines: list[bytes]) -> None:
    output = str(tmp_path)
    stores = store_for(output), store_for(output)
    paths = RunPaths(output, f"{output}/_thresher/p", extension="jsonl")

    def driver() -> Run:
        run = Run.open("p", paths, stores, take_over=True, beating=False)
        run.expect(["a"])
        run.begin()
        return run

    older = driver()
    older.commit([Outcome(Part(0, "a", EmptyTask()), [], lines=lines, failure="unreadable")])
    driver()
    path = tmp_path / "mine"
    path.write_text("")
    with pytest.raises(StorageError, match="another driver"):
        older.fence.retire("", str(path))
    assert path.exists()
