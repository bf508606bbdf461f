# SPDX-License-Identifier: Apache-2.0
import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.toys import batch, ids_of
from thresher.backends import overflow, parcel
from thresher.backends.parcel import INLINE_BYTES, Handed, ParcelFolders, sweep_orphans
from thresher.tasks import DocumentBatch, FileGroupTask, FileSlice
from thresher.tasks.joining import join


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the place of shared memory."""
    folder = tmp_path / "shm"
    folder.mkdir()
    monkeypatch.setattr(parcel, "SHARED", folder)
    monkeypatch.setattr(parcel, "_has_room", lambda folder, size: True)
    return folder


@pytest.fixture
def folders(shared: Path, tmp_path: Path) -> ParcelFolders:
    return ParcelFolders.create(str(tmp_path / "disk"))


def wide(n: int = 4) -> DocumentBatch:
    table = batch(range(n), wide=["x" * INLINE_BYTES] * n)
    return table.evolve(_parsed=frozenset(("id",)), _carried=frozenset(("id",)), task_id="part")


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_small_tasks_travel_in_the_message(folders: ParcelFolders, tmp_path: Path) -> None:
    files = FileGroupTask("set", ["a"], slices=(FileSlice("a", 3, 9),)).evolve(task_id="part")
    for task in (batch([1, 2]), files):
        packed = folders.pack(task)
        assert packed.path == ""
        assert type(packed.open()) is type(task)
    assert packed.open().slices == files.slices
    assert not files_in(tmp_path)


def test_large_tables_travel_as_files_in_shared_memory(
    folders: ParcelFolders, shared: Path
) -> None:
    task = wide()
    packed = folders.pack(task)
    [file] = files_in(shared)
    opened = packed.open()
    packed.discard()

    assert packed.path == str(file)
    assert not file.exists()
    assert opened.data.equals(task.data)
    assert (opened.task_id, opened._parsed, opened._carried) == ("part", {"id"}, {"id"})
    packed.discard()


def test_a_full_shared_memory_means_disk(
    folders: ParcelFolders, shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parcel, "_has_room", lambda folder, size: False)
    packed = folders.pack(wide())

    assert files_in(tmp_path / "disk") == [Path(packed.path)]
    assert not files_in(shared)
    assert ids_of([packed.open()]) == [0, 1, 2, 3]


def test_folders_go_with_their_process(
    folders: ParcelFolders, shared: Path, tmp_path: Path
) -> None:
    gone = shared / "thresher-999999999-abc"
    gone.mkdir()
    (gone / "parcel").touch()
    foreign = shared / "other-999999999-abc"
    foreign.mkdir()
    sweep_orphans()

    assert not gone.exists()
    assert foreign.exists()
    assert Path(folders.shared).exists()
    assert str(os.getpid()) in folders.shared
    folders.remove()
    assert not Path(folders.shared).exists()
    assert not Path(folders.disk).exists()


@pytest.mark.parametrize("joined", [False, True])
def test_shared_memory_that_fills_up_midway_means_disk_too(
    folders: ParcelFolders, shared: Path, tmp_path: Path, joined: bool
) -> None:
    tasks = [wide(8), wide(8)]
    with _device_of(shared, 100_000):
        if joined:
            [packed] = folders.pack_joined(iter(tasks), sys.maxsize)
            opened = list(packed.pieces())
            [(path, _)] = packed.tables
        else:
            packed = folders.pack(tasks[0])
            opened = [packed.open()]
            path = packed.path

    assert files_in(tmp_path / "disk") == [Path(path)]
    assert not files_in(shared)
    assert packed.size == os.path.getsize(path)
    assert ids_of(opened) == [*range(8)] * (2 if joined else 1)


def test_neighbours_of_one_schema_share_a_file(folders: ParcelFolders, shared: Path) -> None:
    other = wide(3).with_column("id", [0.5, 1.5, 2.5])
    tasks = [wide(2), wide(1), other, wide(4)]
    [packed] = folders.pack_joined(iter(tasks), sys.maxsize)
    paths = [Path(path) for path, _ in packed.tables]

    assert len(paths) == 3
    assert sorted(files_in(shared)) == sorted(paths)
    assert packed.size == sum(map(os.path.getsize, paths))
    pieces = list(packed.pieces())
    assert [piece.num_items for piece in pieces] == [2, 1, 3, 4]
    assert [str(piece.data.schema.field("id").type) for piece in pieces] == [
        "int64", "int64", "double", "int64"
    ]  # fmt: skip
    assert [piece._carried for piece in pieces] == [{"id"}, {"id"}, frozenset(), {"id"}]
    opened = packed.open()
    assert opened.data.equals(join(tasks).data)
    assert (opened.task_id, opened._parsed, opened._carried) == ("part", {"id"}, frozenset())
    packed.discard()
    assert not files_in(shared)


def test_small_batches_of_any_types_travel_in_the_message(
    folders: ParcelFolders, tmp_path: Path
) -> None:
    tasks = [batch([1]), batch([2]).with_column("id", ["x"]), batch([3])]
    [packed] = folders.pack_joined(iter(tasks), sys.maxsize)

    assert packed.data is not None
    assert (packed.path, packed.tables) == ("", ())
    assert not files_in(tmp_path)
    assert packed.open().data.equals(join(tasks).data)
    assert packed.open().data.column("id").to_pylist() == ["1", '"x"', "3"]


@pytest.mark.parametrize("sizes", [[2, 2, 2], [1, 5, 1], [9, 1, 1, 1], [1]])
def test_all_packers_cut_at_the_same_places(folders: ParcelFolders, sizes: list[int]) -> None:
    most = 4 * INLINE_BYTES + 1000
    tasks = [wide(n) for n in sizes]
    tasks[0] = tasks[0].with_column("id", [str(i) for i in range(sizes[0])])
    handed = [parcel.open() for parcel in Handed().pack_joined(iter(tasks), most)]
    packed = [parcel.open() for parcel in folders.pack_joined(iter(tasks), most)]

    assert [task.num_items for task in packed] == [task.num_items for task in handed]
    assert all(a.data.equals(b.data) for a, b in zip(packed, handed, strict=True))
    assert sum(task.num_items for task in packed) == sum(sizes)


def test_a_full_disk_is_an_error(folders: ParcelFolders, tmp_path: Path) -> None:
    with _device_of(tmp_path, 100_000), pytest.raises(OSError, match="No space"):
        folders.pack(wide(8))


@contextmanager
def _device_of(folder: Path, size: int) -> Iterator[None]:
    """Let each file below ``folder`` take ``size`` bytes at most."""

    class Limited(io.FileIO):
        def write(self, data: Any, /) -> int:
            room = size - self.tell()
            if room <= 0 and len(data):
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(memoryview(data)[:room])

    def limited(path: str, mode: str, **options: Any) -> Any:
        if "r" in mode or not Path(path).is_relative_to(folder):
            return open(path, mode, **options)
        return Limited(path, mode.replace("b", ""))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(overflow, "open", limited, raising=False)
        yield
