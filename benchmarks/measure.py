# SPDX-License-Identifier: Apache-2.0
"""What a command costs: processor seconds of its process tree, wall seconds, peak memory."""

import contextlib
import dataclasses
import os
import resource
import statistics
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

SAMPLE_S = 0.1
SHARED_MEMORY = Path("/dev/shm")


@dataclasses.dataclass(frozen=True)
class Cost:
    """Processor seconds (user and system), wall seconds, and peak memory in megabytes.

    Memory is the sum of the processes' PSS and of what they added to shared-memory files, sampled
    ten times a second.
    """

    cpu_s: float
    wall_s: float
    peak_mb: float


class CommandFailed(Exception):
    """A measured command ended badly; the message has the last line it printed."""


def run(command: Sequence[str | Path], log: Path, **environment: str) -> Cost:
    """Run a command to its end; all processes that it waits for count. Its words go to ``log``."""
    before = _processor_seconds()
    start = time.perf_counter()
    with log.open("wb") as words:
        process = subprocess.Popen(
            command, env=os.environ | environment, stdout=words, stderr=subprocess.STDOUT
        )
        peak = _watch(process)
    wall = time.perf_counter() - start
    if process.returncode:
        lines = log.read_text(errors="replace").split("\n")
        last = next((line for line in reversed(lines) if line.strip()), "no word printed")
        raise CommandFailed(f"exit status {process.returncode}: {last.strip()}")
    return Cost(_processor_seconds() - before, wall, peak / 1_000_000)


def _processor_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _watch(process: subprocess.Popen[bytes]) -> int:
    """Wait for a process; return the most memory that its tree held at a time, in bytes."""
    root = psutil.Process(process.pid)
    shared = _shared_bytes()
    peak = 0
    while process.poll() is None:
        with contextlib.suppress(psutil.NoSuchProcess):
            tree = [root, *root.children(recursive=True)]
            peak = max(peak, sum(map(_pss, tree)) + max(0, _shared_bytes() - shared))
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(SAMPLE_S)
    return peak


def _pss(process: psutil.Process) -> int:
    try:
        rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
        return 0
    lines = dict(line.split(":", 1) for line in rollup.splitlines()[1:])
    return int(lines["Pss"].split()[0]) * 1024


def _shared_bytes() -> int:
    usage = os.statvfs(SHARED_MEMORY)
    return (usage.f_blocks - usage.f_bfree) * usage.f_frsize


def median(costs: Sequence[Cost]) -> Cost:
    """Return the median of each figure."""
    figures = zip(*map(dataclasses.astuple, costs), strict=True)
    return Cost(*map(statistics.median, figures))
