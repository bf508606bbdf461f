# SPDX-License-Identifier: Apache-2.0
"""A file of 2 GB through four Steps on each engine, in a control group of 3 GB.

    python -m benchmarks.engine_memory [--mb 2000] [--limit-mb 3000] [--store-mb 500]

Prints the most memory that all processes took together (without what the kernel caches of files),
the most bytes in Ray's object store, and the most bytes it had spilled to disk at a time. The
output must be that of LocalExecutor, whose line comes first. As root only.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from benchmarks import cache, corpus

PROGRAM = Path(__file__).with_name("program.py")
GROUP = Path("/sys/fs/cgroup/memory")
ENGINES = ("local", "actor pool", "xenna", "xenna streaming", "ray data")
_ENTER = 'echo $$ > "$0"; exec "$@"'


def main() -> int:
    """Measure; an engine that the limit kills, or whose output differs, is a failure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mb", type=int, default=2_000)
    parser.add_argument("--limit-mb", type=int, default=3_000)
    parser.add_argument("--store-mb", type=int, default=500)
    parser.add_argument("--engine", choices=ENGINES, action="append")
    chosen = parser.parse_args()
    source = corpus.jsonl(chosen.mb)
    expected, failed = "", 0
    for engine in chosen.engine or ENGINES:
        digest = _measure(engine, source, chosen.limit_mb, chosen.store_mb)
        expected = expected or digest
        failed += digest != expected
    return failed


def _measure(engine: str, source: Path, limit_mb: int, store_mb: int) -> str:
    """Run, print a line, and return a digest of the output."""
    output = cache.folder("outputs", "engine-memory") / "out"
    shutil.rmtree(output, ignore_errors=True)
    group = GROUP / f"thresher-{os.getpid()}"
    group.mkdir()
    (group / "memory.limit_in_bytes").write_text(str(limit_mb * 1_000_000))
    command = [sys.executable, PROGRAM, engine, source, output, str(store_mb)]
    log = cache.folder("logs") / f"engine-memory-{engine.replace(' ', '-')}.log"
    root = str(Path(__file__).parents[2])
    began = time.perf_counter()
    with log.open("w") as words:
        process = subprocess.Popen(
            ["sh", "-c", _ENTER, str(group / "tasks"), *map(str, command)],
            stdout=words,
            stderr=subprocess.STDOUT,
            env=os.environ | {"PYTHONPATH": root},
        )
        memory, store, spilled = _watch(process, group)
    took = time.perf_counter() - began
    killed = "oom_kill 0" not in (group / "memory.oom_control").read_text()
    while (group / "tasks").read_text().split():
        time.sleep(0.2)
    group.rmdir()
    digest = _digest(output) if process.returncode == 0 else f"failed, see {log}"
    end = "KILLED" if killed else "none killed"
    print(
        f"{engine:15} {memory / 1e6:6.0f} MB, store {store / 1e6:5.0f} MB, spilled "
        f"{spilled / 1e6:5.0f} MB, {took:6.1f} s, {end}, {digest}",
        flush=True,
    )
    shutil.rmtree(output, ignore_errors=True)
    return digest


def _watch(process: subprocess.Popen[bytes], group: Path) -> tuple[int, int, int]:
    """The most bytes of memory, of the object store, and on disk, until the process ends."""
    memory = store = spilled = 0
    before = shutil.disk_usage("/dev/shm").used
    while process.poll() is None:
        told = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        memory = max(memory, int(told["total_rss"]) + int(told.get("total_shmem", 0)))
        store = max(store, shutil.disk_usage("/dev/shm").used - before)
        spilled = max(spilled, sum(map(_size, Path("/tmp").glob("thr*/ray/spill/**/*"))))
        time.sleep(0.5)
    return memory, store, spilled


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except FileNotFoundError:
        return 0


def _digest(output: Path) -> str:
    found = hashlib.sha256()
    for path in sorted(output.glob("*.jsonl")):
        found.update(path.name.encode())
        with path.open("rb") as file:
            found.update(hashlib.file_digest(file, "sha256").digest())
    return found.hexdigest()[:12]


if __name__ == "__main__":
    sys.exit(main())
