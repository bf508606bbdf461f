# SPDX-License-Identifier: Apache-2.0
"""Downloads and extraction, killed and resumed, from a server that misbehaves."""

from __future__ import annotations

import pytest

from tests.faults.downloads import kill_seeds

pytestmark = pytest.mark.faults


def test_killed_downloads_come_out_the_same() -> None:
    histogram, failed = kill_seeds(first=0, n=3)
    print(histogram)
    assert failed == {}
    assert sum(n for where, n in histogram.items() if "downloading" in where) > 0
