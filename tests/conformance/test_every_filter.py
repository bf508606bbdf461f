# SPDX-License-Identifier: Apache-2.0
"""What holds for every text filter there is; a new one is found and tested without a line here."""

import doctest
import importlib
import inspect
import pickle
import pkgutil
import sys
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings

import thresher.stages.text
from tests.conformance.examples import examples_of
from tests.kernels.documents import columns, kernels, shapes
from thresher.stages.filtering import as_objects, with_values
from thresher.stages.text.filters import DocumentFilter, Filter, ScoreFilter
from thresher.stages.text.filters.signals import KERNELS
from thresher.tasks import DocumentBatch

WITHOUT_FAST_FORM: frozenset[str] = frozenset(
    (
        "FastTextLangId",  # fastText takes a text at a time
        "FastTextQualityFilter",
        "GeneralCommentToCodeFilter",  # one regular expression, run by Python's own engine
        "HTMLBoilerplateFilter",
        "PythonCommentToCodeFilter",  # Python's own parser
    )
)
"""Filters that score only row by row. This list may only shrink."""


def every_filter() -> list[type[DocumentFilter]]:
    """All filters of the package that can be made."""
    for module in pkgutil.walk_packages(
        thresher.stages.text.__path__, thresher.stages.text.__name__ + "."
    ):
        importlib.import_module(module.name)
    found: list[type[DocumentFilter]] = []
    waiting = [DocumentFilter]
    while waiting:
        cls = waiting.pop()
        waiting += cls.__subclasses__()
        if cls.__module__.startswith("thresher.") and not inspect.isabstract(cls):
            found.append(cls)
    return sorted(set(found), key=lambda cls: cls.__name__)


FILTERS = every_filter()
EXAMPLES = [cls(**arguments) for cls in FILTERS for arguments in examples_of(cls)]
ALL = pytest.mark.parametrize("rule", EXAMPLES, ids=repr)
CLASSES = pytest.mark.parametrize("cls", FILTERS, ids=lambda cls: cls.__name__)


def bits(scores: object) -> list[object]:
    """Scores with floats spelt out, so that equal means equal to the last bit."""
    return [score.hex() if isinstance(score, float) else score for score in as_objects(scores)]


def kept_as_stored(rule: DocumentFilter, scores: Any) -> list[bool]:
    """What the filter decides by the scores of a column."""
    rows = pa.array(range(len(scores)), pa.int64())
    stored = with_values(DocumentBatch("d", pa.table({"row": rows})), "score", scores)
    left = Filter(rule, "score").process(stored).data.column("row").to_pylist()
    return [row in left for row in range(len(scores))]


def test_filters_are_found():
    assert len(FILTERS) >= 10


def test_names_are_unique():
    names = [cls.__name__ for cls in FILTERS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("kind", ["plain", "compiled"])
@ALL
@settings(max_examples=40, deadline=None)
@given(texts=columns)
def test_a_column_scores_as_its_documents_do(rule, kind, texts):
    expected = [rule.score_document(text or "") for text in texts]
    kept = [rule.keep_document(score) for score in expected]
    with kernels(kind):
        for column in shapes(texts):
            scores = rule.score_column(column)
            assert bits(scores) == bits(expected)
            assert rule.keep_scores(scores).tolist() == kept
            assert kept_as_stored(rule, scores) == kept


@ALL
def test_documents_at_the_ends_of_buffers(rule):
    # Every length up to two blocks, alone in a buffer of just that size.
    with kernels("compiled"):
        for length in range(132):
            text = ("é a.\n• #b http://x.y ... " * 8)[:length]
            assert bits(rule.score_column(pa.array([text]))) == bits([rule.score_document(text)])


@ALL
def test_nulls_with_bytes_behind_them_count_as_empty(rule):
    offsets = pa.py_buffer(np.array([0, 5, 10], np.int32))
    hidden = pa.Array.from_buffers(
        pa.string(), 2, [pa.py_buffer(b"\x02"), offsets, pa.py_buffer(b"a b c d e ")]
    )
    assert hidden.to_pylist() == [None, " d e "]
    expected = [rule.score_document(text) for text in ("", " d e ")]
    with kernels("compiled"):
        assert bits(rule.score_column(hidden)) == bits(expected)


@ALL
def test_filters_travel_compare_and_print(rule):
    copy = pickle.loads(pickle.dumps(rule))
    assert copy == rule
    assert hash(copy) == hash(rule)
    names = vars(sys.modules[type(rule).__module__])
    assert eval(repr(rule), dict(names)) == rule
    assert type(rule)(**rule.parameters()) == rule


@ALL
def test_constructors_only_store(rule):
    for name, value in rule.parameters().items():
        assert getattr(rule, name) is value


@ALL
def test_a_filter_makes_a_stage(rule):
    stage = rule.as_stage()
    assert stage == ScoreFilter(rule)
    assert stage.name == rule.name
    batch = DocumentBatch("d", {"text": ["", "some text", None], "__row": [0, 1, 2]})
    out = stage.process(batch)
    kept = [rule.keep_document(rule.score_document(t)) for t in ("", "some text", "")]
    assert out.data.column("__row").to_pylist() == [i for i in range(3) if kept[i]]
    dropped = kept.count(False)
    assert stage.drops() == ({rule.name: dropped} if dropped else {})


@CLASSES
def test_what_a_docstring_tells(cls):
    doc = inspect.getdoc(cls) or ""
    for part in ("Score:", "Null rule:", "Source:", ">>>"):
        assert part in doc, f"{cls.__name__} does not tell its {part}"
    for method in ("score_document", "keep_document"):
        assert inspect.getdoc(getattr(cls, method))


@CLASSES
def test_the_example_of_a_docstring_runs(cls):
    module = importlib.import_module(cls.__module__)
    for test in doctest.DocTestFinder(recurse=False).find(cls, globs=dict(vars(module))):
        assert doctest.DocTestRunner().run(test).failed == 0


@CLASSES
def test_fast_forms(cls):
    default = [cls(**arguments) for arguments in examples_of(cls)[:1]]
    has_own = "score_column" in cls.__dict__
    signals = [name for rule in default for name in rule.needed_signals()]
    slow = not signals and not has_own
    assert slow == (cls.__name__ in WITHOUT_FAST_FORM)
    known = {signal for signals in KERNELS.values() for signal in signals}
    assert {name.partition(":")[0] for name in signals} <= known
