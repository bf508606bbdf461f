# SPDX-License-Identifier: Apache-2.0
"""NeMo Curator's side of :mod:`benchmarks.agreement.nemo_code`.

Reads one JSON object of rules and sources, and answers each source with its scores by rule: a
number, text, null, or the name of the exception that was raised, as ``{"raised": ...}``.
"""

import importlib
import json
import logging
import sys
import time
import warnings
from typing import Any

MODULES = tuple(
    f"nemo_curator.stages.text.filters.{name}"
    for name in ("heuristic.code", "fasttext", "histogram")
)


def made(name: str, arguments: dict[str, Any]) -> Any:
    """A filter of NeMo Curator, ready to score; None where its libraries are missing."""
    for module in MODULES:
        try:
            found = getattr(importlib.import_module(module), name, None)
            if found is None:
                continue
            rule = found(**arguments)
            for hook in ("load_model", "load_tokenizer"):
                getattr(rule, hook, lambda: None)()
        except ImportError as error:
            print(f"{name}: {error}", file=sys.stderr)
            return None
        return rule
    return None


def scored(rule: Any, text: str) -> Any:
    """The score, or what was raised."""
    try:
        score = rule.score_document(text)
    except Exception as error:
        return {"raised": type(error).__name__}
    return score if score is None or isinstance(score, str) else float(score)


def main() -> None:
    """Score all that is asked for."""
    logging.disable()
    warnings.simplefilter("ignore")
    asked = json.load(sys.stdin)
    rules = {label: made(*told) for label, told in asked["rules"].items()}
    seconds = dict.fromkeys(rules, 0.0)
    for source in asked["sources"]:
        scores = {}
        for label in source["rules"]:
            if rules[label] is not None:
                start = time.process_time()
                scores[label] = scored(rules[label], source["text"])
                seconds[label] += time.process_time() - start
        print("\x02" + json.dumps(scores))
    print("\x03" + json.dumps(seconds))


if __name__ == "__main__":
    main()
