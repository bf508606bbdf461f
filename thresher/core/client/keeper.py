# SPDX-License-Identifier: Apache-2.0
"""Keeps one Ray node: starts it, and ends all of it when its owner says so or is gone.

    python keeper.py [--remove PATH]... -- COMMAND ...

Run as a file and without Thresher, in a session of its own. The owner holds the other end of
standard input: a byte or its end ends the node, so a node never outlives an owner that was killed.
The paths go with it, unless the byte says ``KEEP``.

Ray's processes rename themselves and leave their process group, so neither names nor groups find
them all. The keeper is their *subreaper*: whatever loses its parent becomes its child, and hence
the tree below it is complete until it is empty.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

GRACE = 5.0
"""Seconds between SIGTERM and SIGKILL."""

END, KEEP = b".", b"k"

POLL = 0.1
PATIENCE = 30.0
"""Seconds after which a process that not even SIGKILL ends (it waits for a disk) is left."""

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


def prctl(option: int, value: int) -> None:
    """Linux's call of this name."""
    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


class Process(NamedTuple):
    """A process that runs."""

    pid: int
    group: int
    name: str


def descendants(root: int) -> list[Process]:
    """All processes below ``root``; those that have ended but are not reaped left out."""
    children: dict[int, list[Process]] = {}
    ended = set()
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:  # pid (name) state parent group ...; the name may hold anything
            head, _, rest = (folder / "stat").read_text().rpartition(")")
        except OSError:
            continue
        state, parent, group = rest.split()[:3]
        process = Process(int(folder.name), int(group), head.partition("(")[2])
        children.setdefault(int(parent), []).append(process)
        if state in "ZX":
            ended.add(process)
    found: list[Process] = []
    front = [root]
    while front:
        below = children.get(front.pop(), [])
        found += below
        front += [process.pid for process in below]
    return [process for process in found if process not in ended]


def reap() -> dict[int, int]:
    """Exit codes of the children that have ended, by process id."""
    codes = {}
    with contextlib.suppress(ChildProcessError):
        while True:
            child, status = os.waitpid(-1, os.WNOHANG)
            if child == 0:
                break
            codes[child] = os.waitstatus_to_exitcode(status)
    return codes


def end_all(root: int) -> list[Process]:
    """End everything below ``root``; returns what could not be ended.

    The raylet and stages, which run in process groups of their own below it, are asked first. Once
    they are gone the rest, which has nothing to lose, is killed.
    """
    own = os.getpgid(root)
    begin = time.monotonic()
    asked: set[Process] = set()
    while left := descendants(root):
        reap()
        waited = time.monotonic() - begin
        if waited > PATIENCE:
            break
        polite = {each for each in left if each.group != own or each.name == "raylet"}
        for process in polite - asked:
            send(process.pid, signal.SIGTERM)
        asked |= polite
        if waited > GRACE or not polite:
            for process in left:
                send(process.pid, signal.SIGKILL)
        time.sleep(POLL)
    reap()
    return left


def send(pid: int, number: int) -> None:
    """Signal a process, if it is still there."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def remove(paths: list[str]) -> None:
    """Remove files and folders; what is not there is well removed."""
    for path in map(Path, paths):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                path.unlink()


def keep(command: list[str], paths: list[str]) -> int:
    """Run the command until it ends or the owner does; returns its exit code.

    The paths stay in the first case: who finds that the command has ended by itself wants to read
    why.
    """
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    ask, told = os.pipe()
    signal.signal(signal.SIGTERM, lambda number, frame: os.write(told, b"."))
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def last_will() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=last_will)
    while not select.select([sys.stdin.fileno(), ask], [], [], POLL)[0]:
        codes = reap()
        if child.pid in codes:
            end_all(os.getpid())
            return codes[child.pid]
    # Not read without being asked to: after SIGTERM nothing may be there to read.
    asked = select.select([sys.stdin.fileno()], [], [], 0)[0]
    word = os.read(sys.stdin.fileno(), 1) if asked else END
    left = end_all(os.getpid())
    remove([] if word == KEEP else paths)
    for process in left:
        print(f"{process} cannot be ended", flush=True)
    return 1 if left else 0


def main(arguments: list[str]) -> int:
    """Split the arguments and keep the command."""
    middle = arguments.index("--")
    return keep(arguments[middle + 1 :], arguments[1:middle:2])


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.exit(code if code >= 0 else 128 - code)
