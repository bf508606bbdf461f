# SPDX-License-Identifier: Apache-2.0
"""Which paths are one place, and that no output is written into what is read."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from thresher import storage
from thresher.errors import ThresherError
from thresher.planning.paths import check_paths
from thresher.planning.source import parts_of_files
from thresher.stages.file_partitioning import FilePartitioningStage, FilePaths
from thresher.stages.text.io.writer import JsonlWriter
from thresher.storage import is_same_or_below, resolved


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an input, links to it, and an output."""
    monkeypatch.chdir(tmp_path)
    for name in ("in/a.jsonl", "in/sub/b.jsonl", "out/c.jsonl", "other/d.jsonl"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}\n")
    (tmp_path / "link").symlink_to("in")
    (tmp_path / "parent").symlink_to(tmp_path)
    (tmp_path / "round").symlink_to("round")
    return tmp_path


@pytest.mark.parametrize(
    ("path", "folder", "is_below"),
    [
        ("in", "in", True),
        ("in/", "./in//", True),
        ("in/sub", "in", True),
        ("in", "in/sub", False),
        ("in2", "in", False),
        ("in", "in2", False),
        ("link", "in", True),
        ("in", "link", True),
        ("link/new/out", "in", True),
        ("parent/in/new", "in", True),
        ("in/new", "parent/parent/link", True),
        ("parent/new", "new", True),
        ("parent/new/x", "new", True),
        ("parent/newer", "new", False),
        ("parent", "new", False),
        ("in/../out", "in", False),
        ("link/../out", "out", True),
        ("file://{here}/in/x", "in", True),
        ("/{here}/in", "in", True),
        ("in", "/", True),
        ("/", "in", False),
        ("round/x", "in", False),
        ("in", "round", False),
        ("memory://b/x", "memory:///b/x/", True),
        ("s3://b//x/y", "s3a://b/x/", True),
        ("S3://b/x", "s3://b", True),
        ("s3://b/xy", "s3://b/x", False),
        ("gcs://b/x", "gs://b/x", True),
        ("s3://b/x", "gs://b/x", False),
        ("memory://b", "memory://", True),
        ("memory://in", "in", False),
    ],
)
def test_places(here: Path, path: str, folder: str, is_below: bool) -> None:
    path, folder = path.replace("{here}", str(here)), folder.replace("{here}", str(here))
    assert is_same_or_below(path, folder) is is_below


def test_resolved(here: Path) -> None:
    assert resolved("link/sub/../x") == str(here / "in/x")
    assert resolved("parent/link") == str(here / "in")
    assert resolved("/") == resolved("//") == "/"
    assert resolved("memory:///b//x/") == "memory://b/x"


def test_folders_that_the_file_system_takes_for_one(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "IN").mkdir()
    assert not is_same_or_below("IN/new", "in/new")
    stat, one = os.stat, os.stat("in")
    as_in = {str(here / "IN"): one}
    monkeypatch.setattr(os, "stat", lambda path, **kw: as_in.get(str(path)) or stat(path, **kw))
    assert is_same_or_below("IN/new", "in/new")
    assert is_same_or_below("IN/new/x", "in")
    assert is_same_or_below("in", "IN")
    assert not is_same_or_below("IN/newer", "in/new")


def told(file_paths: FilePaths, *outputs: str) -> list[ThresherError]:
    """What is said of a pipeline that reads and writes there."""
    partitioning = FilePartitioningStage(file_paths)
    parts = parts_of_files(partitioning, split=False)
    return check_paths([partitioning, *map(JsonlWriter, outputs)], parts)


@pytest.mark.parametrize(
    ("file_paths", "output"),
    [
        ("in", "link"),
        ("link", "in"),
        ("link", "in/new"),
        ("in", "link/new/deep"),
        ("parent/in", "in"),
        ("in", "parent/in/new"),
        ("in/../in", "in//"),
        ("in", "."),
        ("in", "file://{here}/in/new"),
        ("in/*.jsonl", "link/new"),
        ("in/a.jsonl", "in"),
        ("in/a.jsonl", "link/a.jsonl"),
        (["other", "in/sub/b.jsonl"], "parent/in"),
        ({"x": "link"}, "in"),
        ("pointing", "out"),
        ("pointing/c.jsonl", "out"),
        ("pointing/c.jsonl", "pointing"),
        ("linking", "out"),
        ("linking", "out/new"),
        ("linking", "linking/out/new"),
        ("linking/*", "out"),
    ],
)
def test_an_output_lies_apart_from_the_input(
    here: Path, file_paths: FilePaths, output: str
) -> None:
    (here / "pointing").mkdir()
    (here / "pointing/c.jsonl").symlink_to("../out/c.jsonl")
    (here / "linking").mkdir()
    (here / "linking/out").symlink_to("../out")
    [mistake] = told(file_paths, output.replace("{here}", str(here)))
    assert "one inside the other" in str(mistake)


@pytest.mark.parametrize(
    "entry",
    ["to-it", "to-it/**", "to-it/**/*.jsonl", "to-it/*", "to-it/*/*.jsonl", "to-it/**/out/*.jsonl"],
)
def test_an_output_that_an_empty_linked_folder_is(here: Path, entry: str) -> None:
    (here / "empty").mkdir()
    (here / "to-it").mkdir()
    (here / "to-it/out").symlink_to("../empty")
    [mistake] = told(["in", entry], "empty")
    assert "one inside the other" in str(mistake)
    assert told(["in", entry], "emptied") == []


@pytest.mark.parametrize(
    ("file_paths", "output"),
    [
        ("in", "new"),
        ("in", "other"),
        ("link", "new"),
        ("in", "in-new"),
        ("in/a.jsonl", "in/new"),
        ("in/sub", "in/new"),
        ("linked", "linked-out"),
    ],
)
def test_outputs_beside_the_input(here: Path, file_paths: FilePaths, output: str) -> None:
    (here / "linked").mkdir()
    (here / "linked/c.jsonl").symlink_to("../out/c.jsonl")
    assert told(file_paths, output) == []


@pytest.mark.parametrize(
    ("file_paths", "output", "is_told"),
    [
        ("memory://places/in", "memory:///places//in/", True),
        ("memory:///places/in/", "memory://places/in/new", True),
        ("memory://places/in/[a].jsonl", "memory://places/in", True),
        ("memory://places/in/*", "memory://places", True),
        ("memory://places/in", "memory://places/out", False),
        ("memory://places/in", "memory://places/inn", False),
        ("memory://places/in", "places/in", False),
    ],
)
def test_remote_outputs(here: Path, file_paths: str, output: str, is_told: bool) -> None:
    path = "memory://places/in/[a].jsonl"
    storage.store_for(path).write(path, b"{}\n")
    assert bool(told(file_paths, output)) is is_told


@pytest.mark.parametrize(
    ("one", "other", "is_told"),
    [
        ("new", "parent/new", True),
        ("out", "file://{here}/out/", True),
        ("memory://b/x", "memory:///b//x", True),
        ("new", "newer", False),
        ("new", "new/er", False),
    ],
)
def test_two_writers(here: Path, one: str, other: str, is_told: bool) -> None:
    mistakes = told("in", one, other.replace("{here}", str(here)))
    assert [str(m) for m in mistakes if "two writers" in str(m)] == (
        [str(mistakes[0])] if is_told else []
    )


def test_many_files_are_compared_quickly(here: Path) -> None:
    for i in range(10_000):
        (here / f"in/{i}.jsonl").touch()
    files = [str(here / f"in/{i}.jsonl") for i in range(10_000)]
    for file_paths in ("in", files):
        partitioning = FilePartitioningStage(file_paths)
        parts = parts_of_files(partitioning, split=False)
        start = time.monotonic()
        assert check_paths([partitioning, JsonlWriter("new")], parts) == []
        assert time.monotonic() - start < 5
