# SPDX-License-Identifier: Apache-2.0
"""DocumentSplitter: pieces as Python cuts them."""

import pickle
import re

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kernels.documents import documents, shapes
from tests.stages.text.io.jsonl_files import json_table
from thresher.errors import PlanError
from thresher.stages.text.modules import DocumentSplitter
from thresher.tasks import RAW, ROW, TOKENS, DocumentBatch
from thresher.tasks.bad_rows import BadRows
from thresher.tasks.types import is_json


def batch(texts, **columns):
    return DocumentBatch("d", {"text": pa.array(texts, pa.string()), **columns})


def split(separator, texts, **columns):
    return DocumentSplitter(separator).process(batch(texts, **columns)).data.to_pydict()


def test_one_row_for_each_piece():
    assert split("|", ["a|b", "", "|", "x", None], n=[0, 1, 2, 3, 4]) == {
        "text": ["a", "b", "", "", "", "x", None],
        "n": [0, 0, 1, 2, 2, 3, 4],
        "segment_id": [0, 1, 0, 0, 1, 0, 0],
    }


@pytest.mark.parametrize(
    ("separator", "text", "pieces"),
    [
        (".", "a.b", ["a", "b"]),
        ("..", "a.b", ["", "b"]),
        ("a+", "xaay", ["x", "y"]),
        ("\n\n", "a\n\n\nb", ["a", "\nb"]),
        ("(a)|b", "xaybz", ["x", "a", "y", None, "z"]),
        (" ", "a b  c ", ["a", "b", "", "c", ""]),
        (r"\.\.", "a..b", ["a", "b"]),
    ],
)
def test_one_character_is_literal_and_more_are_a_pattern(separator, text, pieces):
    assert split(separator, [text])["text"] == pieces


@settings(max_examples=80, deadline=None)
@given(
    texts=st.lists(st.none() | documents | st.text("a|\n", max_size=12), max_size=6),
    separator=st.sampled_from(["|", "\n", "\n\n", "é", "a|", "a", "[|]", "a*"]),
)
def test_pieces_are_those_of_python(texts, separator):
    pattern = separator if len(separator) > 1 else re.escape(separator)
    expected = [
        (row, number, piece)
        for row, text in enumerate(texts)
        for number, piece in enumerate([None] if text is None else re.split(pattern, text))
    ]
    for column in shapes(texts):
        task = DocumentBatch("d", pa.table({ROW: pa.array(range(len(texts)), pa.int64())}))
        made = DocumentSplitter(separator).process(task.with_column("text", column)).data
        rows = made.select([ROW, "segment_id", "text"]).to_pylist()
        assert [tuple(row.values()) for row in rows] == expected


def test_what_belongs_to_the_whole_does_not_travel():
    task = batch(["a|b"], **{RAW: pa.array([b"{}"], pa.large_binary()), TOKENS: [2], ROW: [5]})
    made = DocumentSplitter("|").process(task)
    assert made.data.column_names == ["text", ROW, "segment_id"]
    assert made.data.column(ROW).to_pylist() == [5, 5]


def test_a_column_of_numbers_that_is_there_is_replaced():
    assert split("|", ["a|b"], segment_id=["old"])["segment_id"] == [0, 1]


def test_facts():
    stage = DocumentSplitter("[|]")
    assert stage.name == "document_splitter"
    assert stage.rows == "expand"
    assert stage.inputs() == (["data"], ["text"])
    assert stage.outputs() == (["data"], ["text", "segment_id"])
    assert pickle.loads(pickle.dumps(stage)) == stage


@pytest.mark.parametrize("separator", ["", "[(", "(("])
def test_wrong_separators(separator):
    with pytest.raises(PlanError) as caught:
        DocumentSplitter(separator)
    assert isinstance(caught.value, ValueError)
    assert caught.value.todo


def test_rows_that_hold_no_text_are_named():
    stage = DocumentSplitter("|", "n")
    with pytest.raises(BadRows, match=r"field 'n' is .*, not text") as caught:
        stage.process(batch(["a", "b"], n=[None, 1]))
    assert sorted(caught.value.reasons) == [1]
    assert stage.input_kinds() == {"n": "text"}


def test_columns_of_json_stay_json():
    table = json_table(text=['"a|b"', None, '"c"'], meta=["1", '"x"', '{"a":1}'])
    made = DocumentSplitter("|").process(DocumentBatch("d", table)).data
    assert made.column("text").to_pylist() == ["a", "b", None, "c"]
    assert [field.name for field in made.schema if is_json(field)] == ["meta"]
    assert made.column("meta").to_pylist() == ["1", "1", '"x"', '{"a":1}']
