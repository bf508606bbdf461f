# SPDX-License-Identifier: Apache-2.0
"""AddId."""

import pytest

from thresher.errors import PlanError
from thresher.stages.text.add_id import AddId
from thresher.tasks import ROW, DocumentBatch


def batch(**columns):
    return DocumentBatch("d", {"text": ["a", "b"], **columns}).evolve(task_id="x/a.jsonl@0")


def ids(stage, task):
    return stage.process(task).data.column(stage.id_field).to_pylist()


def test_ids_name_part_and_row():
    task = batch(**{ROW: [3, 7]})
    assert ids(AddId("id"), task) == ["x/a.jsonl@0_3", "x/a.jsonl@0_7"]
    assert ids(AddId("id", "web"), task) == ["web_x/a.jsonl@0_3", "web_x/a.jsonl@0_7"]


def test_tasks_without_row_numbers_go_by_position():
    assert ids(AddId("id"), batch()) == ["x/a.jsonl@0_0", "x/a.jsonl@0_1"]


def test_no_rows():
    task = batch(**{ROW: [3, 7]})
    assert ids(AddId("id"), task.with_data(task.data[:0])) == []


def test_a_column_that_is_there():
    task = batch(id=[1, 2])
    with pytest.raises(PlanError) as caught:
        AddId("id").process(task)
    assert "overwrite" in caught.value.todo
    assert isinstance(caught.value, ValueError)
    with pytest.warns(UserWarning, match="'id'"):
        out = AddId("id", overwrite=True).process(task)
    assert out.data.column_names == ["text", "id"]
    assert out.data.column("id").to_pylist() == ["x/a.jsonl@0_0", "x/a.jsonl@0_1"]


def test_facts():
    assert AddId("id").rows == "same"
    assert AddId("id").outputs() == (["data"], ["id"])
    assert repr(AddId("id", id_prefix="web")) == "AddId(id_field='id', id_prefix='web')"
