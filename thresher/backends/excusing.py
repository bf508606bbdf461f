# SPDX-License-Identifier: Apache-2.0
"""Which of the rows that a stage raises on do harm: others may only have been too few alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

RaisedOn = Callable[[Sequence[int]], Exception | None]
"""What a stage raises on the rows of a batch at some places; None if it raises nothing."""

MOST_TRIED = 32
"""Suspects up to which each is tried; most calls are on about all rows of a batch."""

_MOST_CALLS = 2 * MOST_TRIED
_PATIENCE = 8
_PIECES = (4, 8, 16)
_MIXTURES = 16


@dataclass
class Judged:
    """What trying suspects has shown.

    Parameters
    ----------
    well : list[int]
        Places of rows that go well together.
    guilty : dict[int, Exception]
        What the stage raises on these and one more row, by the place of that row.
    open : list[int]
        Suspects that were not tried, for want of calls.
    """

    well: list[int]
    guilty: dict[int, Exception] = field(default_factory=dict)
    open: list[int] = field(default_factory=list)


def judge(suspects: Sequence[int], company: Sequence[int], raised_on: RaisedOn) -> Judged:
    """Try suspects among rows that go well together.

    Most often all of them do harm, so they are tried one by one; several at once behind one that
    does none. If there are many, a few that do harm are enough to believe it of all.
    """
    judged = Judged(list(company), open=list(suspects))
    size, calls = 1, 0
    while judged.open and calls < _MOST_CALLS:
        tried, later = judged.open[:size], judged.open[size:]
        raised = raised_on([*judged.well, *tried])
        calls += 1
        if raised is None:
            judged.well += tried
            judged.open = later
            size *= 2
        elif len(tried) > 1:
            size = len(tried) // 2
        else:
            judged.guilty[tried[0]] = raised
            judged.open = later
            is_like_all = len(judged.guilty) == _PATIENCE and len(judged.well) == len(company)
            if is_like_all and len(suspects) > MOST_TRIED:
                break
    return judged


def find_company(n_rows: int, raised_on: RaisedOn) -> list[int]:
    """Rows that go well together where none does alone: all but some; empty if none are found."""
    for left_out in _leaving_out(n_rows):
        kept: list[int] = np.setdiff1d(np.arange(n_rows), left_out).tolist()
        if raised_on(kept) is None:
            return kept
    return []


def _leaving_out(n_rows: int) -> Iterator[npt.NDArray[np.int64]]:
    """What to leave out: where one row does harm its neighbours, where several do, any half."""
    if n_rows < 3:
        return
    for n_pieces in _PIECES:
        yield from np.array_split(np.arange(n_rows), min(n_pieces, n_rows))
        if n_pieces >= n_rows:
            break
    shuffled = np.random.default_rng(0)  # every attempt at a part comes to the same
    for _ in range(_MIXTURES):
        yield shuffled.permutation(n_rows)[: n_rows // 2]
