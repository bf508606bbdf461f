# SPDX-License-Identifier: Apache-2.0
"""Which files become which parts, and what the parts are called."""

from __future__ import annotations

import warnings
from pathlib import Path

import fsspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from thresher.errors import PlanError, StorageError
from thresher.stages.file_partitioning import FilePartitioningStage
from thresher.storage import parse_size
from thresher.tasks import EmptyTask


def make(root: Path, *names: str, size: int = 10) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)


def names(*arguments: object, **options: object) -> list[str]:
    stage = FilePartitioningStage(*arguments, **options)  # type: ignore[arg-type]
    return [name for name, _ in stage.partitions()]


def test_one_file_a_partition_in_path_order(tmp_path: Path) -> None:
    make(
        tmp_path, "b.jsonl", "2024/a.JSONL", "2024/c.json", "z.jsonl.gz", "no.txt", "2024/x.csv.gz"
    )
    make(tmp_path, "_thresher/a.jsonl", ".hidden.jsonl", "2024/.git/a.jsonl", "_SUCCESS.jsonl")
    assert names(str(tmp_path)) == ["2024/a.JSONL", "2024/c.json", "b.jsonl", "z.jsonl.gz"]
    stage = FilePartitioningStage(str(tmp_path), limit=2)
    first, second = stage.process(EmptyTask())
    assert first.data == [str(tmp_path / "2024/a.JSONL")]
    assert first.dataset_name == "2024"
    assert first._metadata == {
        "partition_index": 0, "total_partitions": 4, "source_files": first.data
    }  # fmt: skip
    assert first.slices[0].size == 10
    assert first.slices[0].version == str((tmp_path / "2024/a.JSONL").stat().st_mtime_ns)
    assert second._metadata["partition_index"] == 1
    assert stage.num_workers() == 1


def test_a_hidden_folder_may_be_named(tmp_path: Path) -> None:
    make(tmp_path, "_in/.a/b.jsonl", "_in/.a/_c.jsonl")
    assert names(str(tmp_path / "_in/.a")) == ["b.jsonl"]
    assert names(str(tmp_path / "_in/.a/*.jsonl")) == ["b.jsonl"]
    assert names(str(tmp_path / "_in/.a/_c.jsonl")) == ["_c.jsonl"]


def test_entries(tmp_path: Path) -> None:
    make(tmp_path, "one/a.jsonl", "two/a.jsonl", "two/sub/b.jsonl", "c.txt")
    root = str(tmp_path)
    assert names([f"{root}/one", f"{root}/two"]) == [
        "one/a.jsonl",
        "two/a.jsonl",
        "two/sub/b.jsonl",
    ]
    assert names([f"{root}/two", f"{root}/one"])[0] == "two/a.jsonl"
    assert names(f"{root}/*/a.jsonl") == ["one/a.jsonl", "two/a.jsonl"]
    assert names(f"{root}/**/b.jsonl") == ["two/sub/b.jsonl"]
    assert names(f"{root}/t*") == ["two/a.jsonl", "two/sub/b.jsonl"]
    assert names([f"{root}/one/a.jsonl", f"{root}/two/sub/b.jsonl"]) == [
        "one/a.jsonl",
        "sub/b.jsonl",
    ]
    assert names(f"{root}/c.txt") == ["c.txt"]
    assert names(f"file://{root}/one") == ["a.jsonl"]
    assert names({"x": f"{root}/one", "y/z": [f"{root}/two"]}) == [
        "x/a.jsonl", "y/z/a.jsonl", "y/z/sub/b.jsonl"
    ]  # fmt: skip
    assert names(root, file_extensions=["txt"]) == ["c.txt"]
    assert names(tmp_path / "one") == ["a.jsonl"]


def test_the_same_file_twice_is_read_once(tmp_path: Path) -> None:
    make(tmp_path, "one/a.jsonl", "one/b.jsonl")
    with pytest.warns(UserWarning, match="read once"):
        assert names([f"{tmp_path}/one/b.jsonl", f"{tmp_path}/one"]) == [
            "one/b.jsonl",
            "one/a.jsonl",
        ]


def test_collisions_ask_for_names(tmp_path: Path) -> None:
    make(tmp_path, "x/web/a.jsonl", "y/web/a.jsonl")
    with pytest.raises(PlanError, match="'web/a") as caught:
        names([f"{tmp_path}/x/web", f"{tmp_path}/y/web"])
    assert "file_paths={" in caught.value.todo


def test_groups(tmp_path: Path) -> None:
    make(tmp_path, *(f"{i}.jsonl" for i in range(5)))
    stage = FilePartitioningStage(str(tmp_path), files_per_partition=2)
    assert [name for name, _ in stage.partitions()] == ["0.jsonl+1", "2.jsonl+1", "4.jsonl"]
    assert [len(task.data) for task in stage.process(EmptyTask())] == [2, 2, 1]
    assert names(str(tmp_path), blocksize=25) == ["0.jsonl+1", "2.jsonl+1", "4.jsonl"]


def test_blocks_split_what_is_big(tmp_path: Path) -> None:
    make(tmp_path, "a.jsonl", "b.jsonl", "d.jsonl")
    make(tmp_path, "c.jsonl", "c.jsonl.gz", "c.txt", size=45)
    stage = FilePartitioningStage(str(tmp_path), blocksize=20, file_extensions=[".jsonl", ".txt"])
    parts = stage.partitions()
    assert [name for name, _ in parts] == [
        "a.jsonl+1", "c.jsonl@0000000000", "c.jsonl@0000000020", "c.jsonl@0000000040",
        "c.jsonl.gz", "c.txt", "d.jsonl",
    ]  # fmt: skip
    assert [(s.start, s.stop) for _, task in parts[1:4] for s in task.slices] == [
        (0, 20), (20, 40), (40, 45)
    ]  # fmt: skip
    assert [name for name, _ in stage.partitions(split=False)][1] == "c.jsonl"


def test_big_files_are_split_without_being_asked(tmp_path: Path) -> None:
    with (tmp_path / "a.jsonl").open("wb") as file:
        file.truncate(300 * 1024 * 1024)
    make(tmp_path, "b.jsonl")
    assert len(names(str(tmp_path))) == 4
    assert names(str(tmp_path), files_per_partition=1) == ["a.jsonl", "b.jsonl"]


@given(st.lists(st.integers(0, 60), min_size=1, max_size=12), st.integers(1, 40))
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_blocks_cover_every_byte_once(tmp_path: Path, sizes: list[int], block: int) -> None:
    for old in tmp_path.iterdir():
        old.unlink()
    for i, size in enumerate(sizes):
        make(tmp_path, f"{i:02}.jsonl", size=size)
    covered = [0] * len(sizes)
    for _, task in FilePartitioningStage(str(tmp_path), blocksize=block).partitions():
        lengths = 0
        for piece in task.slices:
            index = int(Path(piece.path).stem)
            assert piece.start == covered[index]
            covered[index] = piece.size if piece.stop is None else piece.stop
            lengths += covered[index] - piece.start
        assert lengths <= block
    assert covered == sizes


def test_nothing_found(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="no file") as caught:
        names(str(tmp_path))
    assert caught.value.where == str(tmp_path)
    make(tmp_path, "a.csv")
    with pytest.raises(PlanError) as caught:
        names(str(tmp_path))
    assert "a.csv" in caught.value.todo
    with pytest.raises(StorageError) as missing:
        names(f"{tmp_path}/a.cvs")
    assert "a.csv" in missing.value.todo


def test_memory_urls() -> None:
    fs = fsspec.filesystem("memory")
    for name in ("/parts/in/a.jsonl", "/parts/in/_x/b.jsonl", "/parts/in/sub/c.jsonl"):
        fs.pipe_file(name, b"{}\n")
    parts = FilePartitioningStage("memory://parts/in").partitions()
    assert [name for name, _ in parts] == ["a.jsonl", "sub/c.jsonl"]
    assert parts[1][1].data == ["memory://parts/in/sub/c.jsonl"]
    assert names("memory://parts/in/sub/*.jsonl") == ["c.jsonl"]
    assert names(["memory://parts/in/sub", "memory://parts/in/a.jsonl"]) == [
        "sub/c.jsonl",
        "in/a.jsonl",
    ]


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1GB", 10**9), ("GB", 10**9), ("64MB", 64 * 10**6), ("64 MiB", 64 * 2**20),
        ("1.5kb", 1500), ("2K", 2000), ("7", 7), ("7B", 7), (" 3 pib ", 3 * 2**50),
        (12, 12), (".5TB", 5 * 10**11),
    ],
)  # fmt: skip
def test_sizes(text: int | str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "MBB", "B", "1 XB", "-1MB", "0", 0, -5, "1Ki", "1iB", True, "1e3"]
)
def test_what_is_no_size(text: int | str) -> None:
    with pytest.raises(PlanError, match="not a size"):
        parse_size(text)


@pytest.mark.parametrize("paths", [[], {}, 7, [7], None])
def test_what_are_no_paths(paths: object) -> None:
    with pytest.raises(PlanError):
        FilePartitioningStage(paths)  # type: ignore[arg-type]


def test_no_warnings_without_cause(tmp_path: Path) -> None:
    make(tmp_path, "a.jsonl")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        names([str(tmp_path)])
