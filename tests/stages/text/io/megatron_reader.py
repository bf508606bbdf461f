# SPDX-License-Identifier: Apache-2.0
"""A reader of indexed datasets, written from how Megatron-LM says that its own reads them.

It shares no code with what writes: the header is checked field by field, the three tables are
views of one mapped file, and a sequence is found by its byte offset and length.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np

CODES = {
    1: np.uint8, 2: np.int8, 3: np.int16, 4: np.int32, 5: np.int64, 6: np.float64, 7: np.float32,
    8: np.uint16,
}  # fmt: skip


class IndexedDataset:
    """Sequences of token ids by number; documents are runs of sequences."""

    def __init__(self, prefix: Path) -> None:
        with open(f"{prefix}.idx", "rb") as file:
            assert file.read(9) == b"MMIDIDX\x00\x00"
            assert struct.unpack("<Q", file.read(8)) == (1,)
            (code,) = struct.unpack("<B", file.read(1))
            (n_sequences,) = struct.unpack("<Q", file.read(8))
            (n_documents,) = struct.unpack("<Q", file.read(8))
            offset = file.tell()
        self.dtype = np.dtype(CODES[code])
        mapped = np.memmap(f"{prefix}.idx", mode="r", order="C")
        view: Any = memoryview(mapped)
        self.lengths = np.frombuffer(view, np.int32, n_sequences, offset)
        offset += self.lengths.nbytes
        self.pointers = np.frombuffer(view, np.int64, n_sequences, offset)
        offset += self.pointers.nbytes
        self.document_indices = np.frombuffer(view, np.int64, n_documents, offset)
        offset += self.document_indices.nbytes
        assert offset == len(mapped)
        assert len(self.lengths) == n_sequences == self.document_indices[-1]
        self.data = np.fromfile(f"{prefix}.bin", np.uint8)

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, number: int) -> list[int]:
        values: list[int] = np.frombuffer(
            self.data, self.dtype, self.lengths[number], self.pointers[number]
        ).tolist()
        return values

    def sequences(self) -> list[list[int]]:
        return [self[number] for number in range(len(self))]
