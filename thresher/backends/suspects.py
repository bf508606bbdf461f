# SPDX-License-Identifier: Apache-2.0
"""The search for the rows of a part that kill their worker.

A row is guilty if it kills alone, again and again, and a control beside it survives each time: a
row that is known to be innocent, or no row at all. Workers are also killed from outside.
"""

from __future__ import annotations

from dataclasses import dataclass

LONE_ATTEMPTS = 3
"""Deaths in a row that a single row must cause to be found guilty."""

DISTURBED_ATTEMPTS = 6
"""The same, once workers were seen to die for no fault of their rows."""

Rows = tuple[int, int]


@dataclass(frozen=True)
class Verdict:
    """What one probe has shown: a guilty row, or that workers die for another reason."""

    guilty: int | None = None
    is_disturbed: bool = False


@dataclass
class Search:
    """A search among ranges of rows; the last range is probed next."""

    ranges: list[Rows]
    error: str = ""
    lone_deaths: int = 0
    control: Rows = (0, 0)
    is_controlling: bool = False

    @classmethod
    def among(cls, n_rows: int, error: str) -> Search:
        """The search among the first rows of a part."""
        return cls(_pieces((0, n_rows)), error)

    @property
    def probe(self) -> Rows:
        """The rows of the next probe."""
        return self.control if self.is_controlling else self.ranges[-1]

    @property
    def is_over(self) -> bool:
        """Whether every row is judged."""
        return not self.ranges

    def judge(self, *, died: bool, disturbed: bool) -> Verdict:
        """Take in how the probe went; ``disturbed`` if workers have died without a reason."""
        low, high = self.ranges[-1]
        if self.is_controlling:
            return self._control(low, died=died, disturbed=disturbed)
        if died and high - low == 1:
            self.lone_deaths += 1
            self.is_controlling = True
            return Verdict()
        self.ranges.pop()
        had_died, self.lone_deaths = self.lone_deaths > 0, 0
        if died:
            self.ranges += _pieces((low, high))
            return Verdict()
        if high > low:
            self.control = (low, low + 1)
        return Verdict(is_disturbed=had_died)

    def _control(self, row: int, *, died: bool, disturbed: bool) -> Verdict:
        self.is_controlling = False
        if died:
            self.lone_deaths = 0
            return Verdict(is_disturbed=True)
        if self.lone_deaths < (DISTURBED_ATTEMPTS if disturbed else LONE_ATTEMPTS):
            return Verdict()
        self.ranges.pop()
        self.lone_deaths = 0
        return Verdict(guilty=row)


def _pieces(span: Rows) -> list[Rows]:
    """A range of rows in four, the lowest last, so that it is probed first.

    A guilty piece costs a worker and an innocent one does not: four pieces cost fewer than two.
    """
    low, high = span
    size = max(1, -(-(high - low) // 4))
    return [(start, min(start + size, high)) for start in range(low, high, size)][::-1]
