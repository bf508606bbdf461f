# SPDX-License-Identifier: Apache-2.0
"""Where documents are cut: both packings against plain definitions."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thresher.stages.text.packing import best_fit, concatenate

Segment = tuple[int, int, int, int]
"""Document, start, length, sequence."""

lengths_of = st.lists(st.integers(0, 30), min_size=1, max_size=30)
sizes = st.integers(1, 12)


def segments(packing: object, lengths: list[int], size: int) -> list[Segment]:
    cuts = packing(np.array(lengths, np.int64), size)  # type: ignore[operator]
    columns = (cuts.document, cuts.start, cuts.length, cuts.sequence)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def concatenated(lengths: list[int], size: int) -> list[Segment]:
    """Token by token."""
    found: list[Segment] = []
    filled = sequence = 0
    for document, length in enumerate(lengths):
        if not length:
            found.append((document, 0, 0, sequence))
        for token in range(length):
            if filled == size:
                filled, sequence = 0, sequence + 1
            if token and found[-1][3] == sequence:
                last = found.pop()
                found.append((document, last[1], last[2] + 1, sequence))
            else:
                found.append((document, token, 1, sequence))
            filled += 1
    return found


def best_fitted(lengths: list[int], size: int) -> list[Segment]:
    """Every open sequence is looked at for every piece."""
    pieces = [
        (document, start, min(length - start, size))
        for document, length in enumerate(lengths)
        for start in range(0, max(length, 1), size)
    ]
    sequences: list[list[int]] = []
    for number in sorted(range(len(pieces)), key=lambda n: (-pieces[n][2], n)):
        wanted = pieces[number][2]
        rooms = [size - sum(pieces[n][2] for n in held) for held in sequences]
        fitting = [(room, n) for n, room in enumerate(rooms) if room >= wanted]
        if fitting:
            sequences[min(fitting)[1]].append(number)
        else:
            sequences.append([number])
    in_order = sorted(map(sorted, sequences))
    return [(*pieces[n], sequence) for sequence, held in enumerate(in_order) for n in held]


@settings(max_examples=200, deadline=None)
@given(lengths=lengths_of, size=sizes)
def test_concatenating_is_what_its_definition_says(lengths: list[int], size: int) -> None:
    assert segments(concatenate, lengths, size) == concatenated(lengths, size)


@settings(max_examples=200, deadline=None)
@given(lengths=lengths_of, size=sizes)
def test_best_fit_is_what_its_definition_says(lengths: list[int], size: int) -> None:
    assert segments(best_fit, lengths, size) == best_fitted(lengths, size)


@pytest.mark.parametrize("packing", [concatenate, best_fit])
@settings(max_examples=100, deadline=None)
@given(lengths=lengths_of, size=sizes)
def test_every_token_has_one_place_and_every_document_one_beginning(
    packing: object, lengths: list[int], size: int
) -> None:
    found = segments(packing, lengths, size)
    tokens = [(d, s + i) for d, s, n, _ in found for i in range(n)]
    filled: dict[int, int] = defaultdict(int)
    for _, _, length, sequence in found:
        filled[sequence] += length

    assert sorted(tokens) == [(d, i) for d, n in enumerate(lengths) for i in range(n)]
    assert sorted(d for d, start, _, _ in found if start == 0) == list(range(len(lengths)))
    assert sorted(filled) == list(range(len(filled)))
    assert max(filled.values()) <= size
    if packing is concatenate:
        assert all(filled[n] == size for n in range(len(filled) - 1))


def test_a_document_that_fits_is_not_cut() -> None:
    assert segments(best_fit, [7, 6, 3, 4], 10) == [(0, 0, 7, 0), (2, 0, 3, 0), (1, 0, 6, 1),
                                                    (3, 0, 4, 1)]  # fmt: skip


def test_only_what_is_longer_is_cut() -> None:
    assert segments(best_fit, [25, 5], 10) == [
        (0, 0, 10, 0), (0, 10, 10, 1), (0, 20, 5, 2), (1, 0, 5, 2),
    ]  # fmt: skip
