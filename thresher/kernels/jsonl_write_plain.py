# SPDX-License-Identifier: Apache-2.0
"""What the JSONL writing kernels mean, in plain Python."""

from __future__ import annotations

from json.encoder import encode_basestring

import numpy as np
from numpy.typing import NDArray


def escape(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    first: int,
    out: NDArray[np.uint8],
    ends: NDArray[np.int64],
) -> int:
    """Write documents as JSON strings, in quotes, one after the other; non-ASCII as it is.

    Parameters
    ----------
    data : uint8[...]
        UTF-8.
    offsets : int64[n + 1]
        Document i is ``data[offsets[i]:offsets[i + 1]]``.
    first : int
        Document to begin with; those before are in ``out`` already.
    out : uint8[...]
        Out: the strings.
    ends : int64[n + 1]
        Out: ``ends[i + 1]`` is the end of document i's string; ``ends[0]`` is 0.

    Returns
    -------
    int
        n, or the first document for which there may be no room in ``out``.
    """
    at = int(ends[first])
    for row in range(first, len(offsets) - 1):
        document = data[offsets[row] : offsets[row + 1]].tobytes()
        string = encode_basestring(document.decode()).encode()
        if at + len(string) > len(out):
            return row
        out[at : at + len(string)] = np.frombuffer(string, np.uint8)
        at += len(string)
        ends[row + 1] = at
    return len(offsets) - 1


def gather(
    first: NDArray[np.uint8],
    second: NDArray[np.uint8],
    from_second: NDArray[np.bool_],
    starts: NDArray[np.int64],
    stops: NDArray[np.int64],
    out: NDArray[np.uint8],
) -> None:
    """Copy m pieces of two buffers one after the other.

    Parameters
    ----------
    first, second : uint8[...]
        Sources.
    from_second : bool[m]
        Which source each piece is of.
    starts, stops : int64[m]
        Where it begins and ends there.
    out : uint8[sum of lengths]
        Out: the pieces.
    """
    sources = (first.data, second.data)
    pieces = zip(from_second.tolist(), starts.tolist(), stops.tolist(), strict=True)
    joined = b"".join([sources[which][start:stop] for which, start, stop in pieces])
    out[: len(joined)] = np.frombuffer(joined, np.uint8)
