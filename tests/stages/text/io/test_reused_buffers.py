# SPDX-License-Identifier: Apache-2.0
"""Memory is used again only when nothing refers to it any more."""

import numpy as np
import pyarrow as pa

from thresher.stages.text.io import reused_buffers

SIZE = 2 << 20


def address(array: np.ndarray) -> int:
    return int(array.ctypes.data)


def test_free_memory_is_used_again():
    first = reused_buffers.empty(SIZE)
    at = address(first)
    del first
    assert address(reused_buffers.empty(SIZE - 100)) == at


def test_memory_behind_a_view_is_left_alone():
    first = reused_buffers.empty(SIZE)
    first[:] = 7
    view = first[10:20]
    del first
    others = [reused_buffers.empty(SIZE) for _ in range(10)]
    for other in others:
        other[:] = 9
    assert view.tolist() == [7] * 10


def test_memory_behind_an_arrow_column_is_left_alone():
    memory = reused_buffers.empty(SIZE)
    memory[:] = ord("a")
    offsets = pa.py_buffer(np.array([0, 3, 6], np.int64))
    column = pa.LargeStringArray.from_buffers(2, offsets, pa.py_buffer(memory[:6]))
    kept = column.slice(1, 1)
    del memory, column
    for other in [reused_buffers.empty(SIZE) for _ in range(10)]:
        other[:] = ord("b")
    assert kept.to_pylist() == ["aaa"]


def test_small_and_huge_memory_is_not_kept():
    assert reused_buffers.empty(10).base is None
    assert reused_buffers.empty(64 << 20).base is None
