# SPDX-License-Identifier: Apache-2.0
"""ScoreFilter, Score and Filter."""

import math
import pickle

import pyarrow as pa
import pytest

from tests.kernels.documents import kernels
from tests.stages.text.io.jsonl_files import json_table
from thresher.errors import PlanError, StageError
from thresher.stages.filtering import share_work
from thresher.stages.text.filters import (
    DocumentFilter,
    Filter,
    MeanWordLengthFilter,
    RepeatingDuplicateNGramsFilter,
    RepeatingTopNGramsFilter,
    Score,
    ScoreFilter,
    SymbolsToWordsFilter,
    WordCountFilter,
    signals,
)
from thresher.stages.text.modifiers import Modify
from thresher.tasks import RAW, ROW, DocumentBatch
from thresher.tasks.bad_rows import BadRows
from thresher.tasks.types import is_json

TEXTS = ["one two three", "one", None, "", "four five", "six " * 30]


class EndsWell(DocumentFilter):
    """A filter as a user writes one."""

    def __init__(self):
        super().__init__()
        self._name = "ends_well"

    def score_document(self, text):
        return text.endswith(("ee", "ve", " "))

    def keep_document(self, score):
        return score


class LongWords(WordCountFilter):
    """Redefines the score alone, so the inherited column form must not be used."""

    def score_document(self, text):
        return sum(len(word) > 3 for word in text.split())


def batch(texts=TEXTS, **columns):
    rows = {ROW: list(range(len(texts))), RAW: pa.array([b"{}"] * len(texts), pa.large_binary())}
    return DocumentBatch("d", {"text": pa.array(texts, pa.string()), **columns, **rows})


def rows(task):
    return task.data.column(ROW).to_pylist()


def test_rows_that_are_not_kept_are_dropped_and_counted():
    stage = ScoreFilter(WordCountFilter(min_words=2))
    out = stage.process(batch())
    assert rows(out) == [0, 4, 5]
    assert out.data.column_names == ["text", ROW, RAW]
    assert stage.drops() == {"word_count": 3}
    assert stage.drops() == {}


def test_scores_are_stored_if_asked_for():
    out = ScoreFilter(WordCountFilter(min_words=2), score_field="n").process(batch())
    assert out.data.column("n").to_pylist() == [3, 2, 30]
    assert out.data.column("n").type == pa.int64()


def test_invert():
    stage = ScoreFilter(WordCountFilter(min_words=2), invert=True)
    assert rows(stage.process(batch())) == [1, 2, 3]


def test_a_list_is_applied_in_order():
    rules = [WordCountFilter(min_words=1), EndsWell(), MeanWordLengthFilter(1, 3.8)]
    stage = ScoreFilter(rules, score_field=["n", None, "mean"], invert=[False, False, True])
    out = stage.process(batch())
    assert rows(out) == [4]
    assert stage.name == "score_filter_chain_of_word_count_ends_well_mean_word_length"
    assert stage.drops() == {"word_count": 2, "ends_well": 1, "mean_word_length": 2}
    assert out.data.column("mean").to_pylist() == [4.0]
    assert stage.outputs() == (["data"], ["n", "mean"])
    assert stage.inputs() == (["data"], ["text"])


@pytest.mark.parametrize("kind", ["plain", "compiled"])
def test_a_batch_may_lose_all_rows_or_have_none(kind):
    stage = ScoreFilter([WordCountFilter(1000), RepeatingTopNGramsFilter()], score_field=["n", "t"])
    with kernels(kind):
        out = stage.process(batch())
        assert out.num_items == 0
        assert out.data.column_names == ["text", ROW, RAW, "n", "t"]
        assert stage.process(out).num_items == 0


def test_several_columns():
    task = batch(["a b", "a b"], title=["x", "x y"])
    stage = ScoreFilter([WordCountFilter(2), WordCountFilter(2)], text_field=["text", "title"])
    assert rows(stage.process(task)) == [1]
    assert stage.inputs() == (["data"], ["text", "title"])


def test_a_filter_of_ones_own():
    stage = EndsWell().as_stage()
    assert stage.name == "ends_well"
    assert not stage.gil_free
    assert rows(stage.process(batch())) == [0, 4, 5]


@pytest.mark.parametrize("kind", ["plain", "compiled"])
def test_a_redefined_score_wins_over_an_inherited_column_form(kind):
    with kernels(kind):
        stage = ScoreFilter(LongWords(min_words=1))
        assert rows(stage.process(batch())) == [0, 4]
        assert not stage.gil_free


def test_facts():
    stage = ScoreFilter(WordCountFilter())
    assert stage.rows == "subset"
    assert stage.gil_free
    assert stage.name == "word_count"
    assert ScoreFilter([WordCountFilter()]).name == "word_count"
    assert ScoreFilter(WordCountFilter(), name="mine").name == "mine"
    assert not ScoreFilter(WordCountFilter(lang="zh")).gil_free
    assert pickle.loads(pickle.dumps(stage)) == stage
    assert repr(stage) == "ScoreFilter(filter_obj=WordCountFilter())"


def characters(text):
    return len(text or "")


def test_score():
    stage = Score([WordCountFilter(), characters], score_field=["n", "characters"])
    out = stage.process(batch())
    assert out.data.column("n").to_pylist() == [3, 1, 0, 0, 2, 30]
    assert out.data.column("characters").to_pylist() == [13, 3, 0, 0, 9, 120]
    assert stage.rows == "same"
    assert stage.name == "score_chain_of_word_count_characters"
    assert Score(len, "n").name == "score_fn"
    assert Score(WordCountFilter(), "n").name == "word_count"
    assert Score(WordCountFilter(), "n").gil_free


def test_scores_without_a_common_type():
    out = Score(lambda text: characters(text) or "none", "n").process(batch())
    assert is_json(out.data.schema.field("n"))
    assert out.data.column("n").to_pylist() == ["13", "3", '"none"', '"none"', "9", "120"]
    assert rows(Filter(lambda n: n == "none" or n > 9, "n").process(out)) == [0, 2, 3, 5]
    # Whole numbers and others are numbers, each as it was made.
    out = Score(lambda text: characters(text) or 0.5, "n").process(batch())
    assert out.data.column("n").to_pylist() == ["13", "3", "0.5", "0.5", "9", "120"]
    out = Score(lambda text: float(characters(text)) or math.nan, "n").process(batch())
    assert out.data.column("n").type == pa.float64()


def test_a_score_that_no_column_holds_costs_its_row():
    with pytest.raises(BadRows) as caught:
        Score(lambda text: object() if text == "one" else 1, "n").process(batch())
    assert caught.value.reasons == {1: "column 'n': a object is no JSON value"}
    with pytest.raises(BadRows) as caught:
        Score(lambda text: "\ud800" if text == "one" else "x", "n").process(batch())
    assert caught.value.reasons == {1: "field 'n' has half a surrogate pair, which is no text"}


def test_functions_are_given_values_as_json_has_them():
    task = DocumentBatch("d", json_table(v=["1", "0.5", None, '"x"', '{"a": [1.0, true]}', "2"]))
    values = [1, 0.5, None, "x", {"a": [1.0, True]}, 2]
    seen: list[object] = []

    def note(value):
        seen.append(value)
        return True

    Filter(note, "v").process(task)
    Score(note, "s", "v").process(task)
    assert list(map(repr, seen)) == [*map(repr, values)] * 2


def test_functions_are_given_null_whatever_the_column_holds():
    seen = []
    Score(seen.append, "s").process(DocumentBatch("d", {"text": ["a", None]}))
    Score(seen.append, "s").process(DocumentBatch("d", {"text": pa.array([1, None])}))
    assert seen == ["a", None, 1, None]


def test_filters_decide_by_scores_that_are_json():
    task = DocumentBatch("d", json_table(n=["3", "1", None, "0.5", '"many"', "30"]))
    kept = Filter(lambda n: isinstance(n, int), "n").process(task)
    assert kept.data.column("n").to_pylist() == ["3", "1", "30"]
    less = task.with_data(task.data.take([0, 1, 2, 3, 5]))
    assert Filter(WordCountFilter(2), "n").process(less).data.column("n").to_pylist() == ["3", "30"]


def test_filter():
    task = batch(n=[3, 1, None, 0, 2, 30])
    assert rows(Filter(lambda n: n is None, "n").process(task)) == [2]
    stage = Filter([WordCountFilter(2), lambda n: n < 10], ["n", "n"])
    assert rows(stage.process(task)) == [0, 4]
    assert stage.name == "filter_chain_of_word_count_lambda"
    assert stage.drops() == {"word_count": 3, "lambda": 1}
    assert Filter(len, "text").name == "filter_fn"
    inverted = Filter(WordCountFilter(2), "n", invert=True)
    assert rows(inverted.process(task)) == [1, 2, 3]


def test_score_then_filter_is_score_filter():
    scored = Score(WordCountFilter(min_words=2), "n").process(batch())
    assert rows(Filter(WordCountFilter(min_words=2), "n").process(scored)) == [0, 4, 5]


def test_a_missing_column_is_named_with_the_nearest_there_is():
    with pytest.raises(StageError) as caught:
        ScoreFilter(WordCountFilter(), text_field="txt").process(batch())
    assert "'txt'" in caught.value.what
    assert "word_count" in caught.value.where
    assert "'text'" in caught.value.todo
    assert ROW not in caught.value.todo


@pytest.mark.parametrize("kind", ["compiled", "plain"])
def test_a_column_that_holds_no_text(kind):
    for stage in (ScoreFilter(WordCountFilter()), Score(WordCountFilter(), "n")):
        with kernels(kind), pytest.raises(BadRows) as caught:
            stage.process(DocumentBatch("d", json_table(text=['"a"', "2", None, "[]", "false"])))
        assert caught.value.reasons == {
            1: "field 'text' is a number, not text",
            3: "field 'text' is a list, not text",
            4: "field 'text' is true or false, not text",
        }
        assert stage.input_kinds() == {"text": "text"}


W = WordCountFilter


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda: ScoreFilter(len), TypeError),
        (lambda: ScoreFilter([W(), 3]), TypeError),
        (lambda: ScoreFilter([]), ValueError),
        (lambda: ScoreFilter(W(), text_field=None), ValueError),
        (lambda: ScoreFilter(W(), text_field=3), TypeError),
        (lambda: ScoreFilter(W(), text_field=["a", "b"]), ValueError),
        (lambda: ScoreFilter([W(), W()], text_field=["a"]), ValueError),
        (lambda: ScoreFilter([W(), W()], score_field="n"), ValueError),
        (lambda: ScoreFilter([W()], score_field="n"), ValueError),
        (lambda: ScoreFilter([W(), W()], score_field=["n"]), ValueError),
        (lambda: ScoreFilter([W(), W()], invert=[True]), ValueError),
        (lambda: Score(W(), None), ValueError),
        (lambda: Score("len", "n"), TypeError),
        (lambda: Score([len, len], "n"), ValueError),
        (lambda: Filter(W(), None), ValueError),
        (lambda: Filter(3, "n"), TypeError),
        (lambda: Filter([W(), W()], "n"), ValueError),
        (lambda: RepeatingTopNGramsFilter(n=0), ValueError),
    ],
)
def test_wrong_arguments(make, kind):
    with pytest.raises(PlanError) as caught:
        make()
    assert isinstance(caught.value, kind)
    assert caught.value.what
    assert caught.value.where
    assert caught.value.todo


def counting(monkeypatch):
    """Count the kernel calls by kernel."""
    calls = []
    compute = signals._compute

    def counted(chunks, names):
        calls.append((names[0], sum(len(chunk.offsets) - 1 for chunk in chunks)))
        return compute(chunks, names)

    monkeypatch.setattr(signals, "_compute", counted)
    return calls


CHAIN = [
    W(min_words=2),
    MeanWordLengthFilter(1, 10),
    SymbolsToWordsFilter(),
    RepeatingTopNGramsFilter(max_repeating_ngram_ratio=0.6),
]


def test_a_list_shares_signals(monkeypatch):
    calls = counting(monkeypatch)
    with kernels("compiled"):
        out = ScoreFilter(CHAIN).process(batch())
    assert rows(out) == [0]
    assert calls[:2] == [("words", 6), ("symbol_words", 3)]
    assert ("top_ngram_characters:2", 3) in calls
    assert len(calls) == 4  # and "characters"


def test_neighbouring_stages_share_signals_once_told_to(monkeypatch):
    stages = [ScoreFilter(rule) for rule in CHAIN]
    with kernels("compiled"):
        alone = batch()
        for stage in stages:
            alone = stage.process(alone)
        calls = counting(monkeypatch)
        for _ in range(2):  # what is known of one task is not used for the next
            together = batch()
            for stage in share_work(stages):
                together = stage.process(together)
            assert together.data.equals(alone.data)
    assert [name for name, _ in calls].count("words") == 2
    assert len(calls) == 8


def test_sequences_of_several_lengths_are_counted_in_one_pass(monkeypatch):
    rules = [
        RepeatingTopNGramsFilter(n=2, max_repeating_ngram_ratio=1.0),
        RepeatingTopNGramsFilter(n=3, max_repeating_ngram_ratio=1.0),
        RepeatingDuplicateNGramsFilter(n=3, max_repeating_duplicate_ngram_ratio=1.0),
    ]
    fields = ["top_2", "top_3", "repeated_3"]
    with kernels("compiled"):
        alone = [rule.score_column(batch().data.column("text")).tolist() for rule in rules]
        calls = counting(monkeypatch)
        stages = [ScoreFilter(r, score_field=f) for r, f in zip(rules, fields, strict=True)]
        together = batch()
        for stage in share_work(stages):
            together = stage.process(together)
        assert [together.data.column(field).to_pylist() for field in fields] == alone
        assert Score(rules, fields).process(batch()).data.select(fields) == together.data.select(
            fields
        )
    assert [name for name, _ in calls if "ngram" in name] == ["top_ngram_characters:2"] * 2


def test_a_column_that_an_earlier_stage_makes():
    stages = [
        ScoreFilter(W(2), score_field="n"),
        ScoreFilter(W(1), text_field="later"),
    ]
    first, _ = share_work(stages)
    with kernels("compiled"):
        assert rows(first.process(batch())) == [0, 4, 5]


def test_a_changed_column_is_counted_anew(monkeypatch):
    first, second = share_work([ScoreFilter(W(1)), ScoreFilter(W(2))])
    with kernels("compiled"):
        out = first.process(batch())
        changed = Modify(lambda text: "just one more" if text == "one" else "one").process(out)
        assert rows(second.process(changed)) == [1]


def test_only_neighbours_of_one_class_share():
    stages = [ScoreFilter(W()), Modify(str.upper), ScoreFilter(W())]
    assert all(a is b for a, b in zip(share_work(stages), stages, strict=True))
