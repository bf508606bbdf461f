# SPDX-License-Identifier: Apache-2.0
"""The tightest control group counts, wherever it is above this process."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from thresher.core import allowance

Limits = dict[str, str]


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str, Limits], None]:
    def groups(line: str, limits: Limits) -> None:
        (tmp_path / "own").write_text(line + "\n")
        for name, limit in limits.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(limit + "\n")
        monkeypatch.setattr(allowance, "CGROUPS", tmp_path)
        monkeypatch.setattr(allowance, "OWN_CGROUPS", tmp_path / "own")

    return groups


@pytest.mark.parametrize(
    ("line", "limits", "expected"),
    [
        ("0::/a/b", {"a/b/memory.max": "1000"}, 1000),
        ("0::/a/b", {"a/b/memory.max": "max", "a/memory.max": "2000"}, 2000),
        ("0::/of/the/host", {"memory.max": "3000"}, 3000),
        ("4:memory:/x", {"memory/x/memory.limit_in_bytes": "4000"}, 4000),
        ("3:cpu:/x", {"memory/x/memory.limit_in_bytes": "4000"}, None),
    ],
)
def test_memory(
    line: str, limits: Limits, expected: int | None, given: Callable[[str, Limits], None]
) -> None:
    given(line, limits)
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert allowance.memory_limit() == (expected or physical)


@pytest.mark.parametrize(
    ("line", "limits", "expected"),
    [
        ("0::/a/b", {"a/b/cpu.max": "300000 100000"}, 3),
        ("0::/a/b", {"a/b/cpu.max": "max 100000", "a/cpu.max": "250000 100000"}, 2),
        ("0::/a", {"a/cpu.max": "50000 100000"}, 1),
        ("0::/of/the/host", {"cpu.max": "500000 100000"}, 5),
        (
            "4:cpu,cpuacct:/x",
            {"cpu/x/cpu.cfs_quota_us": "400000", "cpu/x/cpu.cfs_period_us": "100000"},
            4,
        ),
        (
            "4:cpu,cpuacct:/x",
            {"cpu/x/cpu.cfs_quota_us": "-1", "cpu/x/cpu.cfs_period_us": "100000"},
            6,
        ),
        ("0::/", {}, 6),
    ],
)
def test_processors(
    line: str,
    limits: Limits,
    expected: int,
    given: Callable[[str, Limits], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given(line, limits)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(6)))
    assert allowance.cpu_limit() == expected
