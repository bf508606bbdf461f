# SPDX-License-Identifier: Apache-2.0
"""Which files become which parts, and what the parts are called."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from unittest import mock

import fsspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from thresher.errors import PlanError, StorageError
from thresher.stages.file_partitioning import (
    JSONL_EXTENSIONS,
    PARQUET_EXTENSIONS,
    FilePartitioningStage,
)
from thresher.storage import open_read, parse_size
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
    found = (tmp_path / "2024/a.JSONL").stat()
    assert first.slices[0].version == f"{found.st_mtime_ns}, changed {found.st_ctime_ns}"
    assert second._metadata["partition_index"] == 1
    assert stage.num_workers() == 1


def test_a_hidden_folder_may_be_named(tmp_path: Path) -> None:
    make(tmp_path, "_in/.a/b.jsonl", "_in/.a/_c.jsonl")
    assert names(str(tmp_path / "_in/.a")) == ["b.jsonl"]
    assert names(str(tmp_path / "_in/.a/*.jsonl")) == ["b.jsonl"]
    assert names(str(tmp_path / "_in/.a/_c.jsonl")) == ["%5Fc.jsonl"]


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
    stage = FilePartitioningStage([f"{tmp_path}/one/b.jsonl", f"{tmp_path}/one"])
    assert [file.name for file in stage.files()] == ["one/b.jsonl", "one/a.jsonl"]
    [note] = stage.notes()
    assert "read once" in note


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


def notes(*arguments: object, **options: object) -> list[str]:
    stage = FilePartitioningStage(*arguments, **options)  # type: ignore[arg-type]
    assert stage.notes() == []
    for _ in range(2):
        stage.partitions()
    return stage.notes()


def test_what_is_passed_by_is_told(tmp_path: Path) -> None:
    root = str(tmp_path / "in")
    make(tmp_path / "in", "a.jsonl", "b.pq", "c.ndjson.zstd", "d.jl", "_e.csv", ".f", "_g/h.csv")
    assert notes(root) == []
    make(tmp_path / "in", "x.CSV", "sub/y.csv.gz", "sub/z.csv", "README", "n\n\udce9.txt")
    todo = "name endings in file_extensions to read them"
    found = f"{root}: 5 files are passed by for their endings (.csv, .csv.gz, .txt, none)"
    assert notes(root) == [f"{found}, e.g. in/README; {todo}"]
    assert notes([root, f"{root}/*.t*"])[1] == (
        f"{root}/*.t*: 1 file is passed by for its ending (.txt), e.g. in/n%0A%E9.txt; {todo}"
    )
    assert notes(root, file_extensions=[".jsonl"]) == []
    (told,) = notes(root, file_extensions=JSONL_EXTENSIONS)
    assert ".pq" in told
    (told,) = notes(root, file_extensions=PARQUET_EXTENSIONS)
    assert "8 files" in told
    assert ".ndjson.zstd, ..." in told
    assert names(root, file_extensions=[".csv"]) == ["sub/y.csv.gz", "sub/z.csv", "x.CSV"]


def test_endings_of_lines_and_row_groups(tmp_path: Path) -> None:
    make(tmp_path, *(f"a{ending}" for ending in JSONL_EXTENSIONS), size=25)
    make(tmp_path, *(f"b{ending}.gzip" for ending in JSONL_EXTENSIONS), size=25)
    parts = FilePartitioningStage(str(tmp_path), blocksize=20).partitions()
    assert len(parts) == 3 * len(JSONL_EXTENSIONS)
    for ending in PARQUET_EXTENSIONS:
        make(tmp_path / "parquet", f"a{ending}")
    units = {
        s.unit
        for _, t in FilePartitioningStage(f"{tmp_path}/parquet").partitions()
        for s in t.slices
    }
    assert units == {"row_groups"}


def test_descriptions_of_data_sets_are_no_data(tmp_path: Path) -> None:
    root = str(tmp_path)
    make(tmp_path, "a.jsonl", "dataset_infos.json", "sub/Dataset_Info.JSON", "sub/state.json")
    make(tmp_path, "metadata.jsonl", "other_state.json", "croissant.jsonl")
    read = ["a.jsonl", "croissant.jsonl", "metadata.jsonl", "other_state.json"]
    assert (
        names(root) == names(f"{root}/**") == names(root, file_extensions=["json", "jsonl"]) == read
    )
    assert names(f"{root}/**/*.json") == ["other_state.json"]
    assert names(f"{root}/**/state.json") == ["sub/state.json"]
    assert names(f"{root}/dataset_infos.json") == ["dataset_infos.json"]
    assert names([root, f"{root}/sub/state.json"])[-1] == "sub/state.json"
    last = tmp_path.name
    assert notes(root) == [
        f"{root}: 3 files are passed by as descriptions of a data set, e.g. "
        f"{last}/dataset_infos.json; name a file itself to read it"
    ]
    with pytest.raises(PlanError, match="no file") as caught:
        names(f"{root}/sub")
    assert "name a file itself" in caught.value.todo


def test_special_files_are_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "b.jsonl")
    with pytest.raises(PlanError) as caught:
        names(str(tmp_path))
    assert "as a pipe" in caught.value.todo
    make(tmp_path, "a.jsonl")
    (told,) = notes(f"{tmp_path}/*", file_extensions=["jsonl"])
    assert told.endswith(
        f"1 file is passed by as a pipe, socket or device, e.g. {tmp_path.name}/b.jsonl"
    )


def test_links_that_are_not_followed_are_told(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/up").symlink_to("..")
    with pytest.raises(PlanError) as caught:
        names(f"{tmp_path}/in")
    assert "1 link is not followed" in caught.value.todo
    make(tmp_path / "in", "a.jsonl", "sub/b.jsonl")
    assert notes(f"{tmp_path}/in") == [
        f"{tmp_path}/in: 1 link is not followed, as it leads back to a folder that it lies in, "
        "e.g. in/up; name what is to be read of it as an input"
    ]
    (tmp_path / "in/sub/top").symlink_to(tmp_path)
    (told,) = notes(f"{tmp_path}/in/**/*.jsonl")
    assert "2 links are not followed, as they lead back to folders that they lie in" in told


@pytest.mark.parametrize(
    ("begin", "n_parts"),
    [
        (b"\x1f\x8b\x08", 1), (b"\x28\xb5\x2f\xfd", 1), (b"\x50\x2a\x4d\x18", 1), (b"BZh9", 1),
        (b"\xfd7zXZ\x00", 1), (b"{}\n", 3), (b"BZhello", 3), (b"\xef\xbb\xbf{}", 3),
        (b"\xfd7zXY", 3),
    ],
)  # fmt: skip
def test_compressed_bytes_are_not_cut(tmp_path: Path, begin: bytes, n_parts: int) -> None:
    (tmp_path / "a.jsonl").write_bytes(begin.ljust(25, b"x"))
    (tmp_path / "b.jsonl").write_bytes(begin)
    (tmp_path / "c.jsonl.gz").write_bytes(begin.ljust(25, b"x"))
    url = f"memory://{tmp_path.name}-{n_parts}-{begin.hex()}"
    fsspec.filesystem("memory").pipe_file(f"{url}/a.jsonl", begin.ljust(25, b"x"))
    assert len(names(str(tmp_path), blocksize=10)) == n_parts + 2
    assert len(names(url, blocksize=10)) == n_parts


def test_only_what_would_be_cut_is_opened(tmp_path: Path) -> None:
    make(tmp_path, "a.jsonl", "c.jsonl.gz", "d.parquet", size=20)
    make(tmp_path, "b.jsonl", size=30)
    with mock.patch("thresher.storage.listing.open_read", wraps=open_read) as opened:
        names(str(tmp_path), blocksize=25)
        FilePartitioningStage(str(tmp_path), blocksize=25).partitions(split=False)
    assert [call.args[0] for call in opened.call_args_list] == [str(tmp_path / "b.jsonl")]


def test_parts_of_one_name_are_refused(tmp_path: Path) -> None:
    make(tmp_path, "a.jsonl", "a.jsonl+1.jsonl", "b.jsonl")
    (tmp_path / "a.jsonl+1.jsonl").rename(tmp_path / "a.jsonl+1")
    with pytest.raises(PlanError, match="both be named"):
        names(
            [f"{tmp_path}/{n}" for n in ("a.jsonl", "b.jsonl", "a.jsonl+1")], files_per_partition=2
        )


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
