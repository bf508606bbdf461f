# SPDX-License-Identifier: Apache-2.0
"""Measure every filter alone, for the table of the docs: ``docs/filter_speeds.json``.

python -m benchmarks.text_filters.speeds --mb 20
"""

import argparse
import json
import statistics
from pathlib import Path

import pyarrow as pa

from benchmarks import corpus
from benchmarks.text_filters.timing import repeat, texts_of
from thresher.catalog import catalog
from thresher.stages.text.filters import DocumentFilter
from thresher.stages.text.filters.signals import SignalMemo

TARGET = Path(__file__).parents[2] / "docs" / "filter_speeds.json"
SLOW_MB = 0.5


def main() -> None:
    """Write the medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mb", type=float, default=20, help="size of the text")
    parser.add_argument("--runs", type=int, default=5)
    chosen = parser.parse_args()
    (path,) = corpus.jsonl(chosen.mb, 1).glob("*.jsonl")
    texts = texts_of(path)
    found = {}
    for entry in catalog().of_kind("filter"):
        made = entry.load()
        if issubclass(made, DocumentFilter) and made.EXAMPLES:
            speed = _speed(made(**made.EXAMPLES[0]), texts, chosen.runs)
            if speed is not None:
                found[entry.name] = speed
                print(f"{entry.name:<32} {speed:10.1f}", flush=True)
    TARGET.write_text(json.dumps({"mb_per_cpu_second": found}, indent=1) + "\n")


def _speed(rule: DocumentFilter, texts: list[str], runs: int) -> float | None:
    try:
        _load(rule)
        rule.score_with(pa.array(texts[:20], pa.large_string()), SignalMemo())
    except Exception as error:
        print(f"{type(rule).__name__:<32} {'not measured':>12}: {error}")
        return None
    given = texts
    if not rule.needed_signals():
        given = _prefix(texts, SLOW_MB)
    column = pa.array(given, pa.large_string())
    seconds, _ = repeat(lambda: rule.score_with(column, SignalMemo()), runs)
    return sum(len(text.encode()) for text in given) / 1e6 / statistics.median(seconds)


def _load(rule: DocumentFilter) -> None:
    for hook in ("model_check_or_download", "load_model", "load_tokenizer"):
        if hasattr(rule, hook):
            getattr(rule, hook)()


def _prefix(texts: list[str], mb: float) -> list[str]:
    size = 0
    for number, text in enumerate(texts):
        size += len(text.encode())
        if size >= mb * 1e6:
            return texts[: number + 1]
    return texts


if __name__ == "__main__":
    main()
