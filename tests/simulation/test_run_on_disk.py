# SPDX-License-Identifier: Apache-2.0
"""Run, Ledger and Beat over real files, where the simulator has to be believed."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from thresher.errors import EngineError, StorageError
from thresher.runs.beat import STALE_AFTER, Beat
from thresher.runs.ledger import Fenced, Ledger
from thresher.runs.part import OUT, Outcome, Part, WrittenFile
from thresher.runs.run import Run, RunPaths
from thresher.storage import store_for
from thresher.storage.local_store import LocalStore
from thresher.tasks import EmptyTask


def part(name: str, version: str = "1") -> Part:
    return Part(0, name, EmptyTask(), fingerprint="f", version=version)


def open_run(output: Path, mode: str = "ignore", name: str = "p", **options: Any) -> Run:
    paths = RunPaths(str(output), str(output / "_thresher" / name), mode, "txt")
    store = store_for(str(output))
    return Run.open(name, paths, (store, store), beating=False, **options)


def outcome(run: Run, made: Part, *texts: str) -> Outcome:
    files = []
    for index, text in enumerate(texts):
        temp = f"{run.temp_output_folder}/{run.epoch}-0-{made.name}-{made.version}/out-{index}"
        full = Path(run.paths.output) / temp
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_text(text)
        digest = LocalStore().digest(str(full))
        files.append(WrittenFile(OUT, (index,), temp, 1, len(text), digest, "txt"))
    return Outcome(made, [], files)


def complete(run: Run, *parts: Part) -> None:
    run.begin()
    run.commit([outcome(run, made, f"{made.name}{made.version}") for made in run.pending(parts)])
    run.seal([made.key for made in parts])
    run.close()


def contents(output: Path) -> dict[str, str]:
    return {
        str(path.relative_to(output)): path.read_text()
        for path in output.rglob("*")
        if path.is_file() and "_thresher" not in path.parts
    }


# -- modes ------------------------------------------------------------------------------------


def test_mode_error_refuses_until_the_folder_is_empty(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    for _ in range(2):
        with pytest.raises(StorageError, match=r"mine\.txt"):
            open_run(tmp_path, "error").begin()
    (tmp_path / "mine.txt").unlink()
    complete(open_run(tmp_path, "error"), part("a"))
    complete(open_run(tmp_path, "error"), part("a"), part("b"))  # its own files are no hindrance
    assert contents(tmp_path) == {"a.txt": "a1", "b.txt": "b1"}


def test_mode_overwrite_removes_what_thresher_wrote(tmp_path: Path) -> None:
    complete(open_run(tmp_path, name="before"), part("old"), part("a"))
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(StorageError, match=r"did not write: mine\.txt"):
        open_run(tmp_path, "overwrite").begin()
    assert contents(tmp_path) == {"old.txt": "old1", "a.txt": "a1", "mine.txt": "mine"}
    (tmp_path / "mine.txt").unlink()
    complete(open_run(tmp_path, "overwrite"), part("b"))
    assert contents(tmp_path) == {"b.txt": "b1"}
    complete(open_run(tmp_path, "overwrite"), part("b"), part("c"))
    assert contents(tmp_path) == {"b.txt": "b1", "c.txt": "c1"}


def test_mode_overwrite_killed_while_it_removes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    complete(open_run(tmp_path, name="before"), part("x"), part("y"), part("z"))
    retire, left = LocalStore.retire, [1]

    def dies(self: LocalStore, path: str, folder: str) -> None:
        if not left.pop():
            raise KeyboardInterrupt
        left.append(0)
        retire(self, path, folder)

    monkeypatch.setattr(LocalStore, "retire", dies)
    with pytest.raises(KeyboardInterrupt):
        open_run(tmp_path, "overwrite").begin()
    monkeypatch.undo()
    assert len(contents(tmp_path)) == 2
    complete(open_run(tmp_path, "overwrite"), part("b"))
    assert contents(tmp_path) == {"b.txt": "b1"}


def test_mode_append_beside_files_of_others(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("mine")
    complete(open_run(tmp_path, "append"), part("a"))
    assert contents(tmp_path)["a.txt"] == "mine"
    assert sorted(contents(tmp_path).values()) == ["a1", "mine"]
    for version in ("2", "3"):
        complete(open_run(tmp_path, "append"), part("a", version))
    assert sorted(contents(tmp_path).values()) == ["a1", "a2", "a3", "mine"]
    manifest = json.loads((tmp_path / "_thresher" / "p" / "manifest.json").read_text())
    assert len(manifest["files"]) == 3


# -- fences -----------------------------------------------------------------------------------


def test_an_older_driver_changes_nothing(tmp_path: Path) -> None:
    complete(open_run(tmp_path), part("a"), part("b"))
    older = open_run(tmp_path)
    older.begin()
    older.commit([outcome(older, part("a", "2"), "a2")])
    newer = open_run(tmp_path, take_over=True)
    complete(newer, part("a", "3"), part("b"))
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    with pytest.raises(Fenced):
        older.commit([outcome(older, part("b", "2"), "b2")])
    with pytest.raises(StorageError):
        older.fence.retire(OUT, str(tmp_path / "a.txt"))
    with pytest.raises(StorageError):
        older._retire_manifest()
    older.close()
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before
    assert contents(tmp_path) == {"a.txt": "a3", "b.txt": "b1"}


def test_taking_over_while_the_other_appends(tmp_path: Path) -> None:
    older = open_run(tmp_path)
    older.begin()
    newer = open_run(tmp_path, take_over=True)
    second = open_run(tmp_path)
    older.commit([outcome(older, part("a"), "a1")])  # since the others have read the ledger
    with pytest.raises(EngineError, match="--take-over"):
        second.begin()
    newer.begin()
    assert newer.pending([part("a")]) == []
    with pytest.raises(Fenced):
        older.commit([outcome(older, part("b"), "b1")])


def test_retiring_needs_its_folder(tmp_path: Path) -> None:
    store = LocalStore()
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError):
        store.retire(str(tmp_path / "file"), str(tmp_path / "folder"))
    assert (tmp_path / "file").exists()
    (tmp_path / "folder").mkdir()
    store.retire(str(tmp_path / "file"), str(tmp_path / "folder"))
    store.retire(str(tmp_path / "file"), str(tmp_path / "folder"))
    assert [p.name for p in tmp_path.rglob("*")] == ["folder"]


def test_half_written_pages_are_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = open_run(tmp_path)
    run.begin()
    with monkeypatch.context() as patch:
        patch.setattr("thresher.storage.local_store._forget", lambda path: None)
        child = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"],
                               capture_output=True, check=True)  # fmt: skip
        patch.setattr(os, "getpid", lambda: int(child.stdout))  # a process that is gone
        run.commit([outcome(run, part("a"), "a1")])
    left = list(tmp_path.rglob(".thresher-tmp-*"))
    assert len(left) == 1
    complete(open_run(tmp_path, take_over=True), part("a"))
    assert list(tmp_path.rglob(".thresher-tmp-*")) == []


# -- ledger -----------------------------------------------------------------------------------


class _Forgetful(LocalStore):
    """Makes the file, and says it was there before: an answer lost and asked for again."""

    def create(self, path: str, data: bytes) -> bool:
        super().create(path, data)
        return False


def test_an_append_whose_answer_was_lost(tmp_path: Path) -> None:
    ledger = Ledger(_Forgetful(), str(tmp_path))
    ledger.open_epoch({}, 1)
    assert ledger.append({"gone": []}) == 2
    other = Ledger(LocalStore(), str(tmp_path))
    other.load()
    other.open_epoch({}, 1)
    with pytest.raises(Fenced):
        ledger.append({"gone": []})


def test_two_drivers_of_one_process(tmp_path: Path) -> None:
    first, second = Ledger(LocalStore(), str(tmp_path)), Ledger(LocalStore(), str(tmp_path))
    first.open_epoch({"pid": 1}, 1)
    with pytest.raises(Fenced):
        second.open_epoch({"pid": 1}, 1)


def test_a_missing_page_is_named(tmp_path: Path) -> None:
    ledger = Ledger(LocalStore(), str(tmp_path))
    for _ in range(3):
        ledger.append({})
    (tmp_path / "00000002.json").unlink()
    with pytest.raises(StorageError, match=r"00000002\.json"):
        Ledger(LocalStore(), str(tmp_path)).load()


# -- beat -------------------------------------------------------------------------------------


def beat(path: Path, **changes: Any) -> Beat:
    there = Beat(LocalStore(), str(path))
    there._write()
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return there


def test_a_second_driver_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "0.json"
    other = Beat(LocalStore(), str(path))
    other.refuse_second(take_over=False)  # nobody beats
    beat(path, host="elsewhere", time=time.time() - STALE_AFTER / 2)
    with pytest.raises(EngineError, match="elsewhere"):
        other.refuse_second(take_over=False)
    other.refuse_second(take_over=True)
    beat(path, host="elsewhere", time=time.time() - STALE_AFTER * 2)
    other.refuse_second(take_over=False)
    parent = os.getppid()
    started = Path(f"/proc/{parent}/stat").read_text().rpartition(")")[2].split()[19]
    beat(path, pid=parent, started=started)
    with pytest.raises(EngineError, match=f"process {parent} on {socket.gethostname()}"):
        other.refuse_second(take_over=False)
    beat(path, pid=parent, started="another process had this number")
    other.refuse_second(take_over=False)


def test_an_older_driver_does_not_stop_the_beat_of_a_newer(tmp_path: Path) -> None:
    path = tmp_path / "0.json"
    older, newer = beat(path), beat(path)
    older.stop()
    assert path.exists()
    newer.stop()
    assert not path.exists()
