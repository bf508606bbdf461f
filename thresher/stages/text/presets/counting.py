# SPDX-License-Identifier: Apache-2.0
"""Whole numbers per document, counted by kernels where they are worth compiling."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from thresher.errors import StageError
from thresher.kernels.arrow_text import Text, is_text, text_chunks
from thresher.kernels.compiled import ready

Counts: TypeAlias = "dict[str, npt.NDArray[np.int64]]"
"""int64[n_rows] by name."""

Column: TypeAlias = "pa.Array | pa.ChunkedArray"


class Counter(NamedTuple):
    """A module of :mod:`thresher.kernels`, what its ``signals`` is given beside the text, and the
    plain definition of one document's counts."""

    kernel: str
    plain: Callable[[str], dict[str, int]]
    arguments: tuple[Any, ...] = ()


def count(column: Column, counters: Iterable[Counter]) -> Counts:
    """What the counters count of each document; a null document is an empty one.

    Raises
    ------
    StageError
        If the column holds no text.
    """
    if not len(column):
        return {name: np.empty(0, np.int64) for own in counters for name in own.plain("")}
    chunks = chunks_of(column)
    n_bytes = size_of(chunks)
    counts: Counts = {}
    texts: list[str] | None = None
    for counter in counters:
        if ready(counter.kernel, n_bytes):
            function = import_module(f"thresher.kernels.{counter.kernel}").signals
            counts |= joined([function(*chunk, *counter.arguments) for chunk in chunks])
        else:
            texts = documents(column) if texts is None else texts
            counts |= stacked([counter.plain(text) for text in texts])
    return counts


def chunks_of(column: Column) -> list[Text]:
    """The chunks of a column of text."""
    if not is_text(column.type):
        raise StageError(f"the column holds {column.type}, not text", todo="name a text column")
    return text_chunks(column)


def documents(column: Column) -> list[str]:
    """The documents of a column as Python strings, null as the empty string."""
    return ["" if text is None else text for text in column.to_pylist()]


def size_of(chunks: list[Text]) -> int:
    """Bytes of text."""
    return sum(int(chunk.offsets[-1] - chunk.offsets[0]) for chunk in chunks)


def joined(parts: list[Counts]) -> Counts:
    """The counts of chunks as those of the column."""
    if len(parts) == 1:
        return parts[0]
    names = parts[0] if parts else ()
    return {name: np.concatenate([part[name] for part in parts]) for name in names}


def stacked(rows: list[dict[str, int]]) -> Counts:
    """The counts of documents as those of the column."""
    names = rows[0] if rows else {}
    return {name: np.array([row[name] for row in rows], np.int64) for name in names}
