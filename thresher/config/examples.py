# SPDX-License-Identifier: Apache-2.0
"""Parameters as an example would give them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import yaml

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
    "url_generator": "{UrlList: {urls: [https://example.org/a.jsonl]}}",
    "downloader": "{HttpDownloader: {download_dir: data/raw}}",
    "iterator": "JsonlIterator",
    "download_dir": "data/raw",
    "split": "valid",
}
# What a class refuses to be made without, or with anything else.
_NEEDED = {
    "FastTextLangId.model_path": "model.ftz",
    "FastTextQualityFilter.model_path": "model.ftz",
    "GeneralCommentToCodeFilter.language": "text/x-java",
    "MegatronTokenizerWriter.model_identifier": "tokenizer.json",
    "NonEnglishQuality.language": "de",
    "PackedSequenceWriter.model_identifier": "tokenizer.json",
    "ScoreBuckets.thresholds": "[0.3, 0.7]",
    "SubstringFilter.position": "prefix",
    "TokenCountFilter.tokenizer": "tokenizer.json",
    "TokenizerFertilityFilter.path_to_tokenizer": "tokenizer.json",
}
_DULL = ("task_type",)
_MOST = 4


def example_of(name: str, parameters: Iterable[Parameter]) -> list[tuple[str, str]]:
    """(parameter, value as YAML) pairs for a class: what it needs, and some of what it does not."""
    given = list(parameters)
    needed = [p for p in given if p.required or f"{name}.{p.name}" in _NEEDED]
    others = [p for p in given if p not in needed and p.name not in _DULL and _is_telling(p)]
    room = max(0, _MOST - len(needed))
    return [(p.name, _value(name, p)) for p in (*needed, *others[:room])]


def _is_telling(parameter: Parameter) -> bool:
    default = parameter.default
    return not parameter.required and isinstance(default, int | float | str) and default != ""


def _value(name: str, parameter: Parameter) -> str:
    known = _NEEDED.get(f"{name}.{parameter.name}") or _WORDS.get(parameter.name)
    if known is not None:
        return known
    if not parameter.required:
        return _as_yaml(parameter.default)
    samples: tuple[Any, ...] = (1, 0.5, "text", ["text"], {})
    for sample in samples:
        if accepts(sample, parameter.hint):
            return json.dumps(sample).strip('"')
    return "..."


def _as_yaml(value: Any) -> str:
    if isinstance(value, str) and "\n" in value:
        return json.dumps(value)
    return str(yaml.safe_dump(value, width=1000)).split("\n")[0]
