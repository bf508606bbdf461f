# SPDX-License-Identifier: Apache-2.0
"""The layout of an ``.idx``, byte by byte, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.stages.text.io.megatron_reader import IndexedDataset
from thresher.errors import DataError, StorageError
from thresher.stages.text.io.megatron import MegatronIndex, MegatronStream, read_index
from thresher.stages.text.io.megatron.index import code_for, one_each
from thresher.stages.text.tokenizing import Tokens


def tokens(documents: list[list[int]]) -> Tokens:
    ids = np.array([each for document in documents for each in document], np.int32)
    return Tokens(ids, np.array(list(map(len, documents)), np.int64))


def write(prefix: Path, documents: list[list[int]], code: int, eod: int = -1) -> None:
    stream = MegatronStream(f"{prefix}.bin", f"{prefix}.idx", code, eod)
    stream.write(tokens(documents))
    stream.close()


def test_every_byte_of_two_byte_ids(tmp_path: Path) -> None:
    write(tmp_path / "a", [[1, 258], [], [65535]], 8)

    assert (tmp_path / "a.bin").read_bytes() == bytes.fromhex("0100 0201 ffff")
    assert (tmp_path / "a.idx").read_bytes() == bytes.fromhex(
        "4d4d49444944580000"  # MMIDIDX and two zeros
        "0100000000000000"  # version
        "08"  # uint16
        "0300000000000000"  # sequences
        "0400000000000000"  # documents and one
        "02000000 00000000 01000000"  # lengths
        "0000000000000000 0400000000000000 0400000000000000"  # byte offsets
        "0000000000000000 0100000000000000 0200000000000000 0300000000000000"  # documents
    )


def test_every_byte_of_four_byte_ids_with_an_end(tmp_path: Path) -> None:
    write(tmp_path / "a", [[65536], []], 4, eod=7)

    assert (tmp_path / "a.bin").read_bytes() == bytes.fromhex("00000100 07000000 07000000")
    assert (tmp_path / "a.idx").read_bytes() == bytes.fromhex(
        "4d4d49444944580000 0100000000000000 04 0200000000000000 0300000000000000"
        "02000000 01000000"
        "0000000000000000 0800000000000000"
        "0000000000000000 0100000000000000 0200000000000000"
    )


def test_no_documents_at_all(tmp_path: Path) -> None:
    write(tmp_path / "a", [], 8)

    assert (tmp_path / "a.bin").read_bytes() == b""
    assert len(IndexedDataset(tmp_path / "a")) == 0
    assert read_index(str(tmp_path / "a.idx")).n_bytes == 0


@settings(max_examples=60, deadline=None)
@given(
    batches=st.lists(st.lists(st.lists(st.integers(0, 65535), max_size=5), max_size=5), max_size=4),
    code=st.sampled_from([4, 8]),
    eod=st.sampled_from([-1, 0, 3]),
)
def test_another_reader_finds_what_was_written(
    batches: list[list[list[int]]], code: int, eod: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    prefix = tmp_path_factory.mktemp("pair") / "a"
    stream = MegatronStream(f"{prefix}.bin", f"{prefix}.idx", code, eod)
    for batch in batches:
        stream.write(tokens(batch))
    stream.close()

    expected = [each + [eod] * (eod >= 0) for batch in batches for each in batch]
    dataset = IndexedDataset(prefix)
    assert dataset.sequences() == expected
    assert dataset.document_indices.tolist() == list(range(len(expected) + 1))
    assert stream.num_tokens == sum(map(len, expected))


def test_an_id_too_large_is_refused_and_nothing_of_its_batch_written(tmp_path: Path) -> None:
    stream = MegatronStream(str(tmp_path / "a.bin"), str(tmp_path / "a.idx"), 8)
    stream.write(tokens([[1]]))
    with pytest.raises(DataError, match="token id 65536 does not fit uint16"):
        stream.write(tokens([[2], [65536]]))
    stream.close()

    assert IndexedDataset(tmp_path / "a").sequences() == [[1]]


def test_what_is_discarded_leaves_no_file(tmp_path: Path) -> None:
    stream = MegatronStream(str(tmp_path / "a.bin"), str(tmp_path / "a.idx"), 8)
    stream.write(tokens([[1]]))
    stream.discard()

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("n_ids", "code"), [(65536, 8), (65537, 4), (-1, 4), (0, 8), (1, 8)])
def test_the_width_of_ids(n_ids: int, code: int) -> None:
    assert code_for(n_ids) == code


def test_documents_of_several_sequences_are_kept(tmp_path: Path) -> None:
    index = MegatronIndex(4, np.array([2, 0, 3], np.int32), np.array([0, 2, 3]))
    path = tmp_path / "a.idx"
    path.write_bytes(index.to_bytes())
    again = read_index(str(path))

    assert again.lengths.tolist() == [2, 0, 3]
    assert again.documents.tolist() == [0, 2, 3]
    assert again.n_bytes == 20


WHOLE = one_each(8, np.array([2, 3], np.int32)).to_bytes()


@pytest.mark.parametrize(
    "data",
    [b"", WHOLE[:33], WHOLE[:-1], WHOLE + b"\0", b"X" + WHOLE[1:],
     WHOLE[:9] + b"\x02" + WHOLE[10:], WHOLE[:17] + b"\x09" + WHOLE[18:],
     WHOLE[:50] + b"\x05" + WHOLE[51:]],
    ids=["empty", "short header", "short", "long", "magic", "version", "code", "offsets"],
)  # fmt: skip
def test_what_is_no_index_is_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.idx"
    path.write_bytes(data)
    with pytest.raises(DataError, match="not a readable Megatron index"):
        read_index(str(path))


def test_a_missing_index_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"none\.idx"):
        read_index(str(tmp_path / "none.idx"))
