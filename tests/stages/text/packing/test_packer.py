# SPDX-License-Identifier: Apache-2.0
"""Packed sequences do not depend on how documents came, and hold what documents hold."""

from __future__ import annotations

import itertools

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thresher.stages.text.packing import SequencePacker, packer
from thresher.stages.text.tokenizing import Tokens

PAD = -7
documents_of = st.lists(st.integers(0, 40), max_size=25)
packings = pytest.mark.parametrize("packing", ["concatenate", "best_fit"])


def packed(
    lengths: list[int], cuts: list[int], size: int, packing: str, monkeypatch: pytest.MonkeyPatch
) -> pa.Table:
    """Documents given in batches that end at ``cuts``; a window is of 20 tokens."""
    monkeypatch.setattr(packer, "WINDOW", 20)
    monkeypatch.setattr(packer, "SEQUENCES", 2)
    made = SequencePacker(size, packing, PAD)
    tables = []
    bounds = sorted({0, len(lengths), *(cut for cut in cuts if cut < len(lengths))})
    for start, stop in itertools.pairwise(bounds):
        some = np.array(lengths[start:stop], np.int64)
        tokens = [1000 * d + i for d in range(start, stop) for i in range(lengths[d])]
        ids = pa.array(range(start, stop), pa.int64())
        tables += made.add(Tokens(np.array(tokens, np.int32), some), ids)
    tables += made.finish()
    return pa.concat_tables([packer.schema(size, pa.int64()).empty_table(), *tables])


def documents(table: pa.Table) -> dict[int, list[int]]:
    """Documents put together again from the columns of their sequences."""
    found: dict[int, dict[int, list[int]]] = {}
    for row in table.to_pylist():
        borders = row["cu_seqlens"]
        assert borders[0] == 0
        assert borders[-1] == row["n_tokens"]
        assert set(row["input_ids"][row["n_tokens"] :]) <= {PAD}
        assert len(row["document_ids"]) == len(row["position_offsets"]) == len(borders) - 1
        for document, offset, (begin, end) in zip(
            row["document_ids"], row["position_offsets"], itertools.pairwise(borders), strict=True
        ):
            assert offset not in found.setdefault(document, {})
            found[document][offset] = row["input_ids"][begin:end]
    for pieces in found.values():
        ends = [offset + len(pieces[offset]) for offset in sorted(pieces)]
        assert sorted(pieces) == [0, *ends[:-1]]
    return {
        document: [token for offset in sorted(pieces) for token in pieces[offset]]
        for document, pieces in sorted(found.items())
    }


@packings
@settings(max_examples=120, deadline=None)
@given(lengths=documents_of, cuts=st.lists(st.integers(0, 25), max_size=5), size=st.integers(1, 9))
def test_packed_documents(packing: str, lengths: list[int], cuts: list[int], size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        table = packed(lengths, cuts, size, packing, patch)
        at_once = packed(lengths, [], size, packing, patch)

    assert table.combine_chunks() == at_once.combine_chunks()
    assert documents(table) == {
        d: list(range(1000 * d, 1000 * d + n)) for d, n in enumerate(lengths)
    }
    if packing == "concatenate" and len(table):
        assert table.column("n_tokens").to_pylist()[:-1] == [size] * (len(table) - 1)
    for chunk in table.itercolumns():
        chunk.validate(full=True)


@packings
@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_windows_end_at_the_same_documents_however_they_come(
    packing: str, n: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    lengths = [3, 7, 2, 9, 1, 5, 8, 0, 6, 4, 2, 2, 11, 3, 7, 5] * 4
    batched = packed(lengths, [*range(0, len(lengths), n)], 9, packing, monkeypatch)

    assert batched.combine_chunks() == (
        packed(lengths, [], 9, packing, monkeypatch).combine_chunks()
    )


def test_columns_and_types(monkeypatch: pytest.MonkeyPatch) -> None:
    table = packed([3, 0, 6], [1], 4, "concatenate", monkeypatch)

    assert table.schema == pa.schema(
        [
            ("input_ids", pa.list_(pa.int32(), 4)),
            ("n_tokens", pa.int32()),
            ("cu_seqlens", pa.list_(pa.int32())),
            ("document_ids", pa.list_(pa.int64())),
            ("position_offsets", pa.list_(pa.int32())),
        ]
    )
    assert table.to_pylist() == [
        {"input_ids": [0, 1, 2, 2000], "n_tokens": 4, "cu_seqlens": [0, 3, 3, 4],
         "document_ids": [0, 1, 2], "position_offsets": [0, 0, 0]},
        {"input_ids": [2001, 2002, 2003, 2004], "n_tokens": 4, "cu_seqlens": [0, 4],
         "document_ids": [2], "position_offsets": [1]},
        {"input_ids": [2005, PAD, PAD, PAD], "n_tokens": 1, "cu_seqlens": [0, 1],
         "document_ids": [2], "position_offsets": [5]},
    ]  # fmt: skip


@packings
def test_documents_without_tokens_are_in_a_sequence_of_padding(
    packing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (row,) = packed([0, 0], [], 2, packing, monkeypatch).to_pylist()

    assert row == {"input_ids": [PAD, PAD], "n_tokens": 0, "cu_seqlens": [0, 0, 0],
                   "document_ids": [0, 1], "position_offsets": [0, 0]}  # fmt: skip
