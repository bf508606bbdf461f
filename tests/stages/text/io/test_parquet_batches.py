# SPDX-License-Identifier: Apache-2.0
"""Rows of a row group that cannot be had in one batch come in smaller ones, each of them once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thresher.stages.reading import ReadReport
from thresher.stages.text.io.parquet import ParquetReaderStage, _batches_behind
from thresher.tasks import FileGroupTask


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    target = str(tmp_path_factory.mktemp("batches") / "a.parquet")
    pq.write_table(pa.table({"n": list(range(23)), "v": [[n] for n in range(23)]}), target, 7)
    return target


@given(first=st.integers(0, 3), size=st.integers(1, 30), done=st.integers(0, 30))
def test_rows_behind_those_that_are_done(path: str, first: int, size: int, done: int) -> None:
    with pq.ParquetFile(path) as file:
        batches = list(_batches_behind(file, range(first, 4), None, size, done))
    assert [n for batch in batches for n in batch["n"].to_pylist()] == list(range(first * 7, 23))[
        done:
    ]


def test_batches_that_cannot_be_had(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = pq.ParquetFile.iter_batches

    def limited(self: Any, batch_size: int, *args: Any, **kwargs: Any) -> Iterator[pa.RecordBatch]:
        for number, batch in enumerate(whole(self, batch_size, *args, **kwargs)):
            if batch_size > 2 and number == 1:  # as Arrow does where a batch has more than 2 GiB
                raise pa.ArrowNotImplementedError("Nested data conversions not implemented")
            yield batch

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", limited)
    monkeypatch.setattr("thresher.stages.text.io.parquet._MOST_ROWS", 10)
    report = ReadReport()
    task = FileGroupTask("d", [path])
    read = list(ParquetReaderStage().read(task, report))
    assert [n for batch in read for n in batch.data["n"].to_pylist()] == list(range(23))
    assert report.found == 23
