# SPDX-License-Identifier: Apache-2.0
"""Where documents are cut, and which sequence each segment goes to.

A segment is a run of tokens of one document within one sequence. A document without tokens is a
segment of length 0, so that every document has exactly one segment that begins at its token 0.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Cuts:
    """n segments, in the order in which they stand in the sequences.

    Parameters
    ----------
    document : ndarray
        int64[n]: the document, counted from 0.
    start : ndarray
        int64[n]: the token of the document that it begins with.
    length : ndarray
        int64[n]: its tokens.
    sequence : ndarray
        int64[n]: the sequence, counted from 0 without gaps; ascending.
    """

    document: Ints
    start: Ints
    length: Ints
    sequence: Ints


def concatenate(lengths: Ints, size: int) -> Cuts:
    """One document after another, cut every ``size`` tokens.

    Only the last sequence may have fewer. A document without tokens stands behind the token before
    it, in the same sequence.

    Parameters
    ----------
    lengths : ndarray
        int64[n]: tokens of each document.
    size : int
        Tokens of a sequence.
    """
    ends = np.cumsum(lengths)
    begins = ends - lengths
    first = np.where(lengths > 0, begins, np.maximum(begins - 1, 0)) // size
    last = np.maximum(ends - 1, 0) // size
    n_segments = last - first + 1
    document = np.repeat(np.arange(len(lengths)), n_segments)
    before = np.cumsum(n_segments) - n_segments
    sequence = first[document] + np.arange(len(document)) - before[document]
    start = np.maximum(sequence * size - begins[document], 0)
    stop = np.minimum((sequence + 1) * size, ends[document]) - begins[document]
    return Cuts(document, start, np.maximum(stop - start, 0), sequence)


def best_fit(lengths: Ints, size: int) -> Cuts:
    """Each document whole in one sequence if it fits; longer ones in pieces of ``size``.

    Pieces are taken by length, the longest first, equal ones in order; each goes to the sequence
    with the least room that has room for it, or to a new one. Sequences stand in the order of
    their first pieces, and pieces in a sequence in the order of the documents.

    Source: best-fit-decreasing packing as in Ding et al. 2024 (arXiv:2404.10830), section 3.

    Parameters
    ----------
    lengths : ndarray
        int64[n]: tokens of each document.
    size : int
        Tokens of a sequence.
    """
    n_pieces = np.maximum(-(-lengths // size), 1)
    document = np.repeat(np.arange(len(lengths)), n_pieces)
    before = np.cumsum(n_pieces) - n_pieces
    start = (np.arange(len(document)) - before[document]) * size
    length = np.minimum(lengths[document] - start, size)
    home = _fitted(length, size)
    order = np.argsort(home, kind="stable")
    return Cuts(document[order], start[order], length[order], home[order])


def _fitted(length: Ints, size: int) -> Ints:
    """int64[n]: the sequence of each piece; sequences are numbered by their first pieces."""
    home = np.empty(len(length), np.int64)
    rooms: list[tuple[int, int]] = []  # (room, sequence) of those that have room, ascending
    full: list[int] = []
    n_sequences = 0
    for piece in np.argsort(-length, kind="stable").tolist():
        wanted = int(length[piece])
        if not wanted and full:
            home[piece] = full[0]
            continue
        at = bisect_left(rooms, (wanted, -1))
        if at == len(rooms):
            room, sequence = size, n_sequences
            n_sequences += 1
        else:
            room, sequence = rooms.pop(at)
        home[piece] = sequence
        if room > wanted:
            insort(rooms, (room - wanted, sequence))
        else:
            full.append(sequence)
    first = np.full(n_sequences, len(length))
    np.minimum.at(first, home, np.arange(len(length)))
    number = np.empty(n_sequences, np.int64)
    number[np.argsort(first)] = np.arange(n_sequences)
    return number[home]
