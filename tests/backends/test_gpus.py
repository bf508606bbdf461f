# SPDX-License-Identifier: Apache-2.0
"""What nodes tell of the memory of their GPUs."""

import os
import stat
from pathlib import Path

import pytest

from thresher.backends.ray.gpus import smallest, told_here


def test_the_smallest_counts() -> None:
    assert smallest("81559\n40960\n") == 40.0
    assert smallest("") == 0.0
    assert smallest("[N/A]\n24576\n") == 24.0


def test_a_machine_without_the_driver_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert told_here() == 0.0


@pytest.mark.parametrize(("answer", "status", "told"), [("81920", 0, 80.0), ("no device", 9, 0.0)])
def test_the_driver_is_asked(
    answer: str, status: int, told: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\necho {answer}\nexit {status}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert told_here() == told
