# SPDX-License-Identifier: Apache-2.0
"""Many pairs of files to one."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from tests.stages.text.io.megatron_reader import IndexedDataset
from tests.stages.text.io.test_megatron_index import write
from thresher.cli import main
from thresher.errors import DataError, PlanError
from thresher.stages.text.io.megatron import MegatronIndex, merge_file_prefixes

FIRST, SECOND, THIRD = [[1, 2], []], [[3]], [[4, 5], [6]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    write(tmp_path / "in" / "b", SECOND, 8)
    write(tmp_path / "in" / "a", FIRST, 8)
    write(tmp_path / "in" / "deep" / "c", THIRD, 8)
    return tmp_path / "in"


def test_pairs_follow_one_another_in_the_order_of_their_paths(folder: Path, tmp_path: Path) -> None:
    merged = merge_file_prefixes(str(folder), str(tmp_path / "out" / "all"))

    dataset = IndexedDataset(tmp_path / "out" / "all")
    assert dataset.sequences() == FIRST + SECOND + THIRD
    assert dataset.document_indices.tolist() == [0, 1, 2, 3, 4, 5]
    assert len(merged.lengths) == 5
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["all.bin", "all.idx"]


def test_merging_merged_pairs_is_the_same(folder: Path, tmp_path: Path) -> None:
    merge_file_prefixes(str(folder), str(tmp_path / "once"))
    merge_file_prefixes(str(folder / "deep"), str(tmp_path / "again" / "z"))
    os.rename(folder / "a.bin", tmp_path / "again" / "a.bin")
    os.rename(folder / "a.idx", tmp_path / "again" / "a.idx")
    os.rename(folder / "b.bin", tmp_path / "again" / "b.bin")
    os.rename(folder / "b.idx", tmp_path / "again" / "b.idx")
    merge_file_prefixes(str(tmp_path / "again"), str(tmp_path / "twice"))

    for ending in (".bin", ".idx"):
        assert (tmp_path / f"twice{ending}").read_bytes() == (
            tmp_path / f"once{ending}"
        ).read_bytes()


def test_documents_of_several_sequences_stay_together(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.bin").write_bytes(bytes(6))
        index = MegatronIndex(8, np.array([1, 2], np.int32), np.array([0, 2]))
        (tmp_path / f"{name}.idx").write_bytes(index.to_bytes())
    merge_file_prefixes(str(tmp_path), str(tmp_path / "m"))

    assert IndexedDataset(tmp_path / "m").document_indices.tolist() == [0, 2, 4]


def test_the_result_is_never_replaced_nor_part_of_itself(folder: Path) -> None:
    target = str(folder / "all")
    merge_file_prefixes(str(folder), target)
    with pytest.raises(PlanError, match="there already"):
        merge_file_prefixes(str(folder), target)
    os.remove(f"{target}.idx")  # as if it had been killed between the two
    merge_file_prefixes(str(folder), target)

    assert len(IndexedDataset(Path(target))) == 5


def test_what_the_run_keeps_beside_its_output_is_left_out(folder: Path, tmp_path: Path) -> None:
    (folder / "_thresher").mkdir()
    (folder / "_thresher" / "x.bin").write_bytes(b"")
    target = str(tmp_path / "all")
    merge_file_prefixes(str(folder), target)

    assert len(IndexedDataset(Path(target))) == 5


def test_nothing_to_merge_is_a_value_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no pairs"):
        merge_file_prefixes(str(tmp_path), str(tmp_path / "all"))


@pytest.mark.parametrize("ending", [".bin", ".idx"])
def test_a_missing_partner_is_named(folder: Path, tmp_path: Path, ending: str) -> None:
    os.remove(folder / f"b{ending}")
    with pytest.raises(DataError, match=f"/b: there is no {ending}"):
        merge_file_prefixes(str(folder), str(tmp_path / "all"))
    assert not list(tmp_path.glob("all*"))


def test_types_must_be_the_same(folder: Path, tmp_path: Path) -> None:
    write(folder / "d", [[1]], 4)
    with pytest.raises(DataError, match=r"its ids are int32, those of .* uint16"):
        merge_file_prefixes(str(folder), str(tmp_path / "all"))
    assert not list(tmp_path.glob("all*"))


def test_a_pair_must_belong_together(folder: Path, tmp_path: Path) -> None:
    (folder / "b.bin").write_bytes(b"\0\0\0")
    with pytest.raises(DataError, match=r"b.bin: it has 3 bytes where its index has 2"):
        merge_file_prefixes(str(folder), str(tmp_path / "all"))


def test_the_command(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--input-dir", str(folder), "--output-prefix", str(tmp_path / "all")]
    assert main(["merge-megatron", *arguments]) == 0
    assert "5 sequences, 6 tokens of uint16" in capsys.readouterr().out
    assert main(["merge-megatron", *arguments]) == 2
    assert "there already" in capsys.readouterr().err
