# SPDX-License-Identifier: Apache-2.0
"""What a program and a cluster that it starts cost: all of their processes, by a control group."""

import dataclasses
import json
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

ACCOUNTS = Path("/sys/fs/cgroup/cpuacct")
_ENTER = 'echo $$ > "$0"; exec "$@"'


@dataclasses.dataclass(frozen=True)
class Cost:
    """Processor seconds of everything, wall seconds of the program, and of its runs alone."""

    cpu_s: float
    wall_s: float
    runs_s: tuple[float, ...]


def run(command: Sequence[str | Path], log: Path, environment: dict[str, str]) -> Cost:
    """Run a program that prints, at last, the seconds of its runs as a JSON list.

    What it leaves running is ended, and counted until then.
    """
    group = ACCOUNTS / f"thresher-{os.getpid()}"
    group.mkdir()
    start = time.perf_counter()
    with log.open("w+") as words:
        entered = ["sh", "-c", _ENTER, str(group / "tasks"), *map(str, command)]
        ended = subprocess.run(
            entered, env=os.environ | environment, stdout=words, stderr=subprocess.STDOUT,
            check=False,
        )  # fmt: skip
        wall = time.perf_counter() - start
    _end_what_is_left(group)
    cpu = int((group / "cpuacct.usage").read_text()) / 1e9
    group.rmdir()
    lines = log.read_text(errors="replace").splitlines()
    told = next((line for line in reversed(lines) if line.startswith("[")), "")
    if ended.returncode or not told:
        raise RuntimeError(f"exit status {ended.returncode}; see {log}")
    return Cost(cpu, wall, tuple(json.loads(told)))


def _end_what_is_left(group: Path) -> None:
    deadline = time.monotonic() + 20
    while pids := (group / "tasks").read_text().split():
        if time.monotonic() > deadline:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
        time.sleep(0.1)
