# SPDX-License-Identifier: Apache-2.0
"""Parameters as an example would give them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from thresher.config.signatures import Parameter, accepts

_WORDS = {
    "file_paths": "data/in",
    "path": "data/out",
    "filter_field": "n_words",
    "id_field": "doc_id",
    "score_field": "n_words",
    "tokenizer": "tokenizer.json",
    "filter_obj": "{WordCountFilter: {min_words: 80}}",
    "filter_fn": "{WordCountFilter: {min_words: 80}}",
    "score_fn": "{WordCountFilter: {min_words: 80}}",
    "modifier_fn": "UnicodeReformatter",
    "memory": "8GB",
}
_DULL = ("task_type",)
_MOST = 4


def example_of(parameters: Iterable[Parameter]) -> list[tuple[str, str]]:
    """(parameter, value as YAML) pairs: what is required, and some of what is not."""
    given = list(parameters)
    required = [p for p in given if p.required]
    others = [p for p in given if p.name not in _DULL and _is_telling(p)]
    room = max(0, _MOST - len(required))
    return [(p.name, _value(p)) for p in (*required, *others[:room])]


def _is_telling(parameter: Parameter) -> bool:
    default = parameter.default
    return not parameter.required and isinstance(default, int | float | str) and default != ""


def _value(parameter: Parameter) -> str:
    if parameter.name in _WORDS:
        return _WORDS[parameter.name]
    if not parameter.required:
        return json.dumps(parameter.default).strip('"')
    samples: tuple[Any, ...] = (1, 0.5, "text", ["text"], {})
    for sample in samples:
        if accepts(sample, parameter.hint):
            return json.dumps(sample).strip('"')
    return "..."
