# SPDX-License-Identifier: Apache-2.0
"""Real processes, really killed, interrupted, crowded out and starved of disk."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.jobs import Job, Left, committed_parts, copy_corpus, problems, read
from tests.faults.kill import kill_seeds

pytestmark = pytest.mark.faults

SLOW = {"JOB_SLOW": "0.15"}
RECORDS = "_thresher/job/ledger/0/00000003.json"
BEAT = "_thresher/job/beat/0.json"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_corpus(tmp_path_factory.mktemp("faults") / "input")


@pytest.fixture(scope="module")
def reference(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Left:
    output = tmp_path_factory.mktemp("faults") / "undisturbed"
    job = Job(output, source)
    said = job.finish()
    assert job.process.returncode == 0, said
    assert problems(output, read(output)) == []
    return read(output)


def resume(output: Path, source: Path) -> str:
    job = Job(output, source)
    said = job.finish()
    assert job.process.returncode == 0, said
    return said


def test_killed_runs_come_out_the_same() -> None:
    histogram, failed = kill_seeds(first=0, n=12)
    print(histogram)
    assert failed == {}
    windows = sum(n for where, n in histogram.items() if where.startswith("commit window"))
    assert windows >= 4


def test_interrupted_once_finishes_what_is_running(
    source: Path, reference: Left, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    job = Job(output, source, SLOW)
    assert job.wait_for(RECORDS)
    job.process.send_signal(signal.SIGINT)
    said = job.finish()
    assert (job.process.returncode, said.strip().splitlines()[-1]) != (0, "complete"), said
    assert "interrupted" in said
    assert job.orphans() == []
    done = committed_parts(output)
    assert 0 < done < int(str(reference.manifest["parts"]))
    left = [path for path in output.rglob("out-*") if "_tmp" in path.parts]
    assert left == []  # whatever was begun is committed and published
    resume(output, source)
    assert problems(output, reference) == []


def test_interrupted_twice_stops_now(source: Path, reference: Left, tmp_path: Path) -> None:
    output = tmp_path / "out"
    job = Job(output, source, {"JOB_SLOW": "3"})
    assert job.wait_for("_thresher/job/ledger/0/00000002.json")
    time.sleep(0.5)
    began = time.monotonic()
    job.process.send_signal(signal.SIGINT)
    time.sleep(0.2)
    job.process.send_signal(signal.SIGINT)
    said = job.finish()
    assert time.monotonic() - began < 2.5, said
    assert job.orphans() == []
    resume(output, source)
    assert problems(output, reference) == []


def test_nothing_outlives_a_killed_driver(source: Path, reference: Left, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    settings = {**SLOW, "TMPDIR": str(scratch)}
    output = tmp_path / "out"
    job = Job(output, source, settings)
    assert job.wait_for(RECORDS)
    job.kill()
    assert job.orphans() == []
    resumed = Job(output, source, {"TMPDIR": str(scratch)})
    resumed.finish()
    assert resumed.process.returncode == 0
    owners = {str(job.process.pid), str(resumed.process.pid)}
    for folder in (Path("/dev/shm"), scratch):
        left = [p.name for p in folder.glob("thresher-*") if p.name.split("-")[1] in owners]
        assert left == [], folder
    assert problems(output, reference) == []


def test_second_driver_is_refused_while_the_first_beats(
    source: Path, reference: Left, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    first = Job(output, source, SLOW)
    assert first.wait_for(BEAT)
    second = Job(output, source)
    said = second.finish()
    assert second.process.returncode != 0
    assert f"process {first.process.pid}" in said
    assert "--take-over" in said
    said = first.finish()
    assert first.process.returncode == 0, said
    assert not (output / BEAT).exists()
    assert problems(output, reference) == []


def test_taking_over_fences_the_first(source: Path, reference: Left, tmp_path: Path) -> None:
    output = tmp_path / "out"
    first = Job(output, source, SLOW)
    assert first.wait_for(RECORDS)
    second = Job(output, source, take_over=True)
    said = second.finish()
    assert second.process.returncode == 0, said
    said = first.finish()
    assert first.process.returncode != 0, said
    assert first.orphans() == []
    assert problems(output, reference) == []


def test_a_paused_driver_wakes_too_late(source: Path, reference: Left, tmp_path: Path) -> None:
    output = tmp_path / "out"
    first = Job(output, source, SLOW)
    assert first.wait_for(RECORDS)
    first.process.send_signal(signal.SIGSTOP)
    second = Job(output, source, take_over=True)
    said = second.finish()
    assert second.process.returncode == 0, said
    before = read(output)
    first.process.send_signal(signal.SIGCONT)
    said = first.finish()
    assert first.process.returncode != 0
    assert "taken over" in said or "no such file" in said.lower(), said
    assert read(output) == before
    assert "nothing to do" in resume(output, source).splitlines()
    assert problems(output, reference) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=900k", "tmpfs", str(folder)]
    mounted = shutil.which("mount") and subprocess.run(command, capture_output=True, check=False)
    if not mounted or mounted.returncode:
        reason = "a tmpfs cannot be mounted here (no root?)"
        if os.environ.get("THRESHER_CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_full_disk(source: Path, reference: Left, small_disk: Path) -> None:
    output = small_disk / "out"
    for _ in range(2):  # the second start meets a full disk from the beginning
        job = Job(output, source)
        said = job.finish()
        assert job.process.returncode != 0
        assert "StorageError" in said
        assert "no space left" in said
        assert "free some space" in said
        assert job.orphans() == []
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    resume(output, source)
    assert problems(output, reference) == []


def test_input_that_changes_while_it_is_read(source: Path, tmp_path: Path) -> None:
    changing = tmp_path / "input"
    shutil.copytree(source, changing)
    output = tmp_path / "out"
    job = Job(output, changing, {**SLOW, "JOB_WORKERS": "1"})
    assert job.wait_for(RECORDS)
    last = changing / "zh" / "sections-01.jsonl"
    with last.open("a", encoding="utf-8") as file:
        file.write('{"id": "late", "text": "' + "late words " * 50 + '"}\n')
    said = job.finish()
    assert job.process.returncode != 0
    assert "sections-01.jsonl" in said
    late = [path for path in output.rglob("*.jsonl*") if b'"late"' in path.read_bytes()]
    assert late == []
    assert not (output / "_thresher" / "job" / "manifest.json").exists()
    resume(output, changing)
    undisturbed = tmp_path / "undisturbed"
    resume(undisturbed, changing)
    assert read(output) == read(undisturbed)


def test_touched_and_copied_inputs_are_not_read_again(
    source: Path, reference: Left, tmp_path: Path
) -> None:
    output, mine = tmp_path / "out", tmp_path / "a" / "input"
    shutil.copytree(source, mine)
    resume(output, mine)
    for path in mine.rglob("*.jsonl*"):
        os.utime(path)
    assert "nothing to do" in resume(output, mine).splitlines()
    copied = tmp_path / "b" / "input"
    shutil.copytree(mine, copied)
    assert "nothing to do" in resume(output, copied).splitlines()
    left = read(output)
    assert (left.files, left.manifest) == (reference.files, reference.manifest)
