# SPDX-License-Identifier: Apache-2.0
"""What holds for every text modifier there is."""

import doctest
import importlib
import inspect
import pickle
import pkgutil
import sys

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import thresher.stages.text.modifiers
from tests.kernels.documents import documents, shapes
from thresher.stages.text.modifiers import DocumentModifier, Modify
from thresher.tasks import DocumentBatch

MARKS = [
    '"', '"a', 'b"', '" "', '"\n', "\n\n\n", "\r\n\r\n\r\n", "\n\n\n\n", "\r\n", "\r", "\n", " ",
    "http://a.b", "HTTPS://é?x", "Http", "httpſ://a", "www.a", "WwW.", "://", "x",
    "&amp;", "&lt", "&", "<", "\x1b[31m", "\x07", "schÃ¶n", "â€œ", "\x85", "ﬁ", "“", "ｆ",
    "e\u0301", "\xad", "\ufeff", "\u2028", "\x0c", "\x7f", "Ã\xa0", "&#x41;", "&nbsp;",
    "**", "*", "_", "[", "](", ")", "a b", "é", "lorem ipsum", "Terms of uſe", "Terms of Use",
    "COO\u212aIE POLICY", "__label__", "\n\n",
]  # fmt: skip

texts_to_change = st.one_of(
    documents, st.lists(st.sampled_from(MARKS), max_size=20).map("".join), st.just("plain")
)
columns = st.lists(st.one_of(st.none(), texts_to_change), max_size=10)


def every_modifier() -> list[type[DocumentModifier]]:
    """All modifiers of the package that can be made."""
    package = thresher.stages.text.modifiers
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
    found: list[type[DocumentModifier]] = []
    waiting = [DocumentModifier]
    while waiting:
        cls = waiting.pop()
        waiting += cls.__subclasses__()
        if cls.__module__.startswith("thresher.") and not inspect.isabstract(cls):
            found.append(cls)
    return sorted(set(found), key=lambda cls: cls.__name__)


MODIFIERS = every_modifier()
EXAMPLES = [cls(**arguments) for cls in MODIFIERS for arguments in cls.EXAMPLES]
ALL = pytest.mark.parametrize("modifier", EXAMPLES, ids=repr)
CLASSES = pytest.mark.parametrize("cls", MODIFIERS, ids=lambda cls: cls.__name__)


def test_modifiers_are_found():
    assert len(MODIFIERS) >= 9


@ALL
@settings(max_examples=150, deadline=None)
@given(texts=columns)
def test_a_column_changes_as_its_documents_do(modifier, texts):
    expected = [None if text is None else modifier.modify_document(text) for text in texts]
    for column in shapes(texts):
        chunked = column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])
        changed = modifier.modify_column(chunked)
        assert changed.to_pylist() == expected
        assert changed.type == chunked.type
        assert (changed is chunked) == (expected == texts)


@ALL
def test_modifiers_travel_compare_and_print(modifier):
    modifier.modify_document("é")  # whatever it loads on first use does not travel
    copy = pickle.loads(pickle.dumps(modifier))
    assert copy == modifier
    names = vars(sys.modules[type(modifier).__module__])
    assert eval(repr(modifier), dict(names)) == modifier


@ALL
def test_a_modifier_makes_a_stage(modifier):
    stage = modifier.as_stage()
    assert stage == Modify(modifier)
    assert stage.name == modifier.name
    batch = DocumentBatch("d", {"text": ["plain", None], "__row": [0, 1]}, _carried={"text"})
    out = stage.process(batch)
    expected = modifier.modify_document("plain")
    assert out.data.column("text").to_pylist() == [expected, None]
    assert out._carried == ({"text"} if expected == "plain" else set())


@CLASSES
def test_what_a_docstring_tells(cls):
    doc = inspect.getdoc(cls) or ""
    for part in ("Source:", ">>>"):
        assert part in doc, f"{cls.__name__} does not tell its {part}"


@CLASSES
def test_the_example_of_a_docstring_runs(cls):
    module = importlib.import_module(cls.__module__)
    for test in doctest.DocTestFinder(recurse=False).find(cls, globs=dict(vars(module))):
        assert doctest.DocTestRunner().run(test).failed == 0
