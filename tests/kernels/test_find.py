# SPDX-License-Identifier: Apache-2.0
"""Counting a string in a text."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from thresher.kernels.find import count_occurrences


def as_array(text):
    return np.frombuffer(text.encode(), np.uint8)


@settings(max_examples=300, deadline=None)
@given(
    before=st.text("ab ", max_size=70),
    text=st.text("ab é", max_size=300),
    behind=st.text("ab ", max_size=140),
    pattern=st.text("ab é", min_size=1, max_size=5),
)
def test_as_python_counts(before, text, behind, pattern):
    data = as_array(before + text + behind)
    begin = len(before.encode())
    stop = begin + len(text.encode())
    assert count_occurrences(data, begin, stop, as_array(pattern)) == text.count(pattern)
