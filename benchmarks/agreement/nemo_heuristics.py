# SPDX-License-Identifier: Apache-2.0
"""All heuristics and NeMo Curator's own classes on the same documents, real and nasty ones.

    python -m benchmarks.agreement.nemo_heuristics                    (minutes)
    python -m benchmarks.agreement.nemo_heuristics --python P --documents 500

``--python`` is the interpreter of an environment that has NeMo Curator, and jieba, mecab-python3
and unidic-lite for the rules of Chinese and Japanese. Scores and what is kept are compared; those
that differ are listed by cause, and a cause that is not known is a failure.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmarks import corpus, peers
from thresher.kernels.marks import POLICY_PHRASES
from thresher.stages.filtering import as_objects
from thresher.stages.text import filters

SIDE = Path(__file__).with_name("nemo_heuristics_side.py")
CLOSE = 1e-12

PLAIN: list[tuple[str, dict[str, Any]]] = [
    *(
        (name, {})
        for name in (
            "NonAlphaNumericFilter", "SymbolsToWordsFilter", "NumbersFilter", "UrlsFilter",
            "BulletsFilter", "WhiteSpaceFilter", "ParenthesesFilter", "LongWordFilter",
            "WordCountFilter", "BoilerPlateStringFilter", "MeanWordLengthFilter",
            "PunctuationFilter", "EllipsisFilter", "CommonEnglishWordsFilter",
            "WordsWithoutAlphabetsFilter", "PornographicUrlsFilter", "RepeatedLinesFilter",
            "RepeatedParagraphsFilter", "RepeatedLinesByCharFilter",
            "RepeatedParagraphsByCharFilter",
        )
    ),
    ("CommonEnglishWordsFilter", {"stop_at_false": False}),
    ("UrlsFilter", {"url_regex": r"www\.\w+"}),
    ("PornographicUrlsFilter", {"url_regex": r"[a-z]{4,}"}),
    *(("SubstringFilter", {"substring": "the", "position": p}) for p in ("any", "prefix")),
    ("SubstringFilter", {"substring": ".", "position": "suffix"}),
    *(("RepeatingTopNGramsFilter", {"n": n}) for n in (1, 2, 3, 4)),
    *(("RepeatingDuplicateNGramsFilter", {"n": n}) for n in (1, 2, 3, 5, 6, 7, 8, 9, 10)),
]  # fmt: skip
BY_WORDS = (
    "WordCountFilter", "MeanWordLengthFilter", "LongWordFilter", "SymbolsToWordsFilter",
    "WordsWithoutAlphabetsFilter", "RepeatingTopNGramsFilter", "RepeatingDuplicateNGramsFilter",
)  # fmt: skip

RULES = [(name, arguments, "all") for name, arguments in PLAIN] + [
    (name, {"lang": lang}, "cjk") for lang in ("zh", "ja") for name in BY_WORDS
]

NASTY = [
    "", " ", "\n", "\n\n", " \n \n", "\t", "\u3000", "\x00", "\ufeff", "a", "é", "e\u0301 e\u0301",
    "1", "٣ ٤ ٥", "１２３ ４５６", "𝟘𝟙 𝟚", "² ½ Ⅷ ⓐ", "\u0345 \u093f",
    "کتاب های فارسی. کتاب های فارسی.", "هذا نص عربي مع أرقام ١٢٣ و٤٥٦. هذا نص عربي مع أرقام ١٢٣.",
    "हिन्दी में कुछ शब्द। हिन्दी में कुछ शब्द।", "😀 😀 😀 👩‍👩‍👧 🇩🇪\n😀",
    "中文字符。中文字符。\n中文字符。", "日本語の文章です。日本語の文章です。",
    "한국어 문장입니다.", "a\x0bb\x0cc\x1cd\x1de\x1ef\x85g\xa0h\u2028i\u2029j",
    "x\r\ny\r\nx\r\n\r\ny", "a\n \na\n\u3000\na", "a\n\n\na\n\n\n\na\n\n\n\n\na", "\n\na\n\na",
    "a\n\n", "...", "…\n… x…\n[...]", "READ MORE\nRead More..", "rea\u212a more",
    "# ## ### a# #a #é#", "• a\n‣ b\n  ⦿ c\nd", "(((((((([{⟨⟩}])))", "\b\b\b a",
    "http://a.b https://porn.c http://PORN.d http://é http://x%2 http://x%20y", "porn http://a.b",
    "Lorem Ipsum\n\nx", "lorem\n\nipsum", "Privacy Policy\n\nx",
    "uses coo\u212aies\n\nTERMS OF USE\n\nx",
    "Necessary cookies are absolutely essential for the website to function properly, we say.\n\nx",
    "the the the The be", "the", "of.", "to\u3000be\u2028or", "a a", "a a a a a a a a a a a a",
    "a b c a b c a b", "a b  b a\nb a b", "x" * 1001, "x" * 1000, "ab " * 3000, "\u212a" * 50,
    "a" * 70000,
]  # fmt: skip


def main() -> None:
    """Compare, print and judge."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--python", type=Path)
    parser.add_argument("--documents", type=int, default=5000, help="so many of the real ones")
    options = parser.parse_args()
    real = list(islice(_documents("technical", 100), options.documents))
    others = [*islice(_documents("non-latin", 20), options.documents // 5), *NASTY]
    cjk = [text for text in others if _is_cjk(text)][: options.documents // 20] + NASTY
    texts = {"all": real + others, "cjk": cjk}
    theirs = _ask(options.python or peers.NEMO_CURATOR.python(), texts)
    failed = False
    for (name, arguments, kind), answers in zip(RULES, theirs, strict=True):
        failed |= _compare(name, arguments, texts[kind], answers)
    sys.exit(failed)


def _documents(kind: str, size_mb: int) -> Iterator[str]:
    for path in sorted(corpus.jsonl(size_mb, 1, kind).glob("*.jsonl")):
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)["text"]


def _is_cjk(text: str) -> bool:
    return sum("\u3040" <= c <= "\u9fff" for c in text) > len(text) / 10


def _ask(python: Path, texts: dict[str, list[str]]) -> list[Any]:
    asked = json.dumps({"rules": RULES, "texts": texts})
    process = subprocess.run(
        [python, SIDE], input=asked.encode(), stdout=subprocess.PIPE, check=True
    )
    lines = process.stdout.decode().split("\n")
    return [json.loads(line[1:]) for line in lines if line.startswith("\x02")]


def _compare(name: str, arguments: dict[str, Any], texts: list[str], theirs: Any) -> bool:
    """Print what differs, by cause; whether a cause is not known."""
    label = " ".join([name, *(f"{key}={value!r}" for key, value in arguments.items())])
    if theirs is None:
        print(f"{label}: not compared, NeMo Curator lacks a library")
        return False
    rule = getattr(filters, name)(**arguments)
    own = [rule.score_document(text) for text in texts]
    column = as_objects(rule.score_column(pa.array(texts, pa.large_string())))
    assert column == own, f"{label}: the column form differs from the definition"
    causes: Counter[str] = Counter()
    decided: Counter[str] = Counter()
    examples = defaultdict(list)
    for text, score, (their_score, kept) in zip(texts, own, theirs, strict=True):
        same = isinstance(their_score, float) and abs(score - their_score) <= CLOSE
        if same and rule.keep_document(score) == kept:
            continue
        cause = _cause(rule, text, their_score)
        causes[cause] += 1
        decided[cause] += kept is not None and rule.keep_document(score) != kept
        examples[cause].append((text[:60], score, their_score))
    print(f"{label}: {len(texts) - causes.total():,} of {len(texts):,} equal")
    for cause, count in causes.items():
        print(f"    {count:,} {cause}; {decided[cause]:,} decided otherwise")
        if cause == "unknown":
            print(*(f"        {example}" for example in examples[cause][:5]), sep="\n")
    return bool(causes["unknown"])


def _cause(rule: Any, text: str, theirs: Any) -> str:
    """Why a score differs from ours, of what our definitions state."""
    if isinstance(theirs, dict):
        return f"where NeMo Curator raises {theirs['raised']}"
    beginnings = [phrase for phrase in POLICY_PHRASES if len(phrase) > 40]
    for kind, holds, cause in (
        (
            filters.NumbersFilter,
            lambda: any(c.isdecimal() and not c.isascii() for c in text),
            "with digits of other scripts, which count by the definition",
        ),
        (
            filters.WordsWithoutAlphabetsFilter,
            lambda: any(map(_is_only_alphabetic, rule.words(text))),
            "with words of marks, numerals or symbols that Unicode calls alphabetic, no letters",
        ),
        (
            filters.BoilerPlateStringFilter,
            lambda: any(part in text.lower() for part in beginnings),
            "with the beginning of a banner that goes on otherwise",
        ),
        (
            filters.RepeatingTopNGramsFilter,
            lambda: any(abs(share - theirs) <= CLOSE for share in _of_equals(rule, text)),
            "where another sequence is as frequent as the first, which is the one by definition",
        ),
    ):
        if isinstance(rule, kind) and holds():
            return cause
    return "unknown"


def _of_equals(rule: filters.RepeatingTopNGramsFilter, text: str) -> Iterator[float]:
    """What each of the most frequent sequences would score."""
    words = rule.words(text)
    counts = Counter(zip(*(words[k:] for k in range(rule.n)), strict=False))
    most = max(counts.values())
    for sequence, count in counts.items():
        if count == most:
            yield (len(text) - len(text.replace(" ".join(sequence), ""))) / len(text)


def _is_only_alphabetic(word: str) -> bool:
    kinds = {unicodedata.category(c) for c in word}
    return not any(map(str.isalpha, word)) and bool(kinds & {"Mn", "Mc", "Nl", "So", "Cn"})


if __name__ == "__main__":
    main()
