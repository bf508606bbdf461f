# SPDX-License-Identifier: Apache-2.0
"""Frequent and repeated sequences of words, exactly, also where hashes collide."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from thresher.kernels.hashing import hash_words
from thresher.kernels.ngrams import signals
from thresher.kernels.repeated_sequences import (
    STATE,
    find_repeated,
    most_frequent,
    repeated_positions,
    working_memory,
)

WORDS = ["a", "b", "é", "a\x00", "12345678", "123456789", "123456780", "x" * 16, "x" * 17, "y" * 40]

words_of_a_text = st.one_of(
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=60),
    st.text("ab", min_size=10, max_size=60).map(list),
    st.text("abcd", min_size=30, max_size=90).map(lambda text: list(text * 2)),
)
sizes_to_ask = st.lists(st.tuples(st.integers(1, 12), st.booleans()), min_size=1, max_size=6)


@njit
def _working_memory(n_words):
    return working_memory(n_words)


@njit
def _look(words, hashes, n, n_words, apart, work, state):
    find_repeated(words, hashes, n, n_words, apart, work, state)
    top = most_frequent(words, work, state)
    return top, repeated_positions(work, state) if apart else work[0][:0]


def look(words, asked, hashes=None):
    """For each n, in order: where the most frequent sequence begins, or where repeated ones do."""
    encoded = [word.encode() for word in words]
    data = np.frombuffer(b"  ".join(encoded), np.uint8)
    lengths = [len(word) for word in encoded]
    starts = np.cumsum([0, *(length + 2 for length in lengths)])[:-1]
    edges = np.stack([starts, starts + lengths], axis=1).ravel()
    if hashes is None:
        hashes = np.empty(len(words), np.uint64)
        hash_words(data, len(words), edges, hashes)
    work, state = _working_memory(len(words)), np.zeros(STATE, np.int64)
    for n, apart in sorted(dict(asked).items()):
        if n <= len(words):
            top, repeated = _look((data, edges), hashes, n, len(words), apart, work, state)
            yield n, top, repeated.tolist() if apart else None


def expected(words, n):
    sequences = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
    counts = Counter(sequences)
    top = sequences.index(max(sequences, key=counts.__getitem__))
    return top, [i for i, each in enumerate(sequences) if sequences.index(each) < i]


def check(words, asked, hashes=None):
    for n, top, repeated in look(words, asked, hashes):
        expected_top, expected_repeated = expected(words, n)
        assert top == expected_top
        assert repeated is None or repeated == expected_repeated


@settings(max_examples=150, deadline=None)
@given(words=words_of_a_text, asked=sizes_to_ask)
def test_any_n_one_after_another(words, asked):
    check(words, asked)


@settings(max_examples=80, deadline=None)
@given(words=words_of_a_text, asked=sizes_to_ask)
def test_words_with_equal_hashes_are_told_apart(words, asked):
    check(words, asked, np.zeros(len(words), np.uint64))


@pytest.mark.parametrize("apart", [True, False])
def test_the_most_frequent_of_many_distinct(apart):
    words = [f"w{i % 997}" for i in range(3000)] + ["top"] * 8
    check(words, [(n, apart) for n in (1, 2, 3, 5, 11)])


def test_asked_together_as_one_by_one():
    texts = ["of the of the of the", "a b c a b c a b d é é é é", "", "one", "x\ty x  y x\ny " * 3]
    encoded = [text.encode() for text in texts]
    data = np.frombuffer(b"".join(encoded), np.uint8)
    offsets = np.cumsum([0, *map(len, encoded)])
    data.flags.writeable = offsets.flags.writeable = False
    kinds = ("top_ngram_characters", "duplicate_ngram_characters")
    names = [f"{kind}:{n}" for kind in kinds for n in (1, 2, 3, 5, 8)]
    together = signals(data, offsets, *names)
    assert list(together) == names
    for name in names:
        assert together[name].tolist() == signals(data, offsets, name)[name].tolist()
