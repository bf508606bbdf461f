# SPDX-License-Identifier: Apache-2.0
"""DocumentJoiner: documents from pieces, whatever order and batches these come in."""

import pickle

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kernels.documents import documents
from thresher.errors import PlanError, ThresherError
from thresher.stages.text.filling import row_starts
from thresher.stages.text.modules import DocumentJoiner, DocumentSplitter
from thresher.stages.text.pieces import cut, one_chunk, put_together
from thresher.tasks import RAW, ROW, TOKENS, DocumentBatch
from thresher.tasks.bad_rows import BadRows
from thresher.tasks.types import json_field


def pieces(**columns):
    data = {
        "id": ["b", "a", "b", "a", "c"],
        "segment_id": [1, 0, 0, 1, 0],
        "text": ["b1", "a0", "b0", "a1", "c0"],
        **columns,
    }
    return DocumentBatch("d", data)


def join(task, *arguments, **options):
    return DocumentJoiner(*arguments, **options).process(task).data.to_pydict()


def test_documents_are_joined_by_number_and_sorted_by_id():
    task = pieces(x=[1, 2, 3, None, 5], y=["p", "q", None, "s", None])
    assert join(task) == {
        "id": ["a", "b", "c"],
        "text": ["a0\n\na1", "b0\n\nb1", "c0"],
        "x": [2, 3, 5],
        "y": ["q", "p", None],
    }
    later = pieces(segment_id=[8, 3, 7, 4, None])
    assert join(later, "", drop_segment_id_field=False)["segment_id"] == [3, 7, None]


def test_null_ids_and_numbers():
    task = pieces(id=["b", None, "b", None, "c"], segment_id=[None, 1, 1, 0, 0])
    assert join(task, "|") == {
        "id": ["b", "c", None, None],
        "text": ["b0|b1", "c0", "a1", "a0"],
    }


@pytest.mark.parametrize(
    ("written", "n_documents"),
    [
        (['"\\u0061"', '"a"', "5"], 2),
        (["1", "1.0", "1e0", '"1"'], 2),
        (['{"a":1,"b":2}', '{ "b": 2.0, "a": 1 }', "[1]", "[ 1 ]"], 2),
        (["1e400", "10e399", "9007199254740993.0", "9007199254740993", "9007199254740992.0"], 3),
    ],
)
def test_ids_of_several_kinds_are_compared_by_value(written, n_documents):
    texts = pa.array(written, pa.large_string())
    rows = {"segment_id": list(range(len(written))), "text": ["x"] * len(written)}
    table = pa.table(rows).append_column(json_field("id"), texts)
    made = DocumentJoiner("").process(DocumentBatch("d", table)).data
    assert made.num_rows == n_documents
    assert set(made.column("id").to_pylist()) <= set(written)
    assert "".join(made.column("text").to_pylist()) == "x" * len(written)


def test_null_pieces():
    assert join(pieces(text=["b1", None, "b0", "a1", None]), "|")["text"] == ["a1", "b0|b1", None]


def test_equal_numbers_keep_their_order():
    assert join(pieces(segment_id=[1, 0, 1, 0, 1]), "|")["text"] == ["a0|a1", "b1|b0", "c0"]


LENGTHS = [2, 2, 2, 1, 5, 1]


@pytest.mark.parametrize(
    ("most", "rows"),
    [
        (0, ["0", "1", "2", "3", "4", "5"]),
        (3, ["0", "1", "2", "3", "4", "5"]),
        (4, ["0", "1", "2|3", "4", "5"]),
        (5, ["0|1", "2|3", "4", "5"]),
        (7, ["0|1", "2|3", "4|5"]),
        (8, ["0|1|2", "3|4", "5"]),
        (100, ["0|1|2|3|4|5"]),
    ],
)
def test_rows_are_filled_as_long_as_pieces_fit(most, rows):
    task = DocumentBatch(
        "d", {"id": [7] * 6, "segment_id": range(6), "text": list("012345"), "n": LENGTHS}
    )
    made = join(task, "|", max_length=most, length_field="n", drop_segment_id_field=False)
    assert made["text"] == rows
    assert made["segment_id"] == list(range(len(rows)))
    assert made["n"] == [
        sum(LENGTHS[int(i)] for i in row.split("|")) + row.count("|") for row in rows
    ]


def test_unknown_lengths_and_fractions():
    task = DocumentBatch(
        "d",
        {"id": [7] * 4, "segment_id": range(4), "text": list("0123"), "n": [2.5, None, 2, 1.5]},
    )
    made = join(task, "|", max_length=5, length_field="n")
    assert made["text"] == ["0", "1", "2|3"]
    assert made["n"] == [2.5, None, 4.5]


@settings(max_examples=100)
@given(
    lengths=st.lists(st.integers(0, 9) | st.just(float("nan")), max_size=20),
    breaks=st.sets(st.integers(1, 19)),
    room=st.integers(0, 25),
    between=st.integers(0, 3),
)
def test_rows_are_full_and_not_too_full(lengths, breaks, room, between):
    starts = sorted({0} | {b for b in breaks if b < len(lengths)}) if lengths else []
    values = np.array(lengths, float)
    found = row_starts(values, np.array(starts, np.int64), room, between).tolist()
    assert set(starts) <= set(found)
    ends = [*found[1:], len(lengths)] if found else []
    for begin, end in zip(found, ends, strict=True):
        if end - begin > 1:
            assert values[begin:end].sum() + between * (end - begin - 1) <= room
        if end < len(lengths) and end not in starts:  # the next would not have fitted
            assert not values[begin : end + 1].sum() + between * (end - begin) <= room


@settings(max_examples=80, deadline=None)
@given(
    texts=st.lists(st.none() | documents | st.text("a|", max_size=8), max_size=8),
    separator=st.sampled_from(["|", "\n", "é", "ab"]),
    shuffled=st.randoms(),
)
def test_joining_undoes_splitting(texts, separator, shuffled):
    ids = list(range(len(texts)))
    task = DocumentBatch(
        "d", {"text": pa.array(texts, pa.large_string()), "id": pa.array(ids, pa.int64())}
    )
    cut_up = DocumentSplitter(separator).process(task)
    order = list(range(cut_up.num_items))
    shuffled.shuffle(order)
    mixed = cut_up.with_data(cut_up.data.take(pa.array(order, pa.int64())))
    joined = DocumentJoiner(separator).process(mixed).data
    assert joined.to_pydict() == task.data.to_pydict()


@settings(max_examples=80, deadline=None)
@given(
    texts=st.lists(st.none() | documents, max_size=6), separator=st.sampled_from(["\n", "a", ". "])
)
def test_pieces_of_columns(texts, separator):
    column = one_chunk(pa.chunked_array([pa.array(["x", *texts, None])[1:-1]], pa.string()))
    found, counts = cut(column, separator)
    expected = [[None] if t is None else t.split(separator) for t in texts]
    assert counts.tolist() == list(map(len, expected))
    assert found.to_pylist() == [piece for of_one in expected for piece in of_one]
    assert put_together(found, counts, separator).to_pylist() == texts


def test_no_rows():
    task = pieces()
    empty = task.with_data(task.data.slice(0, 0))
    for options in ({}, {"max_length": 3, "length_field": "n"}):
        given_ = empty.with_column("n", pa.array([], pa.int64()))
        made = DocumentJoiner(**options).process(given_)
        assert made.num_items == 0
        assert made.data.column_names == ["id", "text", "n"]


def test_hidden_columns():
    task = pieces(**{ROW: [4, 5, 6, 7, 8], TOKENS: [1] * 5, RAW: [b"{}"] * 5})
    made = DocumentJoiner().process(task).data
    assert made.column_names == ["id", "text", ROW]
    assert made.column(ROW).to_pylist() == [5, 6, 8]


def test_facts():
    stage = DocumentJoiner(max_length=3, length_field="n", drop_segment_id_field=False)
    assert stage.name == "document_joiner"
    assert stage.rows == "merge"
    assert stage.whole_parts
    assert stage.inputs() == (["data"], ["text", "segment_id", "id", "n"])
    assert stage.outputs() == (["data"], ["text", "id", "segment_id", "n"])
    assert DocumentJoiner().outputs() == (["data"], ["text", "id"])
    assert pickle.loads(pickle.dumps(stage)) == stage


@pytest.mark.parametrize("options", [{"max_length": 3}, {"length_field": "n"}])
def test_both_or_none(options):
    with pytest.raises(PlanError) as caught:
        DocumentJoiner(**options)
    assert isinstance(caught.value, ValueError)
    for name in ("max_length", "length_field"):
        assert name in caught.value.what


@pytest.mark.parametrize(
    ("columns", "options", "word"),
    [
        ({"id": [["b"]] * 5}, {}, "list"),
        ({}, {"document_id_field": "doc"}, "doc"),
        ({}, {"max_length": 3, "length_field": "n"}, "'n'"),
    ],
)
def test_columns_it_cannot_use(columns, options, word):
    with pytest.raises(ThresherError) as caught:
        DocumentJoiner(**options).process(pieces(**columns))
    assert word in caught.value.what


@pytest.mark.parametrize(
    ("columns", "options", "reason"),
    [
        ({"text": [1, None, 3, None, 5]}, {}, "field 'text' is a number, not text"),
        ({"n": ["1", None, "2", None, "3"]}, {"max_length": 3, "length_field": "n"},
         "field 'n' is text, not a number"),
    ],
)  # fmt: skip
def test_rows_it_cannot_use_are_named(columns, options, reason):
    stage = DocumentJoiner(**options)
    with pytest.raises(BadRows) as caught:
        stage.process(pieces(**columns))
    assert set(caught.value.reasons.values()) == {reason}
    assert len(caught.value.reasons) == 3
    kinds = {"text": "text"} | ({"n": "number"} if options else {})
    assert stage.input_kinds() == kinds


def test_rows_are_named_by_their_place_in_the_batch():
    task = pieces(text=pa.array(["1", '"b"', '"c"', '"d"', '"e"'], pa.large_string()))
    index = task.data.schema.get_field_index("text")
    field = json_field("text")
    with pytest.raises(BadRows) as caught:
        DocumentJoiner().process(
            task.with_data(task.data.set_column(index, field, task.data.column(index)))
        )
    assert caught.value.reasons == {0: "field 'text' is a number, not text"}


def test_ids_that_are_null_throughout_are_documents_of_one_row():
    made = DocumentJoiner().process(pieces(id=pa.nulls(5))).data
    assert made.num_rows == 5
    assert made.column("id").to_pylist() == [None] * 5
