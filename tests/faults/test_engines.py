# SPDX-License-Identifier: Apache-2.0
"""Runs on engines, disturbed: a driver or a worker killed, or a node of three removed."""

from __future__ import annotations

import pytest

from tests.faults.engines import FAULTS, disturb

pytestmark = pytest.mark.faults
ENGINES = ("ray actor pool", "xenna", "ray data")  # `make soak` has each fault on each engine


def test_disturbed_runs_come_out_the_same() -> None:
    histogram, failed = disturb(enumerate(ENGINES))

    assert failed == {}
    told = {f"{engine}: {fault}" for engine, fault in zip(ENGINES, FAULTS, strict=True)}
    assert set(histogram) == told
