# SPDX-License-Identifier: Apache-2.0
"""1.4 and 1.13: what the storage fails to do is never charged to rows; the same command goes on.

Full disks are small file systems, mounted for the test alone; what a device fails to read is an
error that ``sitecustomize`` raises in the very call that reads.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys
from thresher.backends.local import LocalExecutor
from thresher.errors import ThresherError
from thresher.pipeline import Pipeline
from thresher.stages.base import ProcessingStage
from thresher.stages.text.io import JsonlReader, JsonlWriter, ParquetWriter

class Idle(ProcessingStage):
    name = "idle"
    def inputs(self):
        return ["data"], []
    def process(self, task):
        return task

if __name__ == "__main__":
    writer = {WRITER}
    stages = [JsonlReader(file_paths="in"), Idle(), writer]
    pipeline = Pipeline(name="p", stages=stages, config={"fusion": False})
    try:
        result = pipeline.run(LocalExecutor(workers={WORKERS}))
    except ThresherError as error:
        print(f"{type(error).__name__}: {error}")
        sys.exit(3)
    print(f"status: {result.status}, {result.quarantined} in quarantine")
"""
FLAKY = """
import builtins, errno, io, os

_open = builtins.open

class Flaky(io.FileIO):
    def _fail(self):
        left = int(_open("failures").read())
        if left:
            with _open("failures", "w") as file:
                file.write(str(left - 1))
            raise OSError(errno.EIO, "Input/output error")

    def readinto(self, buffer):
        self._fail()
        return super().readinto(buffer)

    def read(self, size=-1):
        self._fail()
        return super().read(size)

def open(file, mode="r", *args, **kwargs):
    wanted = os.environ["FLAKY"]
    if mode == "rb" and os.fspath(file).endswith(wanted) and os.path.exists("failures"):
        return Flaky(file, "r")
    return _open(file, mode, *args, **kwargs)

builtins.open = open
"""


@functools.cache
def can_mount() -> bool:
    """Whether this process may mount file systems of its own."""
    ran = subprocess.run(
        ["unshare", "-m", "sh", "-c", "mount -t tmpfs -o size=1m none /mnt"],
        capture_output=True,
        check=False,
    )
    return ran.returncode == 0


@functools.cache
def can_give_up_powers() -> bool:
    """Whether this process may drop the power to read any file."""
    command = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", "true"]
    return os.getuid() == 0 and subprocess.run(command, check=False).returncode == 0


needs_mounts = pytest.mark.skipif(
    sys.platform != "linux" or not can_mount(), reason="may not mount file systems"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    for name in "abcd":
        rows = [{"id": f"{name}{i}", "text": os.urandom(30).hex()} for i in range(3000)]
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / "in" / f"{name}.jsonl").write_text(lines)
    return tmp_path


def script(folder: Path, writer: str = 'JsonlWriter("out")', workers: int = 2) -> Path:
    path = folder / "script.py"
    path.write_text(SCRIPT.replace("{WRITER}", writer).replace("{WORKERS}", str(workers)))
    return path


def run(folder: Path, command: list[str], **environment: str) -> tuple[int, str]:
    ran = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        timeout=240,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )
    return ran.returncode, ran.stdout + ran.stderr


def in_mounts(folder: Path, shell: str) -> tuple[int, str]:
    """Run a shell script in which mounts are its own."""
    return run(folder, ["unshare", "-m", "sh", "-ec", shell], PYTHON=sys.executable)


def rows_out(folder: Path) -> list[str]:
    return _lines(folder, "out")


def rows_in(folder: Path) -> list[str]:
    return _lines(folder, "in")


def _lines(folder: Path, name: str) -> list[str]:
    return sorted(
        line for path in folder.glob(f"{name}/*.jsonl") for line in path.read_text().split()
    )


@needs_mounts
@pytest.mark.parametrize("moment", ["lasting", "passing"])
def test_shared_memory_and_the_temporary_folder_are_full(folder: Path, moment: str) -> None:
    script(folder)
    (folder / "temp").mkdir()
    begin = """
    mount -t tmpfs -o size=400k none /dev/shm
    mount -t tmpfs -o size=400k none temp
    """
    if moment == "passing":
        again = "(sleep 1.5; mount -o remount,size=500m temp) & TMPDIR=$PWD/temp $PYTHON script.py"
        # The first attempts fail while there is no room, and are tried again.
        code, said = in_mounts(folder, begin + again)
        assert code in (0, 3), said
        if code == 3:  # a machine so fast that all attempts came before there was room
            code, said = in_mounts(folder, "$PYTHON script.py")
    else:
        code, said = in_mounts(folder, begin + "TMPDIR=$PWD/temp $PYTHON script.py")
        assert code == 3, said
        assert "no space left on device" in said
        assert not list(folder.glob("out/_thresher/p/quarantine/**/*.ndjson"))
        code, said = in_mounts(folder, "$PYTHON script.py")
    assert code == 0, said
    assert "status: complete, 0 in quarantine" in said
    assert rows_out(folder) == rows_in(folder)


@needs_mounts
@pytest.mark.parametrize(
    ("writer", "size"),
    [
        ('JsonlWriter("out", write_kwargs={"compression": "gzip"})', "350k"),
        ('JsonlWriter("out", write_kwargs={"compression": "zstd"})', "350k"),
        ('JsonlWriter("out")', "900k"),
        ('ParquetWriter("out")', "350k"),
    ],
)
@pytest.mark.parametrize("workers", [0, 2])
def test_the_disk_of_the_output_is_full(folder: Path, writer: str, size: str, workers: int) -> None:
    script(folder, writer, workers)
    (folder / "out").mkdir()
    # Unmounting would lose what was written: the same mount gets room between two runs.
    shell = f"""
    mount -t tmpfs -o size={size} none out
    if $PYTHON script.py > first.txt; then exit 9; else test $? = 3; fi
    mount -o remount,size=500m out
    $PYTHON script.py
    ls -R out/_thresher/p > left.txt
    """
    code, said = in_mounts(folder, shell)
    assert code == 0, said + (folder / "first.txt").read_text()
    first = (folder / "first.txt").read_text()
    assert "StorageError" in first
    assert "no space left on device" in first
    assert "status: complete, 0 in quarantine" in said
    assert "12,000 in = 12,000 out" in said


@needs_mounts
@pytest.mark.parametrize("filled", ["Checkpoint()", "Refuse()"])
def test_the_disk_of_the_run_folder_is_full(folder: Path, filled: str) -> None:
    path = script(folder, 'JsonlWriter("out")', 0)
    refuse = """
class Refuse(Idle):
    rows = "same"
    def process(self, task):
        raise ValueError("no")

"""
    text = path.read_text().replace("Idle(), writer", f"{filled}, writer")
    text = text.replace("if __name__", f"from thresher import Checkpoint\n{refuse}if __name__")
    text = text.replace('name="p",', 'name="p", max_error_rate=1.0,')
    path.write_text(text.replace("workers=0)", 'workers=0), run_dir="run"'))
    (folder / "run").mkdir()
    shell = "mount -t tmpfs -o size=100k none run; $PYTHON script.py"
    code, said = in_mounts(folder, shell)
    assert code == 3, said
    assert "no space left on device" in said
    assert f"{folder / 'run'}/_tmp/" in said


@pytest.mark.parametrize("kind", ["plain", "gzip"])
@pytest.mark.parametrize("workers", [0, 2])
def test_a_passing_error_of_the_device(folder: Path, kind: str, workers: int) -> None:
    name = "b.jsonl"
    if kind == "gzip":
        subprocess.run(["gzip", "in/b.jsonl"], cwd=folder, check=True)
        name = "b.jsonl.gz"
    script(folder, workers=workers)
    (folder / "site").mkdir()
    (folder / "site" / "sitecustomize.py").write_text(FLAKY)
    path = f"{folder / 'site'}:{ROOT}"
    (folder / "failures").write_text("2")
    code, said = run(folder, [sys.executable, "script.py"], PYTHONPATH=path, FLAKY=f"in/{name}")
    if code == 3:  # the plan's sample met it: nothing was run
        code, said = run(folder, [sys.executable, "script.py"], PYTHONPATH=path, FLAKY=name)
    assert code == 0, said
    assert "status: complete, 0 in quarantine" in said
    assert "12,000 in = 12,000 out" in said


def test_a_lasting_error_of_the_device(folder: Path) -> None:
    script(folder)
    (folder / "site").mkdir()
    (folder / "site" / "sitecustomize.py").write_text(FLAKY)
    path = f"{folder / 'site'}:{ROOT}"
    (folder / "failures").write_text("1000")
    code, said = run(folder, [sys.executable, "script.py"], PYTHONPATH=path, FLAKY="in/c.jsonl")
    assert code == 3, said
    assert "in/c.jsonl" in said
    assert "input/output error" in said
    (folder / "failures").write_text("0")
    code, said = run(folder, [sys.executable, "script.py"], PYTHONPATH=path, FLAKY="in/c.jsonl")
    assert code == 0, said
    assert "12,000 in = 12,000 out" in said


@pytest.mark.skipif(not can_give_up_powers(), reason="may not give up powers")
def test_a_file_that_may_not_be_read(folder: Path) -> None:
    script(folder)
    (folder / "in/c.jsonl").chmod(0o000)
    # Modes bind the super-user, too, without these two of its powers.
    ask = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", sys.executable]
    code, said = run(folder, [*ask, "script.py"])
    assert code in (0, 3), said
    if code == 0:
        assert "status: complete with failures" in said
    assert "in/c.jsonl" in said
    assert "permission denied" in said.lower()
    (folder / "in/c.jsonl").chmod(0o644)
    code, said = run(folder, [*ask, "script.py"])
    assert code == 0, said
    assert "status: complete, 0 in quarantine" in said
    assert rows_out(folder) == rows_in(folder)
