# SPDX-License-Identifier: Apache-2.0
"""Parts of files with any name: each is read once, and its part's name can be written."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from thresher.errors import PlanError
from thresher.runs.names import OutputNames
from thresher.stages.file_partitioning import FilePartitioningStage, FilePaths
from thresher.storage import open_read, portable_path, store_for

NAME = st.binary(min_size=1, max_size=249).map(lambda name: name.translate(None, b"/\0"))


def parts_of(file_paths: FilePaths) -> dict[str, bytes]:
    """What the part of each name reads."""
    read = {}
    for name, task in FilePartitioningStage(file_paths).partitions():
        [path] = task.data
        with open_read(path) as file:
            read[name] = file.read()
    return read


def write(folder: Path, name: str | bytes) -> None:
    """A file that holds its own name."""
    path = os.path.join(os.fsencode(folder), os.fsencode(name))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(os.fsencode(name))


def check_name(name: str) -> None:
    """That a part's name is one of a file that readers do not pass by."""
    name.encode()
    for component in name.split("/"):
        assert component
        assert not component.startswith(("_", "."))
        assert component == component.strip()
        assert len(component.encode()) <= 200
        assert component.splitlines() == [component]


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(NAME, min_size=1, max_size=5, unique=True), st.booleans())
def test_files_of_any_name(tmp_path: Path, names: list[bytes], in_folder: bool) -> None:
    root = tmp_path / os.urandom(8).hex()
    files = [(b"d/" + name if in_folder else name) + b".jsonl" for name in names]
    for name in files:
        write(root, name)
    visible = [n for n in files if not os.path.basename(n).startswith((b"_", b"."))]
    if not visible or len({portable_path(os.fsdecode(name)) for name in visible}) < len(visible):
        with pytest.raises(PlanError, match=r"no file|would both be named"):
            parts_of(str(root))
        return
    read = parts_of(str(root))
    assert sorted(read.values()) == sorted(visible)
    outputs = []
    for name, data in read.items():
        check_name(name)
        outputs += [OutputNames().name(f"{name}@0000000000", i, "parquet") for i in (0, 1, 9999)]
        [again] = parts_of(str(root / os.fsdecode(data)))
        assert again == name.rpartition("/")[2]
    for output in outputs:
        write(root / "out", output)
    written = FilePartitioningStage(str(root / "out")).partitions()
    assert [name for name, _ in written] == sorted(map(portable_path, outputs))


def test_twins(tmp_path: Path) -> None:
    twins = [unicodedata.normalize(form, "café.jsonl") for form in ("NFC", "NFD")]
    for name in (*twins, b"caf\xe9.jsonl", "a\u2028.jsonl", "a .jsonl", "👩‍💻.jsonl"):
        write(tmp_path, name)
    read = parts_of(str(tmp_path))
    assert read["caf%E9.jsonl"] == b"caf\xe9.jsonl"
    assert read["a%E2%80%A8.jsonl"] == "a\u2028.jsonl".encode()
    assert [read[twin] for twin in twins] == [twin.encode() for twin in twins]
    assert len(read) == 6
    write(tmp_path, "caf%E9.jsonl")
    with pytest.raises(PlanError, match=r"'caf%E9\.jsonl'") as caught:
        parts_of(str(tmp_path))
    caught.value.where.encode()
    assert "rename" in caught.value.todo


def test_files_of_bytes_may_be_named(tmp_path: Path) -> None:
    write(tmp_path, b"d\xe9/caf\xe9.jsonl")
    root = str(tmp_path)
    folder, path = os.fsdecode(b"d\xe9"), os.fsdecode(b"d\xe9/caf\xe9.jsonl")
    assert list(parts_of(root)) == ["d%E9/caf%E9.jsonl"]
    assert list(parts_of(f"{root}/{path}")) == ["caf%E9.jsonl"]
    assert list(parts_of([f"{root}/{folder}"])) == ["caf%E9.jsonl"]
    assert list(parts_of(f"{root}/{folder}/*.jsonl")) == ["caf%E9.jsonl"]
    assert list(parts_of({"\udce9": f"{root}/{folder}"})) == ["%E9/caf%E9.jsonl"]
    [(_, task)] = FilePartitioningStage(root).partitions()
    task.dataset_name.encode()


def test_hidden_names_that_are_named_outright(tmp_path: Path) -> None:
    for name in ("_x.jsonl", ".y.jsonl", "_data/z.jsonl", "_data/_sub/w.jsonl", "in/v.jsonl"):
        write(tmp_path, name)
    root = str(tmp_path)
    assert list(parts_of(f"{root}/_x.jsonl")) == ["%5Fx.jsonl"]
    assert list(parts_of([f"{root}/.y.jsonl", f"{root}/_data", f"{root}/in"])) == [
        f"{tmp_path.name}/%2Ey.jsonl",
        "%5Fdata/z.jsonl",
        "in/v.jsonl",
    ]
    assert list(parts_of(f"{root}/_data/_sub")) == ["w.jsonl"]
    assert list(parts_of(f"{root}/**/_data/z.jsonl")) == ["%5Fdata/z.jsonl"]
    assert list(parts_of({"_a": f"{root}/in", ".b/_c": f"{root}/_x.jsonl"})) == [
        "%5Fa/v.jsonl",
        "%2Eb/%5Fc/%5Fx.jsonl",
    ]


@pytest.mark.parametrize(
    "name", ["../x", "..", ".", "", "/", "/x", "x/../../y", "x//y", "./x", " ", "x\0y", "x/.. "]
)
def test_names_of_entries_stay_in_the_output(tmp_path: Path, name: str) -> None:
    with pytest.raises(PlanError, match="named") as caught:
        FilePartitioningStage({name: str(tmp_path)})
    assert "'web'" in caught.value.todo


@pytest.mark.parametrize(
    ("name", "beginning"),
    [
        ("web", "web"), ("web/de", "web/de"), ("web/", "web"), ("_a/.b", "%5Fa/%2Eb"),
        ("a\nb", "a%0Ab"), ("~", "~"), ("...", "%2E.."), (7, "7"),
    ],
)  # fmt: skip
def test_names_of_entries(tmp_path: Path, name: str, beginning: str) -> None:
    write(tmp_path, "a.jsonl")
    assert list(parts_of({name: str(tmp_path)})) == [f"{beginning}/a.jsonl"]


@pytest.mark.parametrize("path", ["in\0", b"in"])
def test_what_no_path_can_be(path: str) -> None:
    for paths in (path, [path], {"x": path}):
        with pytest.raises(PlanError, match="file_paths"):
            FilePartitioningStage(paths)  # type: ignore[arg-type]


def test_remote_names() -> None:
    root = "memory://names"
    files = ["_x.jsonl", "a\nb.jsonl", "c//d.jsonl", "e/../f.jsonl", "[g].jsonl", "h .jsonl"]
    for name in files:
        store_for(root).write(f"{root}/{name}", name.encode())
    assert parts_of(root) == {
        "a%0Ab.jsonl": b"a\nb.jsonl",
        "c/d.jsonl": b"c//d.jsonl",
        "[g].jsonl": b"[g].jsonl",
        "h .jsonl": b"h .jsonl",
    }
    assert list(parts_of(f"{root}/_x.jsonl")) == ["%5Fx.jsonl"]
    assert list(parts_of(f"{root}/e/../f.jsonl")) == ["f.jsonl"]
    assert list(parts_of([f"{root}/e/..", f"{root}/c"])) == ["%2E./f.jsonl", "c/d.jsonl"]
