# SPDX-License-Identifier: Apache-2.0
"""Slurm's node lists against the names that they were made from."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thresher.core.client.node_list import expand_node_list
from thresher.errors import EngineError

LITERALS = st.text("abcxyz09-._", min_size=1, max_size=6)


@st.composite
def ranges(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A piece in brackets and the numbers that it stands for."""
    first = draw(st.integers(0, 1200))
    width = draw(st.integers(0, 6))
    count = draw(st.integers(1, 12))
    numbers = [f"{first + i:0{width}d}" for i in range(count)]
    if count == 1:
        return numbers[0], numbers
    return f"{numbers[0]}-{numbers[-1]}", numbers


@st.composite
def brackets(draw: st.DrawFn) -> tuple[str, list[str]]:
    pieces = draw(st.lists(ranges(), min_size=1, max_size=3))
    return f"[{','.join(text for text, _ in pieces)}]", [n for _, all_ in pieces for n in all_]


@st.composite
def names(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A name with up to two brackets."""
    text = draw(LITERALS)
    expected = [text]
    for _ in range(draw(st.integers(0, 2))):
        inside, numbers = draw(brackets())
        end = draw(st.one_of(st.just(""), LITERALS))
        text += inside + end
        expected = [f"{name}{number}{end}" for name in expected for number in numbers]
    return text, expected


@settings(max_examples=150, deadline=None)
@given(st.lists(names(), min_size=1, max_size=4))
def test_lists_give_the_names_they_were_made_from(parts: list[tuple[str, list[str]]]) -> None:
    text = ",".join(part for part, _ in parts)

    assert expand_node_list(text) == [name for _, expected in parts for name in expected]


@pytest.mark.parametrize(
    "text", ["", ",", "a,", "a,,b", "a[", "a]", "a[]", "a[1-]", "a[2-1]", "a[b]", "a[1[2]]"]
)
def test_what_is_no_list_is_said(text: str) -> None:
    with pytest.raises(EngineError) as caught:
        expand_node_list(text)

    assert repr(text) in caught.value.what
    assert caught.value.where == "SLURM_JOB_NODELIST"
