# SPDX-License-Identifier: Apache-2.0
"""The ``.idx`` of an indexed dataset.

All little-endian, without gaps: the 9 bytes ``MMIDIDX`` and two zeros; uint64 version, 1; uint8
code of the ids' type; uint64 n, sequences; uint64 m, entries of the last table; int32[n] ids of
each sequence; int64[n] byte of the ``.bin`` where each begins; int64[m] the sequence where each
document begins, and at the end n.

Source: Megatron-LM's ``MMapIndexedDataset``, whose reader expects it so.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from thresher import storage
from thresher.errors import DataError

MAGIC = b"MMIDIDX\x00\x00"
VERSION = 1
HEADER = struct.Struct("<9sQBQQ")
DTYPES: dict[int, np.dtype[Any]] = {
    1: np.dtype("<u1"), 2: np.dtype("<i1"), 3: np.dtype("<i2"), 4: np.dtype("<i4"),
    5: np.dtype("<i8"), 6: np.dtype("<f8"), 7: np.dtype("<f4"), 8: np.dtype("<u2"),
}  # fmt: skip
"""Types of ids by their code."""

NARROW = 1 << 16
"""Up to so many different ids fit 2 bytes."""


@dataclass(frozen=True)
class MegatronIndex:
    """What an ``.idx`` holds.

    Parameters
    ----------
    code : int
        Of the ids' type, see ``DTYPES``.
    lengths : ndarray
        int32[n]: ids of each sequence.
    documents : ndarray
        int64[m]: the sequence where each document begins, from 0; the last is n.
    """

    code: int
    lengths: npt.NDArray[np.int32]
    documents: npt.NDArray[np.int64]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the ids."""
        return DTYPES[self.code]

    @property
    def n_bytes(self) -> int:
        """Bytes that the ``.bin`` has."""
        return int(self.lengths.sum(dtype=np.int64)) * self.dtype.itemsize

    def __str__(self) -> str:
        n_ids = self.n_bytes // self.dtype.itemsize
        return f"{len(self.lengths):,} sequences, {n_ids:,} tokens of {self.dtype.name}"

    def to_bytes(self) -> bytes:
        """The whole file."""
        n = len(self.lengths)
        offsets = np.zeros(n, "<i8")
        np.cumsum(self.lengths[:-1], dtype=np.int64, out=offsets[1:])
        offsets *= self.dtype.itemsize
        header = HEADER.pack(MAGIC, VERSION, self.code, n, len(self.documents))
        tables = (self.lengths.astype("<i4"), offsets, self.documents.astype("<i8"))
        return header + b"".join(table.tobytes() for table in tables)


def code_for(n_ids: int) -> int:
    """The code of the narrowest type that holds ids below ``n_ids``; of int32 if that is -1."""
    return 8 if 0 <= n_ids <= NARROW else 4


def one_each(code: int, lengths: npt.NDArray[np.int32]) -> MegatronIndex:
    """The index of documents that are one sequence each."""
    return MegatronIndex(code, lengths, np.arange(len(lengths) + 1, dtype=np.int64))


def read_index(path: str) -> MegatronIndex:
    """Read an ``.idx`` and hold it to be whole.

    Raises
    ------
    DataError
        If it is no index, or not one that belongs to contiguous ids.
    """
    with storage.failures("read", path):
        data = storage.store_for(path).read(path)
    if len(data) < HEADER.size:
        raise _no_index(path, f"it has {len(data)} bytes")
    magic, version, code, n, m = HEADER.unpack_from(data)
    if magic != MAGIC or version != VERSION or code not in DTYPES:
        raise _no_index(path, "its header is another one")
    if len(data) != HEADER.size + 12 * n + 8 * m:
        raise _no_index(path, f"it has {len(data)} bytes, {HEADER.size + 12 * n + 8 * m} expected")
    lengths = np.frombuffer(data, "<i4", n, HEADER.size)
    documents = np.frombuffer(data, "<i8", m, HEADER.size + 12 * n)
    index = MegatronIndex(code, lengths, documents)
    if index.to_bytes() != data:
        raise _no_index(path, "its byte offsets are not those of its lengths")
    return index


def _no_index(path: str, reason: str) -> DataError:
    return DataError(
        f"not a readable Megatron index: {reason}", where=path, todo="make the pair of files anew"
    )
