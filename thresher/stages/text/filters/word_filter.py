# SPDX-License-Identifier: Apache-2.0
"""Filters that look at words, and what a word is in which language."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

from thresher.errors import missing_extra
from thresher.stages.text.filters.document_filter import DocumentFilter

Splitter = Callable[[str], list[str]]


class WordFilter(DocumentFilter):
    """A filter that splits documents into words.

    Words are what stands between white space as Unicode has it (``str.split()``), except in
    Chinese (``lang="zh"``, by jieba) and Japanese (``lang="ja"``, by MeCab).
    """

    def __init__(self, lang: str = "en") -> None:
        self.lang = lang

    @property
    def requires(self) -> tuple[tuple[str, str], ...]:
        """(package, extra) pairs that the language needs; looked for before a run."""
        package = _PACKAGES.get(self.lang)
        return ((package, "cjk"),) if package else ()

    def words(self, text: str) -> list[str]:
        """The words of a document."""
        return word_splitter(self.lang)(text.strip())

    def needed_signals(self) -> tuple[str, ...]:
        """None where words are not divided by white space: no kernel knows such words."""
        return () if self.lang in _SPLITTERS else super().needed_signals()


def word_splitter(lang: str) -> Splitter:
    """The function that splits a text of this language into words."""
    make = _SPLITTERS.get(lang)
    return str.split if make is None else make()


@cache
def _chinese() -> Splitter:
    jieba = _library("jieba", "jieba", "Chinese")
    jieba.setLogLevel(logging.WARNING)  # it tells of its dictionary each time
    return lambda text: list(jieba.cut(text))


@cache
def _japanese() -> Splitter:
    tagger = _library("MeCab", "mecab-python3", "Japanese").Tagger("-Owakati")
    # Blanks part the words it finds; other white space may be a word of its own.
    return lambda text: [word for word in tagger.parse(text).rstrip("\n").split(" ") if word]


def _library(module: str, package: str, language: str) -> Any:
    try:
        return import_module(module)
    except ImportError:
        feature = f"splitting {language} text into words"
        raise missing_extra(feature, package, "cjk") from None


_SPLITTERS: dict[str, Callable[[], Splitter]] = {"zh": _chinese, "ja": _japanese}
_PACKAGES = {"zh": "jieba", "ja": "MeCab"}
