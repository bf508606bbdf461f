# SPDX-License-Identifier: Apache-2.0
"""Counting sequences exactly, also where hashes collide."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thresher.kernels.distinct import count_sequences, table_size
from thresher.kernels.hashing import hash_all, same_bytes


def count(strings, n, hashes=None):
    """Distinct sequences in order of appearance, each with how often it is there."""
    encoded = [string.encode() for string in strings]
    data = np.frombuffer(b"".join(encoded), np.uint8)
    lengths = np.array([len(each) for each in encoded], np.int64)
    starts = np.cumsum(lengths) - lengths
    size = len(strings)
    if hashes is None:
        hashes = np.empty(size, np.uint64)
        hash_all(data, size, starts, lengths, hashes)
    first = np.empty(size, np.int64)
    counts = np.empty(size, np.int64)
    slots = np.empty(table_size(size), np.uint64)
    found = count_sequences(data, n, size, starts, lengths, hashes, first, counts, slots)
    return {tuple(strings[first[k] : first[k] + n]): int(counts[k]) for k in range(found)}


@settings(max_examples=200, deadline=None)
@given(
    strings=st.lists(
        st.sampled_from(["a", "b", "é", "a\x00", "", "12345678", "123456789", "123456780"]),
        min_size=1,
        max_size=80,
    ),
    n=st.integers(1, 4),
)
def test_as_a_counter_counts(strings, n):
    expected = Counter(tuple(strings[i : i + n]) for i in range(len(strings) - n + 1))
    found = count(strings, n)
    assert found == expected
    assert list(found) == list(expected)


@pytest.mark.parametrize("n", [1, 2])
def test_long_strings_with_equal_hashes_are_told_apart(n):
    strings = [f"number {i % 10:09d}" for i in range(40)]
    same = np.zeros(len(strings), np.uint64)
    expected = Counter(tuple(strings[i : i + n]) for i in range(len(strings) - n + 1))
    assert count(strings, n, hashes=same) == expected


@given(a=st.binary(max_size=40), b=st.binary(max_size=40))
@settings(deadline=None)
def test_same_bytes(a, b):
    length = min(len(a), len(b))
    data = np.frombuffer(a + b, np.uint8)
    assert same_bytes(data, 0, len(a), length) == (a[:length] == b[:length])
