# SPDX-License-Identifier: Apache-2.0
"""Scan a buffer of lines for the values of some keys, by the kernel or by its plain definition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from thresher.kernels import compiled
from thresher.kernels import jsonl_plain as plain

PADDING = 64
"""Bytes that a buffer must have beyond its last line: kernels look at 64 bytes at once."""

# The plain definition costs about as much per record as per 4 KB; compiling pays accordingly.
_RECORD_BYTES = 4096
_CHUNK = 1 << 20


@dataclass
class Scan:
    """Where n records and the values of K keys lie in a buffer.

    Parameters
    ----------
    buffer : uint8[> stop]
        The lines.
    keys : list[str]
        The K keys.
    rows, state, spans, kinds : arrays
        As :func:`thresher.kernels.jsonl_plain.scan` gives them.
    """

    buffer: NDArray[np.uint8]
    keys: Sequence[str]
    rows: NDArray[np.int64]
    state: NDArray[np.uint8]
    spans: NDArray[np.int64]
    kinds: NDArray[np.uint8]

    def take(self, chosen: NDArray[np.bool_]) -> Scan:
        """The records of a mask, bool[n]."""
        return Scan(
            self.buffer,
            self.keys,
            self.rows[chosen],
            self.state[chosen],
            self.spans[:, chosen],
            self.kinds[:, chosen],
        )

    def record(self, row: int) -> bytes:
        """The bytes of one record, line end included."""
        return self.buffer[self.rows[row, 0] : self.rows[row, 1]].tobytes()


def scan(buffer: NDArray[np.uint8], stop: int, keys: Sequence[str], capacity: int) -> Scan:
    """Scan ``buffer[:stop]``, at most ``capacity`` records; the last line must end in LF."""
    n_keys = len(keys)
    rows = np.empty((capacity, 4), np.int64)
    state = np.empty(capacity, np.uint8)
    spans = np.empty((n_keys, capacity, 4), np.int64)
    kinds = np.empty((n_keys, capacity), np.uint8)
    if compiled.ready("jsonl", stop + capacity * _RECORD_BYTES):
        n_rows = _scan_compiled(buffer, stop, keys, rows, state, spans, kinds)
    else:
        n_rows = plain.scan(buffer, stop, keys, rows, state, spans, kinds)
    return Scan(buffer, keys, rows[:n_rows], state[:n_rows], spans[:, :n_rows], kinds[:, :n_rows])


def _scan_compiled(
    buffer: NDArray[np.uint8],
    stop: int,
    keys: Sequence[str],
    rows: NDArray[np.int64],
    state: NDArray[np.uint8],
    spans: NDArray[np.int64],
    kinds: NDArray[np.uint8],
) -> int:
    from thresher.kernels import jsonl as kernel

    encoded = [key.encode("utf-8", "surrogatepass") for key in keys]
    offsets = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
    packed = np.frombuffer(bytearray(b"".join(encoded) + b"\0"), np.uint8)
    containers = np.empty(plain.MAX_DEPTH + 1, np.uint8)
    n_rows = int(kernel.scan(buffer, stop, packed, offsets, rows, state, spans, kinds, containers))
    if not is_utf8(buffer[:stop]):
        for row in range(n_rows):
            if not is_utf8(buffer[rows[row, 0] : rows[row, 1]]):
                state[row] = plain.ASK
    for row in np.flatnonzero(state[:n_rows] == plain.ASK).tolist():
        at = int(rows[row, 0])
        line = buffer[at : rows[row, 1]].tobytes()
        plain.scan_line(line, at, row, keys, rows, state, spans, kinds)
    return n_rows


def is_utf8(data: NDArray[np.uint8]) -> bool:
    """Whether the bytes, uint8[n], are valid UTF-8 as a whole."""
    offsets = pa.py_buffer(np.array([0, len(data)], np.int64))
    text = pa.LargeStringArray.from_buffers(1, offsets, pa.py_buffer(data))
    try:
        text.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def line_ends(buffer: NDArray[np.uint8], stop: int) -> NDArray[np.int64]:
    """Offsets just after every LF in ``buffer[:stop]``."""
    found = [
        np.flatnonzero(buffer[at : min(at + _CHUNK, stop)] == 10) + (at + 1)
        for at in range(0, stop, _CHUNK)
    ]
    return np.concatenate(found) if found else np.empty(0, np.int64)


def record_starts(
    buffer: NDArray[np.uint8], stop: int, ends: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Where the lines that are not blank begin, found without parsing anything.

    This is the count that the scan's is held against: it shares nothing with the scan.
    """
    starts = np.concatenate([np.zeros(1, np.int64), ends])
    starts = starts[starts < stop]
    first = buffer[starts]
    may_be_blank = np.flatnonzero((first == 10) | (first == 13) | (first == 32) | (first == 9))
    blank = [
        i
        for i in may_be_blank.tolist()
        if not buffer[starts[i] : (ends[i] if i < len(ends) else stop)].tobytes().strip(b" \t\r\n")
    ]
    return np.delete(starts, blank) if blank else starts
