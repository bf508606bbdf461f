# SPDX-License-Identifier: Apache-2.0
"""Runs that serve their metrics, each test with an endpoint of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from thresher.metrics import switch


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[dict[int, object]]:
    """Has runs serve metrics at a free port; the endpoints, by the port that was asked for."""
    endpoints: dict[int, object] = {}
    monkeypatch.setattr(switch, "_served", endpoints)
    monkeypatch.setenv("THRESHER_METRICS_PORT", "0")
    monkeypatch.setenv("THRESHER_METRICS_DIR", str(tmp_path / "metrics"))
    yield endpoints
    for endpoint in endpoints.values():
        endpoint.close()
