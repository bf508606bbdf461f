# SPDX-License-Identifier: Apache-2.0
"""The keeper ends whatever its command has started, however that hides."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from thresher.core.client import keeper

# A grandchild in a session of its own whose parent has gone, as Ray's workers are when the raylet
# dies, and a child in the keeper's own group.
HIDING = """
setsid bash -c 'echo $$ >> {pids}; exec sleep 300' &
sleep 300 &
echo $! >> {pids}
echo ready >> {pids}
{then}
"""

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[subprocess.Popen[bytes]] = []

    def start(then: str = "wait", *remove: Path) -> subprocess.Popen[bytes]:
        paths = [each for path in remove for each in ("--remove", str(path))]
        script = HIDING.format(pids=tmp_path / "pids", then=then)
        command = [sys.executable, "-I", keeper.__file__, *paths, "--", "bash", "-c", script]
        started.append(subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True))
        wait_until(lambda: len(told(tmp_path)) == 3)
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def told(folder: Path) -> list[str]:
    file = folder / "pids"
    return file.read_text().split() if file.exists() else []


def pids(folder: Path) -> list[int]:
    return [int(word) for word in told(folder) if word.isdigit()]


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("word", [keeper.END, keeper.KEEP, b""], ids=["end", "keep", "eof"])
def test_all_ends_when_the_owner_says_so_or_is_gone(
    start: Start, tmp_path: Path, word: bytes
) -> None:
    folder = tmp_path / "ray"
    (folder / "session").mkdir(parents=True)
    kept = start("wait", folder, tmp_path / "never-there")
    assert all(map(running, pids(tmp_path)))

    kept.communicate(word, timeout=30)

    assert kept.returncode == 0
    assert not any(map(running, pids(tmp_path)))
    assert folder.exists() == (word == keeper.KEEP)


def test_all_ends_at_sigterm(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "ray"
    folder.mkdir()
    kept = start("wait", folder)

    kept.send_signal(signal.SIGTERM)

    assert kept.wait(30) == 0
    assert not any(map(running, pids(tmp_path)))
    assert not folder.exists()


@pytest.mark.parametrize(("then", "code"), [("exit 3", 3), ("kill -9 $$", 137)])
def test_a_command_that_ends_takes_the_rest_with_it_and_leaves_its_files(
    start: Start, tmp_path: Path, then: str, code: int
) -> None:
    folder = tmp_path / "ray"
    folder.mkdir()
    kept = start(then, folder)

    assert kept.wait(30) == code
    assert not any(map(running, pids(tmp_path)))
    assert folder.exists()


@pytest.mark.slow
def test_who_does_not_listen_is_killed(start: Start, tmp_path: Path) -> None:
    deaf = f"setsid bash -c 'trap \"\" TERM; echo $$ >> {tmp_path}/deaf; while :; do sleep 1; done'"
    kept = start(f"{deaf} & wait")
    wait_until(lambda: (tmp_path / "deaf").exists() and bool((tmp_path / "deaf").read_text()))

    kept.communicate(keeper.END, timeout=60)

    assert not running(int((tmp_path / "deaf").read_text()))


def test_descendants_are_those_that_run() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    mine = {process.pid for process in keeper.descendants(os.getpid())}
    child.kill()
    wait_until(lambda: not running(child.pid))
    zombie = {process.pid for process in keeper.descendants(os.getpid())}
    child.communicate()

    assert child.pid in mine
    assert child.pid not in zombie
