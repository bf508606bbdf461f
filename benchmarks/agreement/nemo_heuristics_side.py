# SPDX-License-Identifier: Apache-2.0
"""NeMo Curator's side of :mod:`benchmarks.agreement.nemo_heuristics`.

Reads one JSON object of rules and texts, and answers each rule with its scores and what it keeps:
a line of ``[[score, kept], ...]``, or ``[{"raised": name}, null]`` where an exception was raised.
A rule whose libraries are missing answers null.
"""

import importlib
import json
import logging
import sys
import warnings
from typing import Any

MODULES = tuple(
    f"nemo_curator.stages.text.filters.heuristic.{name}" for name in ("string", "repetition")
)


def made(name: str, arguments: dict[str, Any]) -> Any:
    """A filter of NeMo Curator; None where its libraries are missing."""
    for module in MODULES:
        found = getattr(importlib.import_module(module), name, None)
        if found is not None:
            try:
                rule = found(**arguments)
                rule.score_document("文字")
            except (ImportError, RuntimeError) as error:
                print(f"{name} {arguments}: {error}".partition("\n")[0], file=sys.stderr)
                return None
            return rule
    raise AttributeError(name)


def judged(rule: Any, text: str) -> list[Any]:
    """The score and whether it is kept, or what was raised."""
    try:
        score = rule.score_document(text)
        return [float(score), bool(rule.keep_document(score))]
    except Exception as error:
        return [{"raised": type(error).__name__}, None]


def main() -> None:
    """Score all texts by all rules."""
    logging.disable()
    warnings.simplefilter("ignore")
    asked = json.load(sys.stdin)
    for name, arguments, kind in asked["rules"]:
        rule = made(name, arguments)
        texts = asked["texts"][kind]
        print("\x02" + json.dumps(rule and [judged(rule, text) for text in texts]), flush=True)


if __name__ == "__main__":
    main()
