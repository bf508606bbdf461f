# SPDX-License-Identifier: Apache-2.0
"""ScoreBuckets."""

import pyarrow as pa
import pytest

from tests.stages.text.io.jsonl_files import json_table
from thresher.errors import PlanError, StageError
from thresher.stages.text.buckets import ScoreBuckets
from thresher.tasks import DocumentBatch
from thresher.tasks.bad_rows import BadRows


def buckets(stage, values, kind=None):
    task = DocumentBatch("docs", pa.table({"score": pa.array(values, kind)}))
    out = stage.process(task)
    assert out.data.schema.field(stage.outputs()[1][0]).type == pa.string()
    return out.data.column(stage.outputs()[1][0]).to_pylist()


def test_a_score_at_a_bound_lies_in_the_higher_bucket():
    stage = ScoreBuckets("score", [0.3, 0.7])
    assert buckets(stage, [0.29, 0.3, 0.69, 0.7, 9, -9]) == [
        "low", "medium", "medium", "high", "high", "low",
    ]  # fmt: skip


def test_null_and_nan_have_a_label_of_their_own():
    values = [None, float("nan"), 1.0]
    assert buckets(ScoreBuckets("score", [0.3, 0.7]), values) == [None, None, "high"]
    stage = ScoreBuckets("score", [0.3, 0.7], null_label="unscored")
    assert buckets(stage, values) == ["unscored", "unscored", "high"]
    assert buckets(stage, [None, None], pa.null()) == ["unscored", "unscored"]


def test_other_numbers_of_buckets_and_whole_numbers():
    stage = ScoreBuckets("score", [10, 20, 30], ["xs", "s", "m", "l"], bucket_field="length")
    assert buckets(stage, [5, 10, 25, 99]) == ["xs", "s", "m", "l"]
    assert buckets(ScoreBuckets("score", [], ["all"]), [1.5, -2.0]) == ["all", "all"]
    assert buckets(stage, [], pa.int32()) == []


@pytest.mark.parametrize(
    ("thresholds", "labels"),
    [([0.7, 0.3], ("a", "b", "c")), ([0.3, 0.3], ("a", "b", "c")), ([0.3], ("a", "b", "c")),
     ([float("nan")], ("a", "b"))],
)  # fmt: skip
def test_bounds_and_labels_that_do_not_fit_are_refused(thresholds, labels):
    with pytest.raises(PlanError):
        ScoreBuckets("score", thresholds, labels)


def test_rows_that_hold_no_number_are_named():
    stage = ScoreBuckets("score", [0.5], ["a", "b"])
    with pytest.raises(BadRows) as caught:
        buckets(stage, ["x", None])
    assert caught.value.reasons == {0: "field 'score' is text, not a number"}
    assert stage.input_kinds() == {"score": "number"}
    with pytest.raises(StageError, match="no column 'other'"):
        buckets(ScoreBuckets("other", [0.5], ["a", "b"]), [1])


def test_numbers_of_both_kinds():
    task = DocumentBatch("docs", json_table(score=["1", "0.25", None, "9007199254740993"]))
    out = ScoreBuckets("score", [0.5], ["a", "b"]).process(task)
    assert out.data.column("score_bucket").to_pylist() == ["b", "a", None, "b"]
    mixed = DocumentBatch("docs", json_table(score=["1", "true", '"1"', "[1]"]))
    with pytest.raises(BadRows) as caught:
        ScoreBuckets("score", [0.5], ["a", "b"]).process(mixed)
    assert sorted(caught.value.reasons) == [1, 2, 3]
