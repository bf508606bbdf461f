# SPDX-License-Identifier: Apache-2.0
"""What filters may define beside scoring: fetching and loading models."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def fetch_models(rules: Iterable[Any]) -> None:
    """Call ``model_check_or_download`` of the filters that have it; once per machine."""
    _call(rules, "model_check_or_download")


def load_models(rules: Iterable[Any]) -> None:
    """Call ``load_model`` and ``load_tokenizer`` of the filters that have them; once per worker."""
    _call(rules, "load_model")
    _call(rules, "load_tokenizer")


def _call(rules: Iterable[Any], hook: str) -> None:
    for rule in rules:
        method = getattr(rule, hook, None)
        if callable(method):
            method()
