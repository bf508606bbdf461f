# SPDX-License-Identifier: Apache-2.0
"""Files of the operating system and of fsspec, through one interface."""

from __future__ import annotations

import errno
import itertools
import os
import threading
from pathlib import Path
from unittest import mock

import pytest
import xxhash

from thresher import storage
from thresher.errors import StorageError
from thresher.storage import Store, list_files, store_for
from thresher.storage.fsspec_store import FsspecStore
from thresher.storage.local_store import LocalStore

_numbers = itertools.count()


@pytest.fixture(params=["local", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Store, str]:
    if request.param == "local":
        return store_for(str(tmp_path)), str(tmp_path)
    root = f"memory://store-{next(_numbers)}"
    return store_for(root), root


def test_files(place: tuple[Store, str]) -> None:
    store, root = place
    path = f"{root}/new/folders/a"
    assert store.size(path) is None
    assert store.list(f"{root}/new") == []
    store.write(path, b"one")
    store.write(path, b"two!")
    assert (store.read(path), store.size(path)) == (b"two!", 4)
    assert store.list(f"{root}/new/folders") == ["a"]
    assert store.list(f"{root}/new") == ["folders"]
    assert store.digest(path) == xxhash.xxh3_128_hexdigest(b"two!")
    store.replace(path, f"{root}/elsewhere/b")
    assert store.size(path) is None
    assert store.read(f"{root}/elsewhere/b") == b"two!"
    store.write(path, b"three")
    store.replace(path, f"{root}/elsewhere/b")
    assert store.read(f"{root}/elsewhere/b") == b"three"
    store.remove(f"{root}/elsewhere/b")
    store.remove(f"{root}/elsewhere/b")
    store.make_folder(f"{root}/x/y")
    store.make_folder(f"{root}/x/y")
    store.sync_folder(root)
    store.write(f"{root}/x/y/z", b"")
    store.remove_tree(f"{root}/x")
    store.remove_tree(f"{root}/x")
    assert store.list(f"{root}/x") == []


def test_what_is_missing_is_named(place: tuple[Store, str]) -> None:
    store, root = place
    for call in (store.read, store.digest, lambda path: store.replace(path, f"{root}/t")):
        with pytest.raises(StorageError) as caught:
            call(f"{root}/missing")
        assert caught.value.where == f"{root}/missing"
        assert caught.value.todo


def test_only_one_creates(place: tuple[Store, str]) -> None:
    store, root = place
    path = f"{root}/ledger/0001"
    won: list[int] = []
    barrier = threading.Barrier(8)

    def attempt(number: int) -> None:
        barrier.wait()
        if store.create(path, b"%d" % number):
            won.append(number)

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert store.read(path) == b"%d" % won[0]
    assert store.list(f"{root}/ledger") == ["0001"]


def test_kinds() -> None:
    assert isinstance(store_for("/x"), LocalStore)
    assert isinstance(store_for("file:///x"), LocalStore)
    memory = store_for("memory://x")
    assert isinstance(memory, FsspecStore)
    assert (memory.is_local, memory.process_local) == (False, True)
    with pytest.raises(StorageError, match="no file system"):
        store_for("nope://x")


def test_stores_that_cannot_create_say_so() -> None:
    with pytest.raises(StorageError, match="only if there is none") as caught:
        FsspecStore(None, "http").create("http://x/y", b"")
    assert "run_dir" in caught.value.todo


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EACCES, "permissions"),
        (errno.EROFS, "read-only"),
        (errno.EMFILE, "ulimit"),
        (errno.EXDEV, "different file systems"),
    ],
)
def test_errors_say_what_to_do(tmp_path: Path, code: int, advice: str) -> None:
    path = str(tmp_path / "a")
    with (
        mock.patch("os.fsync", side_effect=OSError(code, os.strerror(code))),
        pytest.raises(StorageError) as caught,
    ):
        LocalStore().write(path, b"x")
    assert caught.value.where == path
    assert advice in caught.value.todo
    assert os.listdir(tmp_path) == []


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = str(tmp_path / "a")
    store = LocalStore()
    store.write(path, b"old")
    with (
        mock.patch("os.replace", side_effect=OSError(errno.EIO, "broken")),
        pytest.raises(StorageError),
    ):
        store.write(path, b"new")
    assert store.read(path) == b"old"
    assert store.list(str(tmp_path)) == ["a"]


def test_no_hard_links(tmp_path: Path) -> None:
    with (
        mock.patch("os.link", side_effect=OSError(errno.EPERM, "no")),
        pytest.raises(StorageError, match="hard links"),
    ):
        LocalStore().create(str(tmp_path / "a"), b"")
    assert os.listdir(tmp_path) == []


def test_temporaries_are_not_listed(tmp_path: Path) -> None:
    (tmp_path / ".thresher-tmp-0-x").write_bytes(b"")
    assert LocalStore().list(str(tmp_path)) == []


def test_listing_follows_links_but_not_in_circles(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.jsonl").write_bytes(b"")
    (tmp_path / "in/again").symlink_to(tmp_path / "in")
    (tmp_path / "in/other.jsonl").symlink_to(tmp_path / "in/a.jsonl")
    found = list_files(str(tmp_path / "in"), [".jsonl"])
    assert [Path(info.path).name for info in found] == ["a.jsonl", "other.jsonl"]
    (tmp_path / "in/gone.jsonl").symlink_to(tmp_path / "nowhere")
    with pytest.raises(StorageError, match="leads nowhere"):
        list_files(str(tmp_path / "in"), [".jsonl"])


def test_listing_without_recursion(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("a.jsonl", "sub/b.jsonl"):
        (tmp_path / name).write_bytes(b"12")
    (info,) = list_files(str(tmp_path), ["jsonl"], recursive=False)
    assert info.size == 2
    assert storage.stat(info.path) == info


def test_listing_sees_new_files_at_once() -> None:
    root = f"memory://fresh-{next(_numbers)}"
    store = store_for(root)
    store.write(f"{root}/a.jsonl", b"")
    assert len(list_files(root)) == 1
    store.write(f"{root}/b.jsonl", b"")
    assert len(list_files(root)) == 2


def test_reading_and_writing(place: tuple[Store, str]) -> None:
    _, root = place
    with storage.open_write(f"{root}/a") as file:
        file.write(b"0123456789")
    buffer = bytearray(4)
    with storage.open_read(f"{root}/a", 5) as file:
        assert file.readinto(buffer) == 4  # type: ignore[attr-defined]
    assert buffer == b"5678"
    with storage.open_arrow(f"{root}/a") as arrow:
        arrow.seek(8)
        assert arrow.read() == b"89"
