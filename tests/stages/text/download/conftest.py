# SPDX-License-Identifier: Apache-2.0
"""A server for each test, and no proxy between."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.stages.text.download.server import Server, serving


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[Server]:
    yield from serving()
