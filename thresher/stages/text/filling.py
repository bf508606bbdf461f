# SPDX-License-Identifier: Apache-2.0
"""Rows filled with neighbouring pieces, as long as they fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def row_starts(
    lengths: npt.NDArray[Any], starts: npt.NDArray[np.int64], room: float, between: int
) -> npt.NDArray[np.int64]:
    """Where rows begin, int64[n_rows]: at every start, and where the next piece does not fit.

    Parameters
    ----------
    lengths : int64[n] | float64[n]
        Of the pieces in order; NaN is a piece that stands alone.
    starts : int64[k]
        Pieces that begin a document: no row goes on over these.
    room : float
        The most that the pieces of a row, and what is between them, may have.
    between : int
        What is added between two pieces.
    """
    begins = np.zeros(len(lengths), np.bool_)
    begins[starts] = True
    found: list[int] = []
    filled = 0.0
    pairs = zip(lengths.tolist(), begins.tolist(), strict=True)
    for place, (length, begin) in enumerate(pairs):
        longer = filled + between + length
        if begin or not longer <= room:  # so that NaN does not fit
            found.append(place)
            filled = length
        else:
            filled = longer
    return np.array(found, np.int64)
