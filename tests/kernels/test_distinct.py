# SPDX-License-Identifier: Apache-2.0
"""Distinct strings and frequent sequences, exactly, also where hashes collide."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thresher.kernels.distinct import count_distinct, table_size
from thresher.kernels.frequent import most_frequent, tally_size
from thresher.kernels.hashing import hash_all, hash_words, same_bytes

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
    return count_distinct(
        data, size, starts, lengths, hashes, np.empty(table_size(size), np.uint64)
    )


def top(words, n, hashes=None):
    """Where the most frequent sequence of n words begins."""
    encoded = [word.encode() for word in words]
    data = np.frombuffer(b" ".join(encoded), np.uint8)
    edges, place = [], 0
    for word in encoded:
        edges += [place, place + len(word)]
        place += len(word) + 1
    if hashes is None:
        hashes = np.empty(len(words), np.uint64)
        hash_words(data, len(words), np.array(edges), hashes)
    keys = np.empty(len(words), np.uint64)
    tally = np.empty(tally_size(len(words)), np.uint32)
    return most_frequent(data, n, len(words), np.array(edges), hashes, keys, tally)


def expected_top(words, n):
    sequences = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
    counts = Counter(sequences)
    return sequences.index(max(sequences, key=counts.__getitem__))


@settings(max_examples=200, deadline=None)
@given(strings=st.lists(st.sampled_from(["", *WORDS]), min_size=1, max_size=80))
def test_as_a_set_counts(strings):
    assert count(strings) == len(set(strings))


def test_long_strings_with_equal_hashes_are_told_apart():
    strings = [f"number {i % 10:09d}" for i in range(40)]
    assert count(strings, np.zeros(len(strings), np.uint64)) == 10


@settings(max_examples=300, deadline=None)
@given(words=st.lists(st.sampled_from(WORDS), min_size=4, max_size=80), n=st.integers(1, 4))
def test_as_a_counter_finds_the_most_frequent(words, n):
    assert top(words, n) == expected_top(words, n)


@settings(max_examples=50, deadline=None)
@given(words=st.lists(st.sampled_from(WORDS), min_size=4, max_size=40), n=st.integers(1, 4))
def test_words_with_equal_hashes_are_told_apart(words, n):
    assert top(words, n, np.zeros(len(words), np.uint64)) == expected_top(words, n)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_the_most_frequent_of_many_distinct(n):
    words = [f"w{i % 997}" for i in range(5000)] + ["top"] * 8
    assert top(words, n) == expected_top(words, n)


@given(a=st.binary(max_size=40), b=st.binary(max_size=40))
@settings(deadline=None)
def test_same_bytes(a, b):
    length = min(len(a), len(b))
    data = np.frombuffer(a + b, np.uint8)
    assert same_bytes(data, 0, len(a), length) == (a[:length] == b[:length])
