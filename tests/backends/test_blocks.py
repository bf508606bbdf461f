# SPDX-License-Identifier: Apache-2.0
"""How tasks are put into blocks for engines."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thresher.backends.context import Attempt
from thresher.backends.envelope import Envelope
from thresher.backends.executor import Lease
from thresher.backends.parcel import Parcel
from thresher.backends.ray.blocks import MOST_BYTES, blocks_after, blocks_of
from thresher.runs.part import Part
from thresher.tasks import DocumentBatch, EmptyTask

MB = 1_000_000


def leases(sizes: list[int]) -> list[Lease]:
    return [
        Lease(str(k), Part(0, str(k), EmptyTask(), source_bytes=size))
        for k, size in enumerate(sizes)
    ]


def made(sizes: list[int]) -> list[Envelope]:
    """Envelopes with tables of about so many bytes."""
    batches = [DocumentBatch("made", pa.table({"text": ["x" * size]})) for size in sizes]
    return [Envelope(Attempt("t", "p"), (k,), 1, Parcel(task=b)) for k, b in enumerate(batches)]


@given(st.lists(st.integers(0, 40 * MB), max_size=300), st.sampled_from([0.5, 1.0, 2.0, 64.0]))
def test_every_attempt_is_in_one_block(sizes: list[int], cpus: float) -> None:
    blocks = blocks_of(leases(sizes), cpus)

    assert [e.attempt.token for block in blocks for e in block] == [
        str(k) for k in range(len(sizes))
    ]
    known = dict(enumerate(sizes))
    for block in blocks:
        total = sum(known[int(e.attempt.token)] for e in block)
        assert len(block) == 1 or total <= MOST_BYTES
    assert len(blocks) >= min(len(sizes), 16 * cpus // 2)


@pytest.mark.parametrize(("n", "cpus", "longest"), [(10, 2, 1), (64, 2, 2), (1000, 2, 31)])
def test_small_parts_share_a_block_when_there_are_many(n: int, cpus: int, longest: int) -> None:
    assert max(map(len, blocks_of(leases([100] * n), cpus))) == longest


def test_parts_of_unknown_size_are_not_taken_for_small() -> None:
    assert max(map(len, blocks_of(leases([0] * 10_000), 1))) == 16


def test_large_tasks_leave_a_step_alone() -> None:
    block = made([10, 10, 10, 10])
    children = made([10, 12 * MB, 12 * MB, 10, 10])
    assert [len(b) for b in blocks_after(block, children)] == [2, 3]
    assert [len(b) for b in blocks_after(block[:1], children)] == [1, 1, 1, 1, 1]
    assert blocks_after(block, []) == []
