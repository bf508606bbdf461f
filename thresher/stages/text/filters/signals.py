# SPDX-License-Identifier: Apache-2.0
"""Signals: whole numbers per document that kernels count and filters make their scores of.

Filters that follow one another over an unchanged column share a :class:`SignalMemo`: what one of
them has counted, the others need not count again.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from thresher.errors import StageError
from thresher.kernels.arrow_text import Text, is_text, text_chunks
from thresher.kernels.compiled import ready

Signal: TypeAlias = npt.NDArray[np.int64]
"""int64[n_rows]: one number per document."""

Column: TypeAlias = "pa.Array | pa.ChunkedArray"

# The signals of each kernel, counted in one pass by `thresher.kernels.<kernel>.signals`. One that
# takes a parameter is asked for as "<signal>:<whole number>", and its kernel is given the number.
KERNELS: dict[str, tuple[str, ...]] = {
    "words": ("words", "word_characters"),
    "characters": ("characters", "plain_characters", "digits", "blanks", "parentheses"),
    "symbols": ("symbol_words",),
    "lines": (
        "lines",
        "bullet_lines",
        "unended_lines",
        "ellipsis_lines",
        "unique_lines",
        "line_characters",
        "unique_line_characters",
    ),
    "paragraphs": (
        "paragraphs",
        "policy_paragraphs",
        "placeholders",
        "unique_paragraphs",
        "paragraph_characters",
        "unique_paragraph_characters",
    ),
    "ngrams": ("top_ngram_characters", "duplicate_ngram_characters"),
    "longest_word": ("longest_word",),
    "common_words": ("common_words",),
    "alphabetic_words": ("alphabetic_words",),
    "urls": ("url_characters", "pornographic_urls"),
    "letters": ("letters",),
    "source_lines": ("line_feeds", "longest_line"),
    "xml_header": ("xml_headers",),
}

# Kernels that count no more than they are asked for: they are given all names at once.
TOGETHER = frozenset({"lines", "ngrams", "paragraphs"})

_KERNEL_OF = {signal: kernel for kernel, signals in KERNELS.items() for signal in signals}


def kernels_of(names: Iterable[str]) -> tuple[str, ...]:
    """The modules of :mod:`thresher.kernels` that count these signals."""
    return tuple(dict.fromkeys(_KERNEL_OF[name.partition(":")[0]] for name in names))


class SignalMemo:
    """Signals of the column last seen.

    A column is known again by its buffers' addresses. The memo holds on to the column, so that no
    address can come to stand for other text.

    Parameters
    ----------
    expected : iterable of str
        Signals that will be asked for one after another; some cost less when counted together.
    """

    def __init__(self, expected: Iterable[str] = ()) -> None:
        self._expected = tuple(dict.fromkeys(expected))
        self._column: Column | None = None
        self._known: dict[str, Signal] = {}

    def get(self, column: Column, names: Iterable[str]) -> dict[str, Signal] | None:
        """The signals called ``names``, and maybe others, of a text column.

        None while a kernel is not worth compiling.

        Raises
        ------
        StageError
            If the column holds no text.
        """
        if self._column is None or not _same_memory(column, self._column):
            self._column, self._known = column, {}
        missing = [name for name in names if name not in self._known]
        if not missing:
            return self._known
        if not is_text(column.type):
            raise StageError(f"the column holds {column.type}, not text", todo="name a text column")
        chunks = text_chunks(column)
        n_bytes = sum(int(chunk.offsets[-1] - chunk.offsets[0]) for chunk in chunks)
        kernels = {_KERNEL_OF[name.partition(":")[0]] for name in missing}
        prepared = [ready(kernel, n_bytes) for kernel in kernels]
        if not all(prepared):
            return None
        for name in missing:
            if name not in self._known:
                self._known.update(_compute(chunks, self._with_its_like(name)))
        return self._known

    def _with_its_like(self, name: str) -> tuple[str, ...]:
        """The signal, and those to count in the same pass over the text."""
        kernels = kernels_of([name])
        if TOGETHER.isdisjoint(kernels):
            return (name,)
        unknown = (other for other in self._expected if other not in self._known)
        return (name, *(n for n in unknown if n != name and kernels_of([n]) == kernels))

    def follow(self, before: Column, keep: npt.NDArray[np.bool_], after: Column) -> None:
        """Follow a filter: ``after`` holds the rows of the column ``before`` where ``keep`` holds.

        What is known of the rows stays known; nothing is, if ``before`` is not the known column.
        """
        known = self._column is not None and _same_memory(before, self._column)
        self._known = {n: values[keep] for n, values in self._known.items()} if known else {}
        self._column = after

    def forget(self) -> None:
        """Let go of the column."""
        self._column, self._known = None, {}


def _compute(chunks: list[Text], names: tuple[str, ...]) -> dict[str, Signal]:
    """Signals that one kernel counts together, and maybe others of it."""
    signal, _, parameter = names[0].partition(":")
    kernel = _KERNEL_OF[signal]
    function = import_module(f"thresher.kernels.{kernel}").signals
    arguments: tuple[Any, ...] = (int(parameter),) if parameter else ()
    if kernel in TOGETHER:
        arguments = names
    parts: list[dict[str, Signal]] = [function(*chunk, *arguments) for chunk in chunks]
    if len(parts) == 1:
        return parts[0]
    nothing = np.empty(0, np.int64)
    found = parts[0] if parts else names
    return {each: np.concatenate([nothing, *(part[each] for part in parts)]) for each in found}


def _same_memory(a: Column, b: Column) -> bool:
    return _addresses(a) == _addresses(b)


def _addresses(column: Column) -> list[Any]:
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    return [(chunk.type, len(chunk), chunk.offset, _buffers(chunk.buffers())) for chunk in chunks]


def _buffers(buffers: list[Any]) -> list[Any]:
    return [None if buffer is None else (buffer.address, buffer.size) for buffer in buffers]
