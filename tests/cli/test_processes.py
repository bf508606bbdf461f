# SPDX-License-Identifier: Apache-2.0
"""The command line as processes: start-up, streams, signals, terminals."""

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from time import monotonic, sleep

import pytest
import yaml

from thresher.config import load_recipe

ROOT = Path(__file__).parents[2]
THRESHER = [sys.executable, "-m", "thresher"]

RECIPE = """
name: small
imports: slow_stage.py
stages:
  - JsonlReader: {file_paths: in}
  - Slow: {seconds: 0}
  - pass_on
  - JsonlWriter: {path: out}
"""

SLOW = '''
import time

from thresher import ProcessingStage, processing_stage


class Slow(ProcessingStage):
    """Takes its time."""

    rows = "same"

    def __init__(self, seconds: float = 0.1) -> None:
        self.seconds = seconds

    def inputs(self):
        return ["data"], ["text"]

    def process(self, task):
        time.sleep(self.seconds)
        return task


@processing_stage(name="pass_on", rows="same")
def pass_on(task):
    """Passes on."""
    return task
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    for i in range(12):
        (tmp_path / "in" / f"{i:02}.jsonl").write_text(f'{{"id": {i}, "text": "one two"}}\n')
    (tmp_path / "r.yaml").write_text(RECIPE)
    (tmp_path / "slow_stage.py").write_text(SLOW)
    return tmp_path


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [*THRESHER, *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )


def test_help_is_instant_and_loads_nothing_heavy(tmp_path: Path) -> None:
    # Seconds of CPU, the least of several: other programs share the machine.
    times = []
    for _ in range(3):
        before = getrusage(RUSAGE_CHILDREN)
        assert run(tmp_path, "--help").returncode == 0
        after = getrusage(RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(times) < 0.3
    code = (
        "import sys; from thresher.cli import main; main(['--help']);"
        "heavy = {'pyarrow', 'numpy', 'numba', 'yaml', 'fsspec'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)


def test_a_stage_of_ones_own_runs_in_workers(folder: Path) -> None:
    done = run(folder, "run", "r.yaml", "--trust", "--workers", "2")
    assert (done.returncode, done.stderr) == (0, "")
    assert "12 in = 12 out: every row is accounted for" in done.stdout
    assert len(list((folder / "out").glob("*.jsonl"))) == 12


def test_a_module_in_the_current_directory_runs_in_workers(folder: Path) -> None:
    (folder / "r.yaml").write_text(RECIPE.replace("slow_stage.py", "slow_stage"))
    done = run(folder, "run", "r.yaml", "--trust", "--workers", "2")
    assert (done.returncode, done.stderr) == (0, "")


def test_an_interrupted_run_says_so_and_goes_on(folder: Path) -> None:
    slow = [*THRESHER, "run", "r.yaml", "--trust", "--workers", "2", "--set", "Slow.seconds=0.3"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        slow, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    ends = monotonic() + 60
    while not list((folder / "out").glob("*.jsonl")) and monotonic() < ends:
        sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted: finishing what is running" in out
    assert "The same command goes on from here." in out
    assert err == ""
    done = subprocess.run(slow, cwd=folder, env=environment, text=True, capture_output=True)
    assert done.returncode == 0
    assert "12 in = 12 out" in done.stdout


def test_twice_stops_a_stage_that_hangs_in_the_calling_process(folder: Path) -> None:
    slow = [*THRESHER, "run", "r.yaml", "--trust", "--workers", "0", "--set", "Slow.seconds=600"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        slow, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    ends = monotonic() + 60
    while not list((folder / "out").rglob("ledger/0/*.json")) and monotonic() < ends:
        sleep(0.05)
    sleep(1)  # until the stage sleeps
    process.send_signal(signal.SIGINT)
    sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted: finishing what is running" in out
    assert err == ""


def test_output_that_nobody_reads_is_no_error(folder: Path) -> None:
    command = f"{' '.join(THRESHER)} schema | head -c 10"
    done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True)
    assert done.stderr == ""


def test_on_a_terminal_the_run_is_live(folder: Path) -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "120"}
    command = [
        *THRESHER,
        "run",
        "r.yaml",
        "--trust",
        "--workers",
        "2",
        "--set",
        "Slow.seconds=0.05",
    ]
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    assert process.wait() == 0
    text = shown.decode()
    assert "\x1b[" in text
    assert "/12 parts" in text
    assert "every row is accounted for" in text
    assert "Done: 12 parts" in text


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.yaml")), ids=lambda p: p.name)
def test_the_examples_plan(path: Path) -> None:
    done = run(ROOT, "plan", str(path), "--trust")
    assert (done.returncode, done.stderr) == (0, "")
    names = [stage.name for stage in load_recipe(path, trust=True).pipeline.stages]
    assert all(name in done.stdout for name in names[1:])
    assert yaml.safe_load(path.read_text())["name"] in done.stdout
