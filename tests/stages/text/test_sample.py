# SPDX-License-Identifier: Apache-2.0
"""Sample."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thresher.backends.local import LocalExecutor
from thresher.errors import PlanError
from thresher.pipeline import Pipeline
from thresher.stages.text.io import JsonlReader, JsonlWriter
from thresher.stages.text.modules import Filter
from thresher.stages.text.sample import Sample
from thresher.tasks import DocumentBatch

MASK = 2**64 - 1


def is_kept_plainly(seed: int, part: str, row: int, share: float) -> bool:
    """The definition, with Python's whole numbers."""
    import xxhash

    origin = xxhash.xxh3_64_intdigest(f"{seed}/{part}".encode())
    z = (row + origin) * 0x9E3779B97F4A7C15 & MASK
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
    return ((z ^ z >> 31) >> 11) / 2**53 < share


@given(st.integers(-(2**40), 2**40), st.floats(0, 1), st.lists(st.integers(0, 2**62), max_size=9))
def test_it_is_its_plain_definition(seed: int, share: float, rows: list[int]) -> None:
    batch = DocumentBatch("docs", {"__row": rows, "n": list(range(len(rows)))})
    kept = Sample(share, seed).process(batch).data.column("n").to_pylist()
    plainly = [n for n, row in enumerate(rows) if is_kept_plainly(seed, batch.task_id, row, share)]
    assert kept == plainly


def test_about_the_share_is_kept() -> None:
    batch = DocumentBatch("docs", {"n": list(range(100_000))})
    assert Sample(0).process(batch).num_items == 0
    assert Sample(1).process(batch).num_items == 100_000
    for seed in range(20):  # six standard deviations
        assert abs(Sample(0.01, seed).process(batch).num_items - 1000) < 190


def sampled(folder: Path, name: str, *stages: object, **reader: object) -> set[int]:
    read = JsonlReader(str(folder / "in"), **reader)  # type: ignore[arg-type]
    pipeline = Pipeline(name, stages=[read, *stages, JsonlWriter(str(folder / name))])  # type: ignore[list-item]
    result = pipeline.run(LocalExecutor(workers=0))
    assert result.counts[0].rows_in == 3000
    lines = [p.read_text().splitlines() for p in (folder / name).glob("*.jsonl")]
    return {json.loads(line)["id"] for part in lines for line in part}


def test_the_same_documents_every_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "in"
    source.mkdir()
    for file in range(3):
        lines = [json.dumps({"id": file * 1000 + row}) + "\n" for row in range(1000)]
        (source / f"{file}.jsonl").write_text("".join(lines))
    some = sampled(tmp_path, "some", Sample(0.05))
    assert 60 < len(some) < 240
    assert {each // 1000 for each in some} == {0, 1, 2}
    assert len({each % 1000 for each in some}) > len(some) * 0.8  # not the same rows of each file
    assert sampled(tmp_path, "again", Sample(0.05)) == some
    assert sampled(tmp_path, "more", Sample(0.1)) > some
    assert sampled(tmp_path, "others", Sample(0.05, seed=1)) != some
    behind = sampled(tmp_path, "behind", Filter(lambda n: n % 2 == 0, "id"), Sample(0.05))
    assert behind == {each for each in some if each % 2 == 0}


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_no_share(share: float) -> None:
    with pytest.raises(PlanError, match="no share"):
        Sample(share)
