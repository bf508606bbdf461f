# SPDX-License-Identifier: Apache-2.0
"""The stage: actions, columns, statistics, and what holds for any text."""

import pickle
import re
from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kernels.documents import kernels, shapes
from tests.stages.text.pii.labelled import labelled
from thresher.errors import ModelError, PlanError, StageError
from thresher.stages.text.modifiers import Modify
from thresher.stages.text.pii import PiiModifier
from thresher.stages.text.pii.made_up import made_up
from thresher.stages.text.pii.types import PATTERN_TYPES
from thresher.tasks import DocumentBatch
from thresher.tasks.bad_rows import BadRows

ITEMS = labelled()
VALUES = [item.text[start:end] for item in ITEMS for start, end, _ in item.spans]
AROUND = [
    "",
    " ",
    ", ",
    "\n",
    "é",
    "漢",
    "😀",
    "1",
    "a",
    ".",
    "-",
    "@",
    ":",
    "=",
    "key=",
    "tel ",
    "(",
]
documents = st.one_of(
    st.lists(st.sampled_from(VALUES + AROUND * 30), max_size=12).map("".join),
    st.lists(st.sampled_from([item.text for item in ITEMS]), max_size=4).map("é ".join),
    st.text(st.sampled_from("0123456789 .-:@=aAfé+()"), max_size=60),
)
ACTIONS = ("redact", "replace", "mask", "hash")
TEXT = "A jane@mail.org, 😀 8.8.8.8; again jane@mail.org"


def run(stage, texts, **columns):
    return stage.process(DocumentBatch("d", pa.table({"text": texts, **columns})))


@settings(max_examples=100, deadline=None)
@given(documents)
def test_matches_are_in_order_apart_and_within_the_text(text):
    place = 0
    for match in PiiModifier().find(text):
        assert place <= match.start < match.end <= len(text)
        assert match.type in PATTERN_TYPES
        assert 0.5 <= match.score <= 1.0
        place = match.end


@settings(max_examples=60, deadline=None)
@given(documents)
@pytest.mark.parametrize("action", ACTIONS)
def test_nothing_found_stays_and_nothing_else_changes(action, text):
    stage = PiiModifier(anonymize_action=action)
    changed = stage.modify_document(text)

    if not stage.find(text):
        assert changed == text
    left = [changed[match.start : match.end] for match in stage.find(changed)]
    if action == "replace":  # what is found now is made up
        assert all(made_up(value, m.type, 0) == value
                   for value, m in zip(left, stage.find(changed), strict=True))  # fmt: skip
    else:
        assert left == []
    assert stage.modify_document(changed) == changed


@settings(max_examples=60, deadline=None)
@given(documents)
def test_masking_keeps_all_characters_outside_the_matches(text):
    stage = PiiModifier(anonymize_action="mask")
    masked = stage.modify_document(text)

    assert len(masked) == len(text)
    for match in stage.find(text):
        assert set(masked[match.start : match.end]) == {"*"}
    assert all(new in ("*", old) for new, old in zip(masked, text, strict=True))


@settings(max_examples=60, deadline=None)
@given(documents)
def test_redacting_keeps_what_stands_between_the_matches(text):
    stage = PiiModifier()
    matches, redacted = stage.find(text), stage.modify_document(text)
    pieces = [text[a.end : b.start] for a, b in pairwise(matches)]
    if matches and "<" not in text and not any(stage.find(piece) for piece in pieces):
        outside = [text[: matches[0].start], *pieces, text[matches[-1].end :]]
        joined = "".join(outside)
        assert len(re.sub("<[A-Z_]+>", "", redacted)) <= len(joined)
        if redacted.count("<") == len(matches):  # nothing showed itself afterwards
            assert re.sub("<[A-Z_]+>", "", redacted) == joined


@pytest.mark.parametrize("kind", ["plain", "compiled"])
@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(st.none(), documents), max_size=6))
def test_a_column_gives_what_its_documents_give(kind, texts):
    stage = PiiModifier()
    expected = {row: stage.find(text) for row, text in enumerate(texts) if text}
    expected = {row: matches for row, matches in expected.items() if matches}
    changed = [None if text is None else stage.modify_document(text) for text in texts]
    with kernels(kind):
        for column in shapes(texts):
            assert stage.find_column(column) == expected
            batch = DocumentBatch("d", pa.table({"text": column}))
            out = stage.process(batch).data.column("text")
            assert out.to_pylist() == changed
            assert out.type == column.type


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("redact", "A <EMAIL>, 😀 <IP_ADDRESS>; again <EMAIL>"),
        ("mask", "A *************, 😀 *******; again *************"),
        ("annotate", TEXT),
    ],
)
def test_actions(action, expected):
    assert PiiModifier(anonymize_action=action).modify_document(TEXT) == expected


def test_made_up_values_are_consistent_and_of_the_same_kind():
    first, again, other = (
        PiiModifier(anonymize_action="replace", seed=seed).modify_document(TEXT)
        for seed in (1, 1, 2)
    )
    a, b = re.findall(r"user\d{9}@example\.com", first)

    assert a == b
    assert first == again != other
    assert re.search(r"(192\.0\.2|198\.51\.100|203\.0\.113)\.\d+", first)


@pytest.mark.parametrize("kind", PATTERN_TYPES)
def test_made_up_values_are_known_again(kind):
    values = {item.text[a:b] for item in ITEMS for a, b, t in item.spans if t == kind}
    for value in values:
        made = made_up(value, kind, 7)
        assert made != value
        assert made_up(made, kind, 7) == made


def test_one_card_is_one_card_however_it_is_written():
    assert made_up("4111 1111 1111 1111", "CREDIT_CARD", 0) == made_up(
        "4111111111111111", "CREDIT_CARD", 0
    )


@pytest.mark.parametrize(("kind", "digits"), [("xxh3_64", 16), ("xxh3_128", 32), ("sha256", 64)])
def test_hashes(kind, digits):
    plain, salted = (
        PiiModifier(anonymize_action="hash", hash_type=kind, salt=salt).modify_document(TEXT)
        for salt in ("", "s")
    )
    a, b = re.findall(rf"<EMAIL#([0-9a-f]{{{digits}}})>", plain)

    assert a == b
    assert plain != salted


def test_columns_of_matches_and_counts():
    stage = PiiModifier(anonymize_action="annotate", counts_prefix="n_")
    out = run(stage, [TEXT, "plain", None]).data

    assert out.schema.field("pii").type == pa.list_(
        pa.struct({"type": pa.string(), "start": pa.int64(), "end": pa.int64(),
                   "score": pa.float64()})
    )  # fmt: skip
    told = out.column("pii").to_pylist()
    assert [TEXT[m["start"] : m["end"]] for m in told[0]] == [
        "jane@mail.org", "8.8.8.8", "jane@mail.org",
    ]  # fmt: skip
    assert told[1:] == [[], []]
    assert out.column("text").to_pylist() == [TEXT, "plain", None]
    assert out.column("n_email_address").to_pylist() == [2, 0, 0]
    assert out.column("n_us_ssn").to_pylist() == [0, 0, 0]
    assert set(stage.outputs()[1]) == set(out.column_names) - {"text"}


def test_counts_are_in_the_statistics():
    stage = PiiModifier()
    run(stage, [TEXT, "plain", "8.8.4.4"])

    assert stage._consume_custom_metrics() == {
        "pii.EMAIL_ADDRESS": 2.0, "pii.IP_ADDRESS": 2.0, "pii.documents": 2.0,
    }  # fmt: skip
    run(stage, ["plain"])
    assert stage._consume_custom_metrics() == {}


def test_only_the_types_asked_for():
    stage = PiiModifier(supported_entities=["IP_ADDRESS"])

    assert stage.modify_document(TEXT) == TEXT.replace("8.8.8.8", "<IP_ADDRESS>")


def test_a_threshold_passes_over_what_is_less_sure():
    assert PiiModifier(score_threshold=0.95).modify_document(TEXT).count("<") == 2
    assert PiiModifier().modify_document("212 555 0142") == "212 555 0142"
    assert PiiModifier(score_threshold=0.4).modify_document("212 555 0142") == "<PHONE>"


def test_another_column_is_read_and_written():
    stage = PiiModifier(text_field="body", output_field="clean")
    out = run(stage, ["8.8.8.8"], body=pa.array(["8.8.4.4"])).data

    assert out.column("text").to_pylist() == ["8.8.8.8"]
    assert out.column("body").to_pylist() == ["8.8.4.4"]
    assert out.column("clean").to_pylist() == ["<IP_ADDRESS>"]


@pytest.mark.parametrize("kind", [pa.string_view(), pa.dictionary(pa.int32(), pa.string())])
def test_other_columns_of_text(kind):
    column = pa.array(["8.8.8.8", None, "plain"], pa.string()).cast(kind)
    out = run(PiiModifier(), column).data.column("text")

    assert out.to_pylist() == ["<IP_ADDRESS>", None, "plain"]
    assert out.type == pa.large_string()
    plain = run(PiiModifier(), column.slice(1)).data.column("text")
    assert plain.type == kind  # nothing changed


def test_a_batch_without_personal_data_is_carried_as_it_is():
    batch = DocumentBatch("d", {"text": ["plain", None]}, _carried={"text"})

    assert PiiModifier().process(batch)._carried == {"text"}


def test_rows_that_hold_no_text_are_named():
    with pytest.raises(BadRows, match=r"field 'n' is .*, not text") as caught:
        run(PiiModifier(text_field="n"), ["a", "b"], n=pa.array([1, None]))
    assert sorted(caught.value.reasons) == [0]
    stage = PiiModifier(text_field="n")
    assert stage.input_kinds() == {"n": "text"}
    with pytest.raises(StageError, match="no column"):
        run(PiiModifier(text_field="m"), ["a"])


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({"supported_entities": ["EMAIL"]}, "EMAIL"),
        ({"supported_entities": []}, "empty"),
        ({"anonymize_action": "delete"}, "delete"),
        ({"hash_type": "md5"}, "md5"),
        ({"masking_char": "1"}, "1"),
        ({"masking_char": "**"}, "one sign"),
        ({"language": "tlh", "supported_entities": ["PERSON"]}, "tlh"),
    ],
)
def test_mistakes_are_told(arguments, what):
    with pytest.raises(PlanError, match=re.escape(what)):
        PiiModifier(**arguments)


def test_it_travels_and_works_as_an_old_modifier_did():
    stage = PiiModifier(anonymize_action="mask", masking_char="#")
    stage.modify_document(TEXT)
    copy = pickle.loads(pickle.dumps(stage))

    assert copy == stage
    assert copy.modify_document("8.8.8.8") == "#######"
    assert run(Modify(stage), ["8.8.8.8"]).data.column("text").to_pylist() == ["#######"]


def test_telephone_numbers_by_the_library():
    pytest.importorskip("phonenumbers")
    stage = PiiModifier(supported_entities=["PHONE_NUMBER"], phone_regions=["DE", "GB"])

    assert stage.modify_document("030 22770000") == "<PHONE>"
    assert stage.modify_document("(+1 212-963-1234), x") == "(<PHONE>), x"
    assert stage.modify_document("+1 012-963-1234") == "+1 012-963-1234"
    assert stage.requires == (("phonenumbers", "pii"),)


def test_names_by_a_spacy_pipeline(tmp_path):
    spacy = pytest.importorskip("spacy")
    pipeline = spacy.blank("en")
    rules = [("PERSON", "Ada Lovelace"), ("GPE", "London"), ("ORG", "Royal Society"), ("DATE", "1")]
    pipeline.add_pipe("entity_ruler").add_patterns(
        [{"label": label, "pattern": pattern} for label, pattern in rules]
    )
    pipeline.to_disk(tmp_path / "model")
    stage = PiiModifier(
        supported_entities=["PERSON", "LOCATION", "EMAIL_ADDRESS"],
        ner_model=str(tmp_path / "model"),
    )
    text = "é Ada Lovelace (ada@mail.org) left London for the Royal Society 1"

    assert (
        stage.modify_document(text)
        == "é <PERSON> (<EMAIL>) left <LOCATION> for the Royal Society 1"
    )
    out = run(stage, [None, text, ""]).data.column("text").to_pylist()
    assert out == [None, stage.modify_document(text), ""]
    assert stage.determinism == "rounded"
    assert PiiModifier().determinism == "exact"
    assert stage.requires == (("spacy", "pii"),)


def test_a_model_that_is_missing_is_told():
    pytest.importorskip("spacy")
    stage = PiiModifier(supported_entities=["PERSON"], ner_model="no_such_model")

    with pytest.raises(ModelError, match="no_such_model"):
        stage.modify_document("Ada")
