# SPDX-License-Identifier: Apache-2.0
"""Random byte strings: no crash, no hang, no row lost. ``make soak`` does 100,000 of them."""

from pathlib import Path
from random import Random

import pytest

from tests.fuzz.chunk import run
from tests.fuzz.strings import byte_string
from tests.toys import run_quietly
from thresher.backends.local import LocalExecutor
from thresher.errors import ThresherError
from thresher.pipeline import Pipeline
from thresher.stages.text.io import JsonlWriter, ParquetReader


@pytest.mark.parametrize("seed", [0, 1])
def test_rows_of_random_byte_strings_are_accounted_for(tmp_path: Path, seed: int) -> None:
    told = run(tmp_path, seed, 600)
    assert all(told.values()), told  # some of every kind


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 3])
def test_thousands_of_them(tmp_path: Path, seed: int) -> None:
    assert run(tmp_path, seed, 3000)["records"] > 2000


@pytest.mark.parametrize("seed", range(5))
def test_what_is_no_parquet_file_is_said_to_be_none(tmp_path: Path, seed: int) -> None:
    rng = Random(seed)
    data = byte_string(rng)
    (tmp_path / "a.parquet").write_bytes(data if seed else b"PAR1" + data + b"PAR1")
    reader, writer = ParquetReader(str(tmp_path / "a.parquet")), JsonlWriter(str(tmp_path / "out"))
    with pytest.raises(ThresherError) as caught:
        run_quietly(Pipeline("p", stages=[reader, writer]), LocalExecutor(workers=0))
    assert "a.parquet" in str(caught.value)
