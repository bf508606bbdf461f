# SPDX-License-Identifier: Apache-2.0
"""datatrove's side of :mod:`benchmarks.agreement.datatrove_presets`.

Reads questions as JSON lines and answers each with the rules whose scores or verdicts differ. Words
are what stands between white space: datatrove's own splitter is replaced. Sentences are counted by
datatrove's own splitter where its environment has it (spaCy), and by ours.
"""

import importlib
import json
import math
import sys
from collections.abc import Callable
from typing import Any

from datatrove.data import Document
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
)

QUALITY = {
    "min_words": "min_doc_words",
    "max_words": "max_doc_words",
    "min_mean_word_length": "min_avg_word_length",
    "max_mean_word_length": "max_avg_word_length",
    "max_bullet_line_ratio": "max_bullet_lines_ratio",
    "max_ellipsis_line_ratio": "max_ellipsis_lines_ratio",
    "min_letter_word_ratio": "max_non_alpha_words_ratio",
    "min_stop_words": "min_stop_words",
}
SYMBOLS = ("max_hash_ratio", "max_ellipsis_ratio")  # one bound for both there
REPETITION = {
    "max_repeated_paragraph_ratio": "dup_para_frac",
    "max_repeated_paragraph_character_ratio": "dup_para_char_frac",
    "max_repeated_line_ratio": "dup_line_frac",
    "max_repeated_line_character_ratio": "dup_line_char_frac",
}
FINEWEB = {
    "min_ended_line_ratio": "line_punct_thr",
    "max_short_line_ratio": "short_line_thr",
    "max_repeated_line_character_ratio": "char_duplicates_ratio",
    "max_feed_ratio": "new_line_ratio",
}
QUALITY_OFF = {**dict.fromkeys(QUALITY.values()), "max_symbol_word_ratio": None}
REPETITION_OFF = {**dict.fromkeys(REPETITION.values()), "top_n_grams": (), "dup_n_grams": ()}
FINEWEB_OFF = {
    "line_punct_thr": -1,
    "short_line_thr": math.inf,
    "char_duplicates_ratio": math.inf,
    "new_line_ratio": math.inf,
}


def filters(name: str) -> Any:
    """The module that holds a filter and the names it has imported."""
    return importlib.import_module(f"datatrove.pipeline.filters.{name}")


def kept(made: Any, text: str) -> bool:
    """Whether a filter keeps a document."""
    return made.filter(Document(text=text, id="")) is True


def equal(make: Callable[[float], Any], rule: str, score: float, text: str) -> bool:
    """Whether the rule has just this score: kept at it as a bound, dropped next to it."""
    low = rule.startswith("min_")
    beyond = math.nextafter(score, math.inf if low else -math.inf)
    if not kept(make(score), text):
        return False
    return not kept(make(beyond), text)


def makers(scores: dict[str, dict[str, float]]) -> dict[str, tuple[Callable[[float], Any], float]]:
    """Of each rule a filter with this rule alone, by its bound; and our score."""
    made: dict[str, tuple[Callable[[float], Any], float]] = {}
    quality, repetition, fineweb = (
        scores[name] for name in ("gopher_quality", "gopher_repetition", "fineweb")
    )

    def alone(cls: Any, off: dict[str, Any], key: str) -> Callable[[float], Any]:
        return lambda bound: cls(**{**off, key: bound})

    def of_n(key: str, n: int) -> Callable[[float], Any]:
        return lambda bound: GopherRepetitionFilter(**{**REPETITION_OFF, key: ((n, bound),)})

    for rule, key in QUALITY.items():
        made[f"gopher_quality.{rule}"] = alone(GopherQualityFilter, QUALITY_OFF, key), quality[rule]
    most = max(quality[rule] for rule in SYMBOLS)
    maker = alone(GopherQualityFilter, QUALITY_OFF, "max_symbol_word_ratio")
    made["gopher_quality.max_symbol_ratio"] = maker, most
    for rule, key in REPETITION.items():
        made[f"gopher_repetition.{rule}"] = (
            alone(GopherRepetitionFilter, REPETITION_OFF, key),
            repetition[rule],
        )
    for rule, score in repetition.items():
        kind, _, n = rule.partition("_")
        if n.endswith("gram"):
            key = {"top": "top_n_grams", "repeated": "dup_n_grams"}[kind]
            made[f"gopher_repetition.{rule}"] = of_n(key, int(n.removesuffix("gram"))), score
    for rule, key in FINEWEB.items():
        made[f"fineweb.{rule}"] = alone(FineWebQualityFilter, FINEWEB_OFF, key), fineweb[rule]
    return made


def joined_words_differ(make: Callable[[float], Any], rule: str, text: str) -> bool:
    """Whether datatrove's score is that of words joined without a separator.

    "ab c" equals "a bc" there.
    """
    kind, _, n = rule.partition(".")[2].partition("_")
    if kind != "repeated":
        return False
    size = int(n.removesuffix("gram"))
    found = text.split()
    seen: set[str] = set()
    characters = place = 0
    while place + size <= len(found):
        sequence = "".join(found[place : place + size])
        if sequence in seen:
            characters += len(sequence)
            place += size
        else:
            seen.add(sequence)
            place += 1
    return equal(make, rule, characters / len(text), text)


def compare_c4(question: dict[str, Any]) -> dict[str, str]:
    """What differs of C4, by cause."""
    c4 = filters("c4_filters")
    differ: dict[str, str] = {}
    counts = iter(question["by_line"])
    c4.split_into_sentences = lambda line, *_: [line] * next(counts, 1)
    document = Document(text=question["text"], id="")
    verdict = C4QualityFilter(min_num_sentences=max(question["sentences"], 1)).filter(document)
    clean = question["clean"]
    if (verdict is True) != (clean is not None and question["sentences"] > 0):
        differ["c4"] = "unknown"
    elif clean and document.text != clean:
        differ["c4.text"] = "unknown"
    return differ


def verdict_of_c4(question: dict[str, Any], native: Callable[..., Any]) -> dict[str, str]:
    """Whether C4's verdict differs when datatrove counts sentences itself."""
    filters("c4_filters").split_into_sentences = native
    ours = question["clean"] is not None and question["sentences"] >= 5
    if kept(C4QualityFilter(), question["text"]) == ours:
        return {}
    return {"c4": "sentences" if question["clean"] is not None else "unknown"}


def verdicts(question: dict[str, Any]) -> dict[str, str]:
    """The filters as published whose verdicts differ from ours."""
    own, text = question["scores"], question["text"]
    q, r, f = own["gopher_quality"], own["gopher_repetition"], own["fineweb"]
    quality = (
        50 <= q["min_words"] <= 100000 and 3 <= q["min_mean_word_length"] <= 10
        and q["max_hash_ratio"] <= 0.1 and q["max_ellipsis_ratio"] <= 0.1
        and q["max_bullet_line_ratio"] <= 0.9 and q["max_ellipsis_line_ratio"] <= 0.3
        and q["min_letter_word_ratio"] >= 0.8 and q["min_stop_words"] >= 2
    )  # fmt: skip
    bounds = {2: 0.2, 3: 0.18, 4: 0.16}
    repeated = {5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.1}
    repetition = (
        r["max_repeated_paragraph_ratio"] <= 0.3 and r["max_repeated_line_ratio"] <= 0.3
        and r["max_repeated_paragraph_character_ratio"] <= 0.2
        and r["max_repeated_line_character_ratio"] <= 0.2
        and all(r[f"top_{n}gram"] <= bound for n, bound in bounds.items())
        and all(r[f"repeated_{n}gram"] <= bound for n, bound in repeated.items())
    )  # fmt: skip
    fineweb = (
        f["min_ended_line_ratio"] >= 0.12 and f["max_short_line_ratio"] <= 0.67
        and f["max_repeated_line_character_ratio"] <= 0.01 and f["max_feed_ratio"] <= 0.3
    )  # fmt: skip
    pairs = (
        ("gopher_quality", GopherQualityFilter(), quality),
        ("gopher_repetition", GopherRepetitionFilter(), repetition),
        ("fineweb", FineWebQualityFilter(), fineweb),
    )
    return {name: "unknown" for name, made, ours in pairs if kept(made, text) != ours}


def answer(question: dict[str, Any], native: Callable[..., Any] | None) -> dict[str, Any]:
    """All that differs of one document."""
    text = question["text"]
    scores: dict[str, str] = {}
    compared = ["c4.sentences", "c4.text"]
    for rule, (make, score) in makers(question["scores"]).items():
        compared.append(rule)
        if not equal(make, rule.partition(".")[2], score, text):
            known = joined_words_differ(make, rule, text)
            scores[rule] = "words joined without a separator" if known else "unknown"
    scores |= compare_c4(question)
    told = verdicts(question)
    for name in told:
        if any(rule.startswith(name) and cause != "unknown" for rule, cause in scores.items()):
            told[name] = "words joined without a separator"
    if native is not None:
        compared.append("c4 verdict, sentences by datatrove")
        told |= verdict_of_c4(question, native)
    return {"compared": compared, "scores": scores, "verdicts": told}


def main() -> None:
    """Answer the questions of standard input."""
    for name in ("gopher_quality_filter", "gopher_repetition_filter", "fineweb_quality_filter"):
        filters(name).split_into_words = lambda text, *_: text.split()
    native: Callable[..., Any] | None = filters("c4_filters").split_into_sentences
    try:
        assert native is not None
        native("One. Two.", "eng")
    except ImportError:
        print("no spaCy there: sentences are counted by our rule only", file=sys.stderr)
        native = None
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line), native)), flush=True)


if __name__ == "__main__":
    main()
