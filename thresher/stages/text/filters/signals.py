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
# takes a parameter is asked for as "<signal>:<whole number>".
KERNELS: dict[str, tuple[str, ...]] = {
    "words": ("words", "word_characters"),
    "characters": ("characters", "plain_characters"),
    "symbols": ("symbol_words",),
    "lines": ("lines", "bullet_lines", "unended_lines", "ellipsis_lines"),
    "repeated_lines": ("unique_lines",),
    "top_ngram": ("top_ngram_characters",),
    "urls": ("url_characters",),
}

_KERNEL_OF = {signal: kernel for kernel, signals in KERNELS.items() for signal in signals}


class SignalMemo:
    """Signals of the column last seen.

    A column is known again by its buffers' addresses. The memo holds on to the column, so that no
    address can come to stand for other text.
    """

    def __init__(self) -> None:
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
                self._known.update(_compute(chunks, name))
        return self._known

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


def _compute(chunks: list[Text], name: str) -> dict[str, Signal]:
    """The signal ``name`` and the others of its kernel."""
    signal, _, parameter = name.partition(":")
    function = import_module(f"thresher.kernels.{_KERNEL_OF[signal]}").signals
    arguments = (int(parameter),) if parameter else ()
    parts: list[dict[str, Signal]] = [function(*chunk, *arguments) for chunk in chunks]
    if len(parts) == 1:
        return parts[0]
    nothing = np.empty(0, np.int64)
    names = parts[0] if parts else [name]
    return {each: np.concatenate([nothing, *(part[each] for part in parts)]) for each in names}


def _same_memory(a: Column, b: Column) -> bool:
    return _addresses(a) == _addresses(b)


def _addresses(column: Column) -> list[Any]:
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    return [(chunk.type, len(chunk), chunk.offset, _buffers(chunk.buffers())) for chunk in chunks]


def _buffers(buffers: list[Any]) -> list[Any]:
    return [None if buffer is None else (buffer.address, buffer.size) for buffer in buffers]
