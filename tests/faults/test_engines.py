# SPDX-License-Identifier: Apache-2.0
"""Runs on engines, disturbed: a driver and a worker killed, a node of three removed."""

from __future__ import annotations

import pytest

from tests.faults.engines import FAULTS, disturb

pytestmark = pytest.mark.faults
ENGINES = ("ray actor pool", "xenna", "ray data")  # `make soak` has Xenna's batch mode too


def test_disturbed_runs_come_out_the_same() -> None:
    histogram, failed = disturb(0, len(FAULTS), ENGINES)

    assert failed == {}
    assert set(histogram) == {f"{engine}: {fault}" for engine in ENGINES for fault in FAULTS}
