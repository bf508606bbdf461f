# SPDX-License-Identifier: Apache-2.0
"""Rows to the letter, scaled down; ``rows.py --documents 1000000`` is the whole of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.rows import plant, problems, run

pytestmark = pytest.mark.faults

DOCUMENTS = 20_000


@pytest.mark.parametrize("blocksize", ["700KB", "64MB"])
def test_rows_come_out_to_the_letter(blocksize: str, tmp_path: Path) -> None:
    planted = plant(tmp_path / "input", DOCUMENTS)
    assert len(planted.bad) > 10
    run(planted, tmp_path / "out", blocksize)
    assert problems(planted, tmp_path / "out", DOCUMENTS) == []
