# SPDX-License-Identifier: Apache-2.0
"""Which rows do harm, and how many calls it takes to tell."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thresher.backends.excusing import find_company, judge


class Stage:
    """Refuses some rows in any company, and whatever is fewer than it needs."""

    def __init__(self, harmful: Collection[int], needs: int) -> None:
        self.harmful = set(harmful)
        self.needs = needs
        self.calls = 0

    def raised_on(self, places: Sequence[int]) -> Exception | None:
        self.calls += 1
        assert len(places) == len(set(places))
        if len(places) < self.needs:
            return ValueError("too few")
        return ValueError("bad") if self.harmful.intersection(places) else None


@given(st.sets(st.integers(0, 31), max_size=20), st.integers(1, 5), st.integers(0, 27))
def test_those_that_do_harm_are_told_from_others(harm: set[int], needs: int, first: int) -> None:
    company = range(first, first + needs)
    harm -= set(company)
    stage = Stage(harm, needs)
    judged = judge([n for n in range(32) if n not in company], company, stage.raised_on)
    assert set(judged.guilty) == harm
    assert sorted(judged.well) == sorted(set(range(32)) - harm)
    assert not judged.open
    assert {str(raised) for raised in judged.guilty.values()} <= {"bad"}


@pytest.mark.parametrize(
    ("harmful", "n_calls", "n_guilty", "n_open"),
    [(range(500), 8, 8, 492), ([77], 30, 1, 0), (range(0, 500, 2), 64, None, None)],
)
def test_of_many_only_some_are_tried(
    harmful: Sequence[int], n_calls: int, n_guilty: int | None, n_open: int | None
) -> None:
    stage = Stage(harmful, 1)
    judged = judge(range(500), range(500, 600), stage.raised_on)
    assert stage.calls <= n_calls
    if n_guilty is not None:
        assert (len(judged.guilty), len(judged.open)) == (n_guilty, n_open)
    assert len(judged.well) + len(judged.guilty) + len(judged.open) == 600


@pytest.mark.parametrize(
    ("n_rows", "harmful", "needs"),
    [
        (3, [1], 2), (4, [3], 3), (8, [2, 5], 3), (8, [0, 7], 4), (16, [9], 15), (100, [50], 90),
        (1000, [600], 700), (1000, [1, 998], 400), (64, [7, 20, 50], 20),
    ],
)  # fmt: skip
def test_company_is_found(n_rows: int, harmful: list[int], needs: int) -> None:
    company = find_company(n_rows, Stage(harmful, needs).raised_on)
    assert len(company) >= needs
    assert not set(company) & set(harmful)


@pytest.mark.parametrize("n_rows", [1, 2, 3, 10, 100, 10_000])
def test_where_every_row_does_harm_few_calls_tell(n_rows: int) -> None:
    stage = Stage(range(n_rows), 1)
    assert find_company(n_rows, stage.raised_on) == []
    assert stage.calls <= 44
