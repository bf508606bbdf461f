# SPDX-License-Identifier: Apache-2.0
"""Distinct strings, exactly, also where hashes collide."""

import numba
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from thresher.kernels.distinct import count_distinct, table_size
from thresher.kernels.hashing import hash_all, same_bytes
from thresher.kernels.scratch import slots_for

WORDS = ["a", "b", "é", "a\x00", "12345678", "123456789", "123456780", "x" * 16, "x" * 17, "y" * 40]


def count(strings, hashes=None):
    encoded = [string.encode() for string in strings]
    data = np.frombuffer(b"".join(encoded), np.uint8)
    lengths = np.array([len(each) for each in encoded], np.int64)
    starts = np.cumsum(lengths) - lengths
    size = len(strings)
    if hashes is None:
        hashes = np.empty(size, np.uint64)
        hash_all(data, size, starts, lengths, hashes)
    slots = np.empty(slots_for(size), np.uint64)
    return count_distinct(data, size, starts, lengths, lengths, hashes, slots)


@settings(max_examples=200, deadline=None)
@given(strings=st.lists(st.sampled_from(["", *WORDS]), min_size=1, max_size=80))
def test_as_a_set_counts(strings):
    distinct = {string.encode() for string in strings}
    assert count(strings) == (len(distinct), sum(map(len, distinct)))


def test_long_strings_with_equal_hashes_are_told_apart():
    strings = [f"number {i % 10:09d}" for i in range(40)]
    assert count(strings, np.zeros(len(strings), np.uint64)) == (10, 160)


@given(a=st.binary(max_size=150), changes=st.sets(st.integers(0, 149), max_size=2))
@settings(deadline=None)
def test_same_bytes(a, changes):
    b = bytes(byte ^ (k in changes) for k, byte in enumerate(a))
    for behind in (b"", bytes(64)):
        data = np.frombuffer(a + b + behind, np.uint8)
        for length in range(len(a) + 1):
            assert same_bytes(data, 0, len(a), length) == (a[:length] == b[:length])


@numba.njit
def size_of(count):
    return table_size(count)


def test_kernels_and_their_callers_agree_on_the_size_of_tables():
    for count in (*range(200), 2**20 - 1, 2**20, 2**20 + 1):
        size = size_of(count)
        assert size == slots_for(count)
        assert size >= max(16, 2 * count)
        assert size < max(17, 4 * count)
