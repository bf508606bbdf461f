# SPDX-License-Identifier: Apache-2.0
"""Modify, and what modifiers of one's own may do."""

import json
import pickle

import pyarrow as pa
import pytest

from tests.stages.text.io.jsonl_files import json_table
from thresher.errors import PlanError, StageError
from thresher.stages.text.modifiers import (
    DocumentModifier,
    Modify,
    NewlineNormalizer,
    QuotationRemover,
)
from thresher.tasks import RAW, ROW, DocumentBatch
from thresher.tasks.bad_rows import BadRows
from thresher.tasks.json_text import python_values
from thresher.tasks.types import is_json


class Unifier(DocumentModifier):
    """A modifier as a user writes one."""

    def __init__(self):
        super().__init__()

    def modify_document(self, text):
        return text.replace("“", '"')


class Louder(NewlineNormalizer):
    """Redefines the document form alone, so the inherited column form must not be used."""

    def modify_document(self, text):
        return text.upper()


class Joiner(DocumentModifier):
    """Reads two columns."""

    def modify_document(self, title, text):
        return f"{title}: {text}"


def batch(texts=("a", "“b", None), **columns):
    rows = {ROW: list(range(len(texts))), RAW: pa.array([b"{}"] * len(texts), pa.large_binary())}
    data = {"text": pa.array(texts, pa.large_string()), **columns, **rows}
    carried = frozenset(data) - {ROW, RAW}
    return DocumentBatch("d", data, _parsed=carried, _carried=carried)


def column(task, name="text"):
    return task.data.column(name).to_pylist()


def test_a_column_is_changed_in_place():
    out = Modify(Unifier()).process(batch(title=["x", "y", "z"]))
    assert column(out) == ["a", '"b', None]
    assert out.data.column_names == ["text", "title", ROW, RAW]
    assert out.data.schema.field("text").type == pa.large_string()
    assert out._carried == {"title"}


def test_a_column_in_which_nothing_changes_is_left_alone():
    task = batch(["a", None])
    assert Modify([Unifier(), NewlineNormalizer()]).process(task) is task


def test_functions_and_chains():
    stage = Modify([str.upper, Unifier(), lambda text: text + "!"])
    assert column(stage.process(batch())) == ["A!", '"B!', None]
    assert stage.name == "modifier_chain_of_upper_Unifier_lambda"
    assert Modify(Unifier()).name == "Unifier"
    assert Modify(str.upper).name == "upper"
    assert Modify([str.upper]).name == "upper"
    assert Modify([str.upper], name="louder").name == "louder"
    assert stage.rows == "same"


def test_a_redefined_modifier_wins_over_an_inherited_column_form():
    assert column(Modify(Louder()).process(batch(["a", None]))) == ["A", None]


def test_another_output():
    stage = Modify(Unifier(), output_fields="clean")
    out = stage.process(batch())
    assert column(out) == ["a", "“b", None]
    assert column(out, "clean") == ["a", '"b', None]
    assert stage.inputs() == (["data"], ["text"])
    assert stage.outputs() == (["data"], ["clean"])


def test_several_inputs():
    stage = Modify([Joiner(), Unifier()], [["title", "text"], ["both"]], ["both", None])
    out = stage.process(batch(title=["“x", "y", "z"]))
    assert column(out, "both") == ['"x: a', 'y: "b', "z: None"]
    assert stage.inputs() == (["data"], ["both", "text", "title"])
    assert stage.outputs() == (["data"], ["both"])


def test_each_its_own_column():
    out = Modify([str.upper, str.title], ["text", "title"]).process(batch(title=["x y", "", "z"]))
    assert column(out) == ["A", "“B", None]
    assert column(out, "title") == ["X Y", "", "Z"]


def test_columns_that_hold_no_text():
    task = batch(n=[1, 2, None])
    assert column(Modify(lambda n: n + 1, "n").process(task), "n") == [2, 3, None]
    assert Modify(lambda n: n / 2, "n").process(task).data.schema.field("n").type == pa.float64()


def test_a_modifier_of_text_names_rows_that_hold_something_else():
    task = DocumentBatch("d", json_table(text=['"“a"', "1", None, '["x"]']))
    stage = Modify([Unifier(), NewlineNormalizer()])
    with pytest.raises(BadRows) as caught:
        stage.process(task)
    assert sorted(caught.value.reasons) == [1, 3]
    assert stage.input_kinds() == {"text": "text"}
    assert Modify(str.upper).input_kinds() == {}
    assert Modify(Joiner(), [["title", "text"]], "both").input_kinds() == {}


def test_functions_are_given_values_as_json_has_them():
    values = ["1", "0.5", None, '"x"', '{"a": [1.0,true]}', "18446744073709551616"]
    seen: list[object] = []
    task = DocumentBatch("d", json_table(v=values))
    out = Modify(lambda v: seen.append(v) or v, "v").process(task)
    assert list(map(repr, seen)) == ["1", "0.5", "'x'", "{'a': [1.0, True]}", str(2**64)]
    assert out is task  # to the letter


def test_what_functions_make_stays_as_it_is():
    task = DocumentBatch("d", json_table(v=["1", "0.5", None, "[1]"]))
    for function, kind, values in (
        (
            lambda v: v if isinstance(v, list) else [v],
            "JSON",
            ["[1]", "[0.5]", None, "[1]"],
        ),
        (str, "large_string", ["1", "0.5", None, "[1]"]),
        (lambda v: v == 1, "bool", [True, False, None, False]),
        (lambda v: {"was": v}, "JSON", ['{"was":1}', '{"was":0.5}', None, '{"was":[1]}']),
    ):
        data = Modify(function, "v", "made").process(task).data
        field = data.schema.field("made")
        assert ("JSON" if is_json(field) else str(field.type)) == kind
        assert data.column("made").to_pylist() == values


def appended(value):
    value.append(9)
    return value


def with_key(value):
    value["k"] = 1
    return value


@pytest.mark.parametrize(
    ("function", "before", "after"),
    [
        (appended, "[1]", [1, 9]),
        (with_key, '{"a":[]}', {"a": [], "k": 1}),
        (lambda value: [int(item) for item in value], "[true,false]", [1, 0]),
        (lambda value: value == 1, "true", True),
    ],
)
def test_every_change_of_a_value_is_seen(function, before, after):
    task = DocumentBatch("d", json_table(v=[before, None]))
    made = Modify(function, "v").process(task)
    values = python_values(made.data.column("v"), made.data.schema.field("v"))
    assert list(map(repr, values)) == [repr(after), "None"]
    typed = DocumentBatch("d", {"v": pa.array([json.loads(before)])})
    made = Modify(function, "v").process(typed).data
    values = python_values(made.column("v"), made.schema.field("v"))
    assert repr(values[0]) == repr(after)


def test_no_rows():
    task = batch([])
    assert Modify([Unifier(), NewlineNormalizer(), QuotationRemover()]).process(task) is task


def test_a_missing_column():
    with pytest.raises(StageError) as caught:
        Modify(str.upper, "txet").process(batch())
    assert "'text'" in caught.value.todo


def test_a_modify_stage_travels():
    stage = Modify([Unifier(), NewlineNormalizer()], output_fields="x")
    assert pickle.loads(pickle.dumps(Modify(NewlineNormalizer()))) == Modify(NewlineNormalizer())
    assert stage != Modify([Unifier(), NewlineNormalizer()])


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda: Modify([]), ValueError),
        (lambda: Modify(3), TypeError),
        (lambda: Modify(None), TypeError),
        (lambda: Modify(Unifier), TypeError),
        (lambda: Modify([str.upper, 3]), TypeError),
        (lambda: Modify(str.upper, [["text", 3]], "c"), TypeError),
        (lambda: Modify(str.upper, output_fields=[3]), TypeError),
        (lambda: Modify(str.upper, output_fields=[]), ValueError),
        (lambda: Modify(Joiner(), [["title", "text"]], [None]), ValueError),
        (lambda: Modify(str.upper, None), ValueError),
        (lambda: Modify(str.upper, []), ValueError),
        (lambda: Modify(str.upper, 3), TypeError),
        (lambda: Modify(str.upper, [3]), TypeError),
        (lambda: Modify(str.upper, [[]]), ValueError),
        (lambda: Modify(str.upper, ["a", "b"]), ValueError),
        (lambda: Modify([str.upper] * 3, ["a", "b"]), ValueError),
        (lambda: Modify(str.upper, output_fields=3), TypeError),
        (lambda: Modify([str.upper] * 3, output_fields=["a", "b"]), ValueError),
        (lambda: Modify(Joiner(), [["title", "text"]]), ValueError),
    ],
)
def test_wrong_arguments(make, kind):
    with pytest.raises(PlanError) as caught:
        make()
    assert isinstance(caught.value, kind)
    assert caught.value.what
    assert caught.value.where
    assert caught.value.todo
