# SPDX-License-Identifier: Apache-2.0
"""Presets and datatrove's own classes on the same documents and words: the scores must be equal.

datatrove tells verdicts, not scores. So each rule is run alone with our score as its bound, which
must keep the document, and with the next number before it, which must drop it: both hold only if
the scores are equal to the last bit.

    python -m benchmarks.agreement.datatrove_presets                      5,000 documents (minutes)
    python -m benchmarks.agreement.datatrove_presets --corpus F --python P

``--corpus`` is a JSONL file with ``text``, ``--python`` the interpreter of an environment that has
datatrove. Documents that differ are listed by cause; another cause, or more than 1% of the
documents, is a failure.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmarks import corpus, peers
from thresher.kernels.c4_plain import count_sentences
from thresher.stages.text.presets import C4, FineWeb, GopherQuality, GopherRepetition

SIDE = Path(__file__).with_name("datatrove_side.py")
MOST = 0.01


def main() -> None:
    """Compare, print and judge."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--python", type=Path)
    parser.add_argument("--documents", type=int, default=5000)
    options = parser.parse_args()
    texts = _sample(options.corpus or next(corpus.jsonl(100).iterdir()), options.documents)
    answers = _ask(options.python or peers.DATATROVE.python(), list(_questions(texts)))
    sys.exit(_report(texts, answers))


def _sample(path: Path, count: int) -> list[str]:
    """Documents from all over a file."""
    with path.open(encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    step = max(len(texts) // count, 1)
    return texts[::step][:count]


def _questions(texts: list[str]) -> Iterator[dict[str, Any]]:
    """Of each document: its text, what it scores by each rule, and what C4 makes of it."""
    column = pa.chunked_array([pa.array(texts, pa.large_string())])
    presets = (GopherQuality(), GopherRepetition(), FineWeb())
    scores = {preset.name: preset.scores(column) for preset in presets}
    whole = C4(min_sentences=None)
    cleaned, counts = whole.clean(column)
    refused = counts["c4_placeholder"] + counts["c4_brace"]
    for i, (text, clean) in enumerate(zip(texts, cleaned.to_pylist(), strict=True)):
        own = {name: {rule: float(of[i]) for rule, of in rules.items()}
               for name, rules in scores.items()}  # fmt: skip
        yield {
            "text": text,
            "scores": own,
            "clean": None if refused[i] else clean,
            "sentences": int(counts["c4_sentences"][i]),
            "by_line": [count_sentences(line) for line in clean.split("\n")] if clean else [],
        }


def _ask(python: Path, questions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What datatrove's side says of each document: the rules that differ, by cause."""
    sent = "".join(json.dumps(question) + "\n" for question in questions)
    ran = subprocess.run([python, SIDE], input=sent, stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]


def _report(texts: list[str], answers: list[dict[str, Any]]) -> int:
    assert len(answers) == len(texts), "an answer for each document"
    rules = {rule for answer in answers for rule in answer["compared"]}
    print(f"{len(texts)} documents, {sum(map(len, texts)) / 1e6:.1f} M characters")
    print(f"compared: {', '.join(sorted(rules))}")
    failed = 0
    for kind in ("scores", "verdicts"):
        differ = Counter(
            f"{rule}: {cause}" for answer in answers for rule, cause in answer[kind].items()
        )
        documents = sum(bool(answer[kind]) for answer in answers)
        print(f"{kind}: {documents} documents differ ({documents / len(texts):.2%})")
        for line, count in sorted(differ.items()):
            print(f"    {count:6} {line}")
        unknown = [line for line in differ if line.endswith(": unknown")]
        failed += documents > MOST * len(texts) or bool(unknown)
    return min(failed, 1)


if __name__ == "__main__":
    main()
