# SPDX-License-Identifier: Apache-2.0
"""Presets: bounds, drops under the first rule that fails, annotations, both forms alike."""

import json
import pickle
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings

from tests.kernels.documents import columns, kernels, shapes
from thresher.errors import PlanError, StageError
from thresher.stages.text.presets import (
    C4,
    CodeQuality,
    FineWeb,
    GopherQuality,
    GopherRepetition,
    NonEnglishQuality,
    Preset,
    RefinedWebLines,
)
from thresher.tasks import DocumentBatch
from thresher.tasks.bad_rows import BadRows

EXAMPLES: list[Preset] = [
    GopherQuality(),
    GopherQuality(min_words=1, min_stop_words=None, max_bullet_line_ratio=None,
                  max_ellipsis_line_ratio=None),
    GopherRepetition(),
    GopherRepetition(top_ngrams={1: 0.5}, repeated_ngrams={}),
    GopherRepetition(top_ngrams={}, repeated_ngrams={3: 0.1}),
    C4(),
    C4(min_sentences=None, end_mark=False, min_words_per_line=None, max_word_length=5),
    FineWeb(),
    FineWeb(end_marks="é.", short_line_length=3, keep_without_end_marks=True),
    RefinedWebLines(),
    CodeQuality(),
    NonEnglishQuality("de", min_words=3),
]  # fmt: skip
ALL = pytest.mark.parametrize("preset", EXAMPLES, ids=repr)

HANDBOOK = Path(__file__).parents[4] / "examples" / "corpus" / "en" / "pages.jsonl"


def handbook() -> list[str]:
    texts = []
    for line in HANDBOOK.read_text(encoding="utf-8", errors="replace").splitlines()[:150]:
        try:
            text = json.loads(line).get("text")
        except ValueError:
            continue
        texts += [text] if isinstance(text, str) else []
    return texts


def batch(texts: list[str | None]) -> DocumentBatch:
    table = pa.table({"text": pa.array(texts, pa.string()), "__row": list(range(len(texts)))})
    return DocumentBatch("docs", table)


def scores(preset: Preset, column: pa.Array | pa.ChunkedArray) -> dict[str, list[str]]:
    found = preset.scores(column)
    return {rule.name: [v.hex() for v in found[rule.name].tolist()] for rule in preset.rules()}


@ALL
@settings(max_examples=15, deadline=None)
@given(texts=columns)
def test_kernels_and_plain_definitions_score_alike(preset, texts):
    with kernels("plain"):
        expected = scores(preset, pa.array(texts, pa.string()))
    with kernels("compiled"):
        for column in shapes(texts):
            assert scores(preset, column) == expected


@ALL
@pytest.mark.parametrize("kind", ["plain", "compiled"])
def test_filtering_judging_and_annotating_agree_on_real_text(preset, kind):
    task = batch([*handbook(), None, ""])
    noting = type(preset)(**{**preset.parameters(), "mode": "annotate", "all_scores": True})
    with kernels(kind):
        kept = preset.process(task)
        dropped = preset.drops()
        noted = noting.process(task)
        judged = preset.judge(task)

    name = preset.name
    column = noted.data.column
    rules = column(f"{name}_rule").to_pylist()
    assert noted.data.column("text").equals(task.data.column("text"))
    assert column(f"{name}_kept").to_pylist() == [rule is None for rule in rules]
    assert kept.data.column("__row").to_pylist() == [i for i, r in enumerate(rules) if r is None]
    assert dropped == {f"{name}.{r}": rules.count(r) for r in rules if r is not None}
    for i, rule in enumerate(rules):
        score = column(f"{name}_score")[i].as_py()
        assert score == (None if rule is None else column(f"{name}_{rule}")[i].as_py())
    assert noted.data.column_names[2:] == noting.outputs()[1]
    assert noting.rows == "same"
    if judged is not None:
        assert [f"{name}.{rule.name}" for rule in preset.rules()] == [rule for rule, _ in judged]


@ALL
def test_presets_travel_compare_and_print(preset):
    copy = pickle.loads(pickle.dumps(preset))
    assert copy == preset
    assert eval(repr(preset), dict(globals())) == preset


@ALL
def test_no_rows_and_columns_that_are_no_text(preset):
    assert preset.process(batch([])).num_items == 0
    with pytest.raises(BadRows, match=r"field 'text' is .*, not text") as caught:
        preset.process(DocumentBatch("docs", {"text": [1, None, 2]}))
    assert sorted(caught.value.reasons) == [0, 2]
    assert preset.input_kinds() == {"text": "text"}
    with pytest.raises(StageError, match="no column"):
        preset.process(DocumentBatch("docs", {"words": ["a"]}))


def test_a_score_at_a_bound_is_kept():
    task = batch(["the of a", "the of a b"])
    assert GopherQuality(min_words=4, min_mean_word_length=None).process(task).num_items == 1
    stage = GopherQuality(min_words=3, max_words=3, min_mean_word_length=2)
    assert stage.process(task).data.column("text").to_pylist() == ["the of a"]
    assert stage.drops() == {"gopher_quality.max_words": 1}


def test_only_asked_for_signals_are_counted():
    stage = GopherQuality(
        max_bullet_line_ratio=None, max_ellipsis_line_ratio=None, min_stop_words=None
    )
    assert stage.kernels() == ["gopher_words"]
    assert GopherQuality().kernels() == ["gopher_words", "gopher_lines", "gopher_stop_words"]


def test_published_bounds():
    quality = {r.name: (r.low, r.high) for r in GopherQuality().rules()}
    assert quality["min_words"] == (50, None)
    assert quality["max_mean_word_length"] == (None, 10)
    repetition = {r.name: r.high for r in GopherRepetition().rules()}
    assert repetition["top_2gram"] == 0.2
    assert repetition["repeated_10gram"] == 0.1
    assert {r.name: r.low or r.high for r in FineWeb().rules()} == {
        "empty": 1,
        "min_ended_line_ratio": 0.12,
        "max_short_line_ratio": 0.67,
        "max_repeated_line_character_ratio": 0.01,
        "max_feed_ratio": 0.3,
    }


def test_c4_keeps_nulls_and_the_type_of_the_column():
    for kind in ("plain", "compiled"):
        with kernels(kind):
            task = batch(["Fine so far.\nNo", None])
            out = C4(min_sentences=None).process(task)
        assert out.data.column("text").to_pylist() == ["Fine so far.", None]
        assert out.data.schema.field("text").type == pa.string()


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("It has been raining all day long.", "It has been raining all day long."),
        ("TERMS AND CONDITIONS", None),
        ("NATO and UN MET.", None),
        ("NATO and the others met.", "NATO and the others met."),
        ("12 34", None),
        ("12.5 34", "12.5 34"),
        ("3 likes", None),
        ("1 Comment", None),
        ("1,234 views.", None),
        ("3 dogs", "3 dogs"),
        ("Share", None),
        ("Sign in", None),
        ("Sign in to see it all.", "to see it all."),
        ("A short notice of rain. Read more...", "A short notice of rain."),
        ("You have 3 items in cart now", "You have 3  now"),
        ("one two three four five six seven eight nine ten, read more",) * 2,
        ("", ""),
        ("Ärzte für Ökologie", "Ärzte für Ökologie"),
    ],
)
def test_lines_that_refinedweb_corrects(line, kept):
    text, counts = RefinedWebLines().correct(f"The first one.\n{line}\nThe last one.")
    assert text.split("\n") == [
        "The first one.",
        *([] if kept is None else [kept]),
        "The last one.",
    ]
    assert counts["words"] - counts["flagged_words"] == len(text.split())


def test_refinedweb_drops_what_is_full_of_such_lines():
    full = "\n".join(["one two three four five six seven eight nine ten eleven."] * 4 + ["a " * 3])
    stage = RefinedWebLines()
    assert stage.process(batch([full + "\nShare", full + "\n1 like\nShare"])).num_items == 1
    assert stage.drops() == {"refinedweb_lines.max_flagged_word_ratio": 1}


@pytest.mark.parametrize(
    ("source", "rule"),
    [
        ("def f(x):\n    return x\n", None),
        ("x = 1\n" + "y" * 1001, "max_line_length"),
        ("y = f(x) " * 20, "max_mean_line_length"),
        ("+-*/ (((( )))) ====", "min_alphanumeric_ratio"),
        ("1234 5678 9012 a", "min_letter_ratio"),
        ("<?xml version='1.0'?>\n<root>text</root>", "xml"),
        ("# comment\n# AUTO-GENERATED by tool\nx = abc", "generated"),
        ("a\nb\nc\nd\ne\n# auto-generated", None),
        ("", "min_alphanumeric_ratio"),
    ],
)
def test_sources_that_are_no_code_of_anyone(source, rule):
    noted = CodeQuality(mode="annotate").process(batch([source]))
    assert noted.data.column("code_quality_rule").to_pylist() == [rule]


def test_a_language_has_its_own_words_and_lengths():
    text = "Die Donaudampfschifffahrtsgesellschaft hat nicht und mit der Arbeit begonnen " * 7
    german = NonEnglishQuality("de")
    assert german.process(batch([text])).num_items == 1
    assert NonEnglishQuality("fr").process(batch([text])).num_items == 0
    assert german.max_mean_word_length == 12
    assert NonEnglishQuality("de-AT", max_mean_word_length=None).max_mean_word_length is None


@pytest.mark.parametrize(
    "make",
    [
        lambda: GopherQuality(mode="drop"),  # type: ignore[arg-type]
        lambda: GopherQuality(all_scores=True),
        lambda: GopherQuality(text_field=None),  # type: ignore[arg-type]
        lambda: GopherRepetition(top_ngrams={0: 0.5}),
        lambda: FineWeb(end_marks=["..."]),
        lambda: NonEnglishQuality("zh"),
        lambda: NonEnglishQuality("xx"),
        lambda: NonEnglishQuality("de", max_mean_word_length="long"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(make):
    with pytest.raises(PlanError) as caught:
        make()
    assert caught.value.where
    assert caught.value.todo
