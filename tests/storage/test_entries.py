# SPDX-License-Identifier: Apache-2.0
"""Which files an entry stands for: literal paths, patterns, links, and what is no regular file."""

from __future__ import annotations

import itertools
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import fsspec
import pytest
from fsspec import AbstractFileSystem
from fsspec.implementations.memory import MemoryFileSystem

from thresher.errors import StorageError
from thresher.storage import (
    COMPRESSION_ENDINGS,
    FileInfo,
    base_of,
    list_entry,
    list_files,
    open_read,
    store_for,
)

T = TypeVar("T")
_numbers = itertools.count()


def in_time(call: Callable[[], T], seconds: float = 5) -> T:
    """What ``call`` returns or raises; a failure if it takes too long."""
    returned: list[T] = []
    raised: list[BaseException] = []

    def attempt() -> None:
        try:
            returned.append(call())
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive(), "it hangs"
    if raised:
        raise raised[0]
    return returned[0]


@pytest.fixture(params=["local", "memory"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path) if request.param == "local" else f"memory://entries-{next(_numbers)}"


def make(root: str, *names: str) -> None:
    """Files that hold their own names."""
    for name in names:
        path = f"{root}/{name}"
        store_for(path).write(path, name.encode("utf-8", "surrogateescape"))


def content(info: FileInfo) -> str:
    with open_read(info.path) as file:
        return file.read().decode("utf-8", "surrogateescape")


def found(root: str, entry: str, recursive: bool = True) -> list[str]:
    """The content of what is listed, which says what was read."""
    infos = list_files(f"{root}/{entry}", ["jsonl"], recursive)
    assert all(info.path.startswith(root) for info in infos)
    read = [content(info) for info in infos]
    assert [f"{root}/{name}" for name in read] == [info.path for info in infos]
    return read


MAGIC = (
    "part-[0].jsonl", "part-0.jsonl", "what?.jsonl", "whats.jsonl", "*.jsonl", "a.jsonl",
    "data[1]/x.jsonl", "data1/x.jsonl", "data[1]/sub[2]/y.jsonl", "data[1]/_z/z.jsonl",
    "data1/sub2/y.jsonl", "[!a]/q.jsonl", "b/q.jsonl", "open[/o.jsonl", "***/s.jsonl",
)  # fmt: skip


@pytest.mark.parametrize(
    ("entry", "files"),
    [
        ("part-[0].jsonl", ["part-[0].jsonl"]),
        ("part-[01].jsonl", ["part-0.jsonl"]),
        ("what?.jsonl", ["what?.jsonl"]),
        ("wha?s.jsonl", ["whats.jsonl"]),
        ("*.jsonl", ["*.jsonl"]),
        ("part*.jsonl", ["part-0.jsonl", "part-[0].jsonl"]),
        ("part-[[]0].jsonl", ["part-[0].jsonl"]),
        ("data[1]", ["data[1]/sub[2]/y.jsonl", "data[1]/x.jsonl"]),
        ("data[1]/", ["data[1]/sub[2]/y.jsonl", "data[1]/x.jsonl"]),
        ("data[1]/x.jsonl", ["data[1]/x.jsonl"]),
        ("data[1]/*.jsonl", ["data[1]/x.jsonl"]),
        ("data[1]/sub[2]", ["data[1]/sub[2]/y.jsonl"]),
        ("data[1]/sub[0-9]", []),
        ("data[1]/sub*", ["data[1]/sub[2]/y.jsonl"]),
        ("data[1]/**", ["data[1]/sub[2]/y.jsonl", "data[1]/x.jsonl"]),
        ("data[1]/**/y.jsonl", ["data[1]/sub[2]/y.jsonl"]),
        ("data[1]/_z", ["data[1]/_z/z.jsonl"]),
        ("data*/_z/*", ["data[1]/_z/z.jsonl"]),
        ("data*/*", ["data1/sub2/y.jsonl", "data1/x.jsonl", "data[1]/sub[2]/y.jsonl",
                     "data[1]/x.jsonl"]),
        ("data[12]/x.jsonl", ["data1/x.jsonl"]),
        ("data?/x.jsonl", ["data1/x.jsonl"]),
        ("[!a]", ["[!a]/q.jsonl"]),
        ("[!a]/*", ["[!a]/q.jsonl"]),
        ("[!ac]/*", ["b/q.jsonl"]),
        ("open[", ["open[/o.jsonl"]),
        ("open[/*", ["open[/o.jsonl"]),
        ("***", ["***/s.jsonl"]),
        ("missing*", []),
        ("missing/*.jsonl", []),
        ("a.jsonl/*", []),
    ],
)  # fmt: skip
def test_what_exists_is_literal(root: str, entry: str, files: list[str]) -> None:
    make(root, *MAGIC)
    assert found(root, entry) == files


@pytest.mark.parametrize(
    ("entry", "base"),
    [
        ("data[1]", "data[1]"),
        ("data[1]/", "data[1]"),
        ("data[1]/*.jsonl", "data[1]"),
        ("data[1]/sub[2]/y.jsonl", "data[1]/sub[2]/y.jsonl"),
        ("data[12]/*.jsonl", ""),
        ("none/data[1]/*.jsonl", "none"),
        ("*/x.jsonl", ""),
    ],
)
def test_bases_of_entries(root: str, entry: str, base: str) -> None:
    make(root, *MAGIC)
    assert base_of(f"{root}/{entry}") == f"{root}/{base}".rstrip("/")
    assert list_entry(f"{root}/data[1]/x.jsonl").is_file
    assert not list_entry(f"{root}/data[1]").is_file


@pytest.mark.parametrize("working", ["[a]", "x*", "w?y", "[!b]/**"])
def test_the_working_directory_is_no_pattern(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, working: str
) -> None:
    here = tmp_path / working
    make(str(here), "in/a.jsonl", "in/deep/b.jsonl", "top.jsonl")
    make(str(tmp_path), "a/in/wrong.jsonl", "xyz/in/wrong.jsonl", "way/in/wrong.jsonl")
    monkeypatch.chdir(here)
    monkeypatch.setenv("HOME", str(here))
    for entry, names in (
        ("in/*.jsonl", ["in/a.jsonl"]),
        ("*.jsonl", ["top.jsonl"]),
        ("**/*.jsonl", ["in/a.jsonl", "in/deep/b.jsonl", "top.jsonl"]),
        ("in", ["in/a.jsonl", "in/deep/b.jsonl"]),
        (".", ["in/a.jsonl", "in/deep/b.jsonl", "top.jsonl"]),
        ("./in/../*.jsonl", ["top.jsonl"]),
        ("~/*.jsonl", ["top.jsonl"]),
        (f"{here}/in/*", ["in/a.jsonl", "in/deep/b.jsonl"]),
        (f"file://{here}/in/*.jsonl", ["in/a.jsonl"]),
    ):
        assert [info.path for info in list_files(entry)] == [f"{here}/{n}" for n in names], entry
    assert base_of("in/*.jsonl") == str(here / "in")
    assert base_of("*") == str(here)


def test_the_root_of_a_remote_file_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MemoryFileSystem, "store", {})
    monkeypatch.setattr(MemoryFileSystem, "pseudo_dirs", [""])
    make("memory:/", "b[1]/a.jsonl", "b1/a.jsonl", "b1//odd.jsonl")
    assert base_of("memory://") == "memory://"
    for entry, paths in (
        ("memory://", ["b1//odd.jsonl", "b1/a.jsonl", "b[1]/a.jsonl"]),
        ("memory://b?/a.jsonl", ["b1/a.jsonl"]),
        ("memory://b[1]", ["b[1]/a.jsonl"]),
        ("memory://b[12]/a.jsonl", ["b1/a.jsonl"]),
    ):
        assert [info.path for info in list_files(entry)] == [f"memory://{p}" for p in paths]
    for info in list_files("memory://b1"):
        assert content(info) == info.path.removeprefix("memory://")
    [info] = list_files("memory:///b1/a.jsonl/")
    assert info.path == "memory:///b1/a.jsonl"


def test_hidden_components_of_patterns(root: str) -> None:
    make(root, "_h/a.jsonl", ".h/b.jsonl", "v/_h/c.jsonl", "v/_d.jsonl", "v/e.jsonl")
    assert found(root, "*") == ["v/e.jsonl"]
    assert found(root, "**") == ["v/e.jsonl"]
    assert found(root, "**/*.jsonl") == ["v/e.jsonl"]
    assert found(root, "_*/*.jsonl") == []
    assert found(root, "*/_d.jsonl") == ["v/_d.jsonl"]
    assert found(root, "**/_h") == ["_h/a.jsonl", "v/_h/c.jsonl"]


def test_without_recursion(root: str) -> None:
    make(root, "in/a.jsonl", "in/sub/b.jsonl")
    assert found(root, "in", recursive=False) == ["in/a.jsonl"]
    assert found(root, "*n", recursive=False) == ["in/a.jsonl"]


def test_endings(root: str) -> None:
    for ending, canonical in COMPRESSION_ENDINGS.items():
        assert COMPRESSION_ENDINGS[canonical] == canonical
        make(root, f"in/a.jsonl{ending}", f"in/b.JSONL{ending.upper()}", f"in/c.txt{ending}")
    make(root, "in/d.jsonl.bzip2", "in/e.jsonl.gz.tmp", "in/_f.txt", "in/jsonl", "in/sub/g.csv")
    listing = list_entry(f"{root}/in", ["jsonl"])
    assert len(listing.files) == 2 * len(COMPRESSION_ENDINGS)
    assert [path.removeprefix(f"{root}/in/") for path in listing.other_endings] == [
        *sorted(f"c.txt{ending}" for ending in COMPRESSION_ENDINGS),
        "d.jsonl.bzip2", "e.jsonl.gz.tmp", "jsonl", "sub/g.csv",
    ]  # fmt: skip
    assert list_entry(f"{root}/in").other_endings == []


def make_special(folder: Path, name: str) -> list[socket.socket]:
    """A pipe, and a socket that has to stay open."""
    os.mkfifo(folder / f"pipe-{name}")
    listening = socket.socket(socket.AF_UNIX)
    here = os.open(".", os.O_RDONLY)
    os.chdir(folder)  # names of sockets are short
    try:
        listening.bind(f"socket-{name}")
    finally:
        os.fchdir(here)
        os.close(here)
    return [listening]


def test_special_files_are_not_opened(tmp_path: Path) -> None:
    make(str(tmp_path), "in/a.jsonl", "in/sub/b.jsonl")
    opened = make_special(tmp_path / "in", "x.jsonl")
    (tmp_path / "in/null.jsonl").symlink_to("/dev/null")
    (tmp_path / "in/sub/pipe.jsonl").symlink_to("../pipe-x.jsonl")
    special = ["in/null.jsonl", "in/pipe-x.jsonl", "in/socket-x.jsonl", "in/sub/pipe.jsonl"]
    for entry in ("in", "in/**", "*"):
        listing = in_time(lambda entry=entry: list_entry(f"{tmp_path}/{entry}", ["jsonl"]))
        assert [content(info) for info in listing.files] == ["in/a.jsonl", "in/sub/b.jsonl"]
        assert listing.special == [f"{tmp_path}/{path}" for path in special]
    for path, kind in zip(special, ("character device", "pipe", "socket", "pipe"), strict=True):
        with pytest.raises(StorageError, match=kind) as caught:
            in_time(lambda path=path: list_entry(f"{tmp_path}/{path}", ["jsonl"]))
        assert caught.value.where == f"{tmp_path}/{path}"
        assert caught.value.todo
    for each in opened:
        each.close()


def test_links_that_lead_nowhere(tmp_path: Path) -> None:
    make(str(tmp_path), "in/a.jsonl")
    (tmp_path / "in/other.txt").symlink_to(tmp_path / "nowhere")
    (tmp_path / "in/round.txt").symlink_to("round.txt")
    assert len(list_files(f"{tmp_path}/in", ["jsonl"])) == 1
    for name, target, words in (
        ("gone.jsonl", "nowhere", "leads nowhere"),
        ("self.jsonl", "self.jsonl", "in a circle"),
    ):
        link = tmp_path / "in" / name
        link.symlink_to(target)
        for entry in ("in", "in/*", "**/*.jsonl", f"in/{name}"):
            with pytest.raises(StorageError, match=words) as caught:
                in_time(lambda entry=entry: list_files(f"{tmp_path}/{entry}", ["jsonl"]))
            assert caught.value.where == str(link)
        link.unlink()
    with pytest.raises(StorageError, match="no such file"):
        list_files(f"{tmp_path}/in/b.jsonl")


def test_crossing_links_do_not_hang(tmp_path: Path) -> None:
    names = [f"f{i:02}" for i in range(16)]
    make(str(tmp_path), *(f"in/{name}/{name}.jsonl" for name in names))
    for one, other in itertools.permutations(names, 2):
        (tmp_path / "in" / one / other).symlink_to(f"../{other}")
    for entry in ("in", "in/**/*.jsonl", "in/*", "**"):
        infos = in_time(lambda entry=entry: list_files(f"{tmp_path}/{entry}", ["jsonl"]), 20)
        assert {os.path.basename(info.path) for info in infos} == {f"{n}.jsonl" for n in names}
        assert {info.path for info in infos} >= {f"{tmp_path}/in/{n}/{n}.jsonl" for n in names}


def test_linked_folders_are_read(tmp_path: Path) -> None:
    make(str(tmp_path), "in/a.jsonl", "out/x/b.jsonl")
    for name in ("one", "two"):
        (tmp_path / "in" / name).symlink_to(tmp_path / "out")
    (tmp_path / "entry").symlink_to("in")
    paths = [info.path for info in list_files(f"{tmp_path}/entry")]
    ending = ("a.jsonl", "one/x/b.jsonl", "two/x/b.jsonl")
    assert paths == [f"{tmp_path}/entry/{name}" for name in ending]


def test_links_to_folders_that_they_lie_in_are_passed_by(tmp_path: Path) -> None:
    make(str(tmp_path), "beside.jsonl", "in/a.jsonl", "in/sub/b.jsonl")
    for link, target in (("in/up", ".."), ("in/sub/here", "."), ("in/sub/top", str(tmp_path))):
        (tmp_path / link).symlink_to(target)
    (tmp_path / "entry").symlink_to("in")
    for entry in ("in", "in/**", "in/**/*.jsonl", "in/*", "i*", "entry"):
        infos = list_files(f"{tmp_path}/{entry}", ["jsonl"])
        names = [os.path.basename(info.path) for info in infos]
        assert names == ["a.jsonl", "b.jsonl"], entry
    named = [info.path for info in list_files(f"{tmp_path}/in/up", ["jsonl"])]
    assert f"{tmp_path}/in/up/beside.jsonl" in named
    for entry in ("in", "in/**", "in/**/*.jsonl", "entry"):
        listing = list_entry(f"{tmp_path}/{entry}", ["jsonl"])
        base = listing.base
        assert listing.linked == []
        assert listing.leading_back == [f"{base}/sub/top", f"{base}/up"]
    for entry, expected in (
        ("in/*", ["in/sub/top", "in/up"]),
        ("in/sub/*", ["in/sub/here", "in/sub/top"]),
    ):
        listing = list_entry(f"{tmp_path}/{entry}", ["jsonl"])
        assert listing.leading_back == [f"{tmp_path}/{path}" for path in expected]
    (tmp_path / "in/up").unlink()
    (tmp_path / "in/sub/top").unlink()
    assert list_entry(f"{tmp_path}/in", ["jsonl"]).leading_back == []  # all of it is read


def test_deep_folders(tmp_path: Path) -> None:
    (tmp_path / "_kept").touch()
    here = os.open(".", os.O_RDONLY)
    os.chdir(tmp_path)
    try:
        for _ in range(1500):
            os.mkdir("d")
            os.chdir("d")
        Path("a.jsonl").touch()
    finally:
        os.fchdir(here)
        os.close(here)
    deepest = f"{tmp_path}{'/d' * 1500}"
    try:
        for entry in (str(tmp_path), f"{tmp_path}/**/*.jsonl"):
            [info] = in_time(lambda entry=entry: list_files(entry), 20)
            assert info.path == f"{deepest}/a.jsonl"
    finally:
        os.unlink(f"{deepest}/a.jsonl")
        os.removedirs(deepest)  # what clears temporary folders away does not go as deep


@pytest.mark.parametrize("entry", ["in", "in/**", "in/*/*.jsonl", "in/**/b.jsonl"])
def test_folders_that_cannot_be_listed_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: str
) -> None:
    make(str(tmp_path), "in/a.jsonl", "in/locked/b.jsonl")
    locked, scandir = f"{tmp_path}/in/locked", os.scandir

    def refuse(path: str) -> Any:
        if path == locked:
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(StorageError, match="permission denied") as caught:
        list_files(f"{tmp_path}/{entry}")
    assert caught.value.where == locked
    assert "permissions" in caught.value.todo


class WalkedFileSystem(MemoryFileSystem):  # type: ignore[misc]
    """A remote file system that lists folder by folder, one of which is locked."""

    protocol = "walked"
    cachable = False
    find = AbstractFileSystem.find

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(MemoryFileSystem._strip_protocol(path.removeprefix("walked://")))

    def ls(self, path: str, detail: bool = True, **kwargs: Any) -> Any:
        if path.endswith("locked"):
            raise PermissionError(f"{path} is locked")
        found = super().ls(path, detail=detail, **kwargs)
        for info in found if detail else []:
            info["type"] = "other" if info["name"].endswith("pipe.jsonl") else info["type"]
        return found


def test_other_remote_file_systems() -> None:
    fsspec.register_implementation("walked", WalkedFileSystem, clobber=True)
    root = f"walked-{next(_numbers)}"
    make(f"memory://{root}", "in[1]/a.jsonl", "in[1]/pipe.jsonl", "in1/b.jsonl", "in/locked/c")
    for entry in ("in[1]", "in[1]/*", "in[[]*"):
        listing = list_entry(f"walked://{root}/{entry}", ["jsonl"])
        assert [info.path for info in listing.files] == [f"walked://{root}/in[1]/a.jsonl"]
        assert listing.special == [f"walked://{root}/in[1]/pipe.jsonl"]
    for entry in ("in", "in/**"):
        with pytest.raises(StorageError, match="locked") as caught:
            list_files(f"walked://{root}/{entry}")
        assert caught.value.where == f"walked:///{root}/in/locked"
    assert list_files(f"walked://{root}/missing/*") == []


def test_what_only_looks_like_a_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(str(tmp_path), "a b:/c.jsonl")
    monkeypatch.chdir(tmp_path)
    assert [info.path for info in list_files("a b://c.jsonl")] == [f"{tmp_path}/a b:/c.jsonl"]
    assert list_files(f"/{tmp_path}") == list_files(str(tmp_path))
