# SPDX-License-Identifier: Apache-2.0
import pickle
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from thresher.errors import StageError
from thresher.tasks import RAW, ROW, DocumentBatch

ROWS = [{"id": 1, "text": "a"}, {"id": 2, "text": None}]
TABLE = pa.Table.from_pylist(ROWS)


@pytest.mark.parametrize(
    "data",
    [
        TABLE,
        TABLE.to_batches()[0],
        ROWS,
        {"id": [1, 2], "text": ["a", None]},
        pd.DataFrame(ROWS),
        pl.DataFrame(ROWS),
    ],
    ids=lambda data: type(data).__module__,
)
def test_whatever_is_given_becomes_a_table(data: Any) -> None:
    task = DocumentBatch("set", data)

    assert isinstance(task.data, pa.Table)
    assert task.data.to_pylist() == ROWS
    assert task.num_items == 2
    assert task.validate()


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(StageError, match="int") as caught:
        DocumentBatch("set", 7)  # type: ignore[arg-type]
    assert "pyarrow.Table" in caught.value.todo


def test_a_frame_set_later_becomes_a_table_too() -> None:
    task = DocumentBatch("set", TABLE).with_data(pd.DataFrame({"id": [3]}))

    assert task.data.to_pylist() == [{"id": 3}]


def test_a_column_is_added_or_replaced_in_place() -> None:
    task = DocumentBatch("set", TABLE, _parsed=frozenset(("id",)), _carried=frozenset(("id",)))
    added = task.with_column("length", [1, 0])
    replaced = added.with_column("id", pa.array([7, 8]))

    assert added.get_columns() == ["id", "text", "length"]
    assert added._carried == {"id"}
    assert replaced.get_columns() == ["id", "text", "length"]
    assert replaced._carried == frozenset()
    assert task.get_columns() == ["id", "text"]


def test_a_column_of_another_length_is_refused() -> None:
    with pytest.raises(StageError, match="3 values for 2 rows"):
        DocumentBatch("set", TABLE).with_column("x", [1, 2, 3])


def test_hidden_columns_are_not_among_the_columns() -> None:
    table = TABLE.append_column(ROW, pa.array([0, 1])).append_column(RAW, pa.array([b"", b""]))
    task = DocumentBatch("set", table)

    assert task.get_columns() == ["id", "text"]
    assert list(task.to_pandas().columns) == ["id", "text", ROW]
    assert task.to_polars().columns == ["id", "text", ROW]
    assert task.to_pyarrow() is task.data


def test_nothing_in_a_batch_is_not_valid() -> None:
    assert not DocumentBatch("set").validate()
    assert not DocumentBatch("set", TABLE.slice(0, 0)).validate()


def test_batches_survive_pickling() -> None:
    task = DocumentBatch("set", TABLE, _carried=frozenset(("id",))).evolve(task_id="p")
    again = pickle.loads(pickle.dumps(task))

    assert again.data.equals(TABLE)
    assert (again.task_id, again._carried) == ("p", {"id"})
