# SPDX-License-Identifier: Apache-2.0
"""Starting the job as a process of its own, killing its processes, and reading what it left."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from thresher.runs.balance import unbalanced
from thresher.runs.ledger import Ledger
from thresher.runs.part import PartRecord
from thresher.runs.publish import Roots
from thresher.storage import store_for

ROOT = Path(__file__).parents[2]
JOB = ROOT / "tests" / "faults" / "job.py"
LANGUAGES = ("en", "ja", "zh", "ar")
PATIENCE = 120.0


def copy_corpus(target: Path) -> Path:
    """A part of the example corpus; plain, gzip and zstd files are among it."""
    for language in LANGUAGES:
        shutil.copytree(ROOT / "examples" / "corpus" / language, target / language)
    return target


@dataclass
class Job:
    """One start of the job.

    Parameters
    ----------
    output, source : Path
    settings : dict
        More environment variables.
    script : Path
        What is run.
    """

    output: Path
    source: Path
    settings: dict[str, str] = field(default_factory=dict)
    take_over: bool = False
    script: Path = JOB

    def __post_init__(self) -> None:
        # The mark in the environment finds workers again, whoever their parent is by then.
        self.mark = f"JOB_MARK={os.getpid()}-{id(self)}-{time.monotonic_ns()}"
        name, _, value = self.mark.partition("=")
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "JOB_INPUT": str(self.source),
            name: value,
            **self.settings,
        }
        command = [sys.executable, str(self.script), str(self.output)]
        self.process = subprocess.Popen(
            [*command, "take-over"] if self.take_over else command,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def finish(self) -> str:
        """Wait for the end; returns everything it printed."""
        out, err = self.process.communicate(timeout=PATIENCE)
        return out + err

    def kill(self) -> None:
        """SIGKILL to the driver."""
        self.process.kill()
        self.finish()

    def alive(self) -> bool:
        """Whether the driver runs."""
        return self.process.poll() is None

    def workers(self) -> list[int]:
        """Process ids of its workers, orphans too."""
        found = []
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit() or int(folder.name) == self.process.pid:
                continue
            with contextlib.suppress(OSError):
                if self.mark.encode() in (folder / "environ").read_bytes():
                    found.append(int(folder.name))
        return found

    def orphans(self, patience: float = 5.0) -> list[int]:
        """Workers that outlive the driver by more than a moment."""
        until = time.monotonic() + patience
        while (left := self.workers()) and time.monotonic() < until:
            time.sleep(0.02)
        return left

    def kill_worker(self, index: int) -> bool:
        """SIGKILL to one worker, if there is one."""
        workers = self.workers()
        if not workers:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(workers[index % len(workers)], signal.SIGKILL)
        return True

    def wait_for(self, pattern: str) -> bool:
        """Wait until a file below the output matches; False if the job ended before."""
        while self.alive():
            if any(self.output.glob(pattern)):
                return True
            time.sleep(0.005)
        return False


@dataclass(frozen=True)
class Left:
    """What a finished run left: files, quarantine, manifest."""

    files: dict[str, bytes]
    quarantine: dict[str, bytes]
    manifest: dict[str, object]


def read(output: Path) -> Left:
    """Everything that must be the same however often a run was killed."""
    run_dir = output / "_thresher" / "job"
    return Left(
        {
            str(path.relative_to(output)): path.read_bytes()
            for path in sorted(output.rglob("*"))
            if path.is_file() and "_thresher" not in path.parts
        },
        {
            str(path.relative_to(run_dir)): path.read_bytes()
            for path in sorted((run_dir / "quarantine").rglob("*"))
            if path.is_file()
        },
        json.loads((run_dir / "manifest.json").read_text()),
    )


def problems(output: Path, reference: Left) -> list[str]:
    """What is not as an undisturbed run leaves it; empty if all is well."""
    return what_differs(output, reference) + ledger_problems(output)


def what_differs(output: Path, reference: Left) -> list[str]:
    """What is not byte by byte as in an undisturbed run, and temporaries that are left."""
    left = read(output)
    found = [
        f"{name} differ from an undisturbed run's"
        for name in ("files", "quarantine", "manifest")
        if getattr(left, name) != getattr(reference, name)
    ]
    inner = output / "_thresher"
    rest = [path for path in inner.rglob("*") if path.is_file() and "_tmp" in path.parts]
    rest += inner.rglob(".thresher-tmp-*")
    if rest:
        found.append(f"temporaries are left: {rest}")
    return found


def ledger_problems(output: Path) -> list[str]:
    """Records that do not balance, that name files which are not there, or that came twice."""
    run_dir = output / "_thresher" / "job"
    found = []
    committed: Counter[str] = Counter()
    for page in sorted((run_dir / "ledger" / "0").glob("[0-9]*.json")):
        pages = json.loads(page.read_text())
        committed.update(record["name"] for record in pages.get("records", ()))
        committed.subtract(name for _, name in pages.get("gone", ()))
    found += [f"{name} was committed {n} times" for name, n in committed.items() if n != 1]
    state = Ledger(store_for(str(run_dir)), str(run_dir / "ledger" / "0")).load()
    roots = Roots(str(output), str(run_dir))
    for record in state.records.values():
        found += [f"{record.name}: {problem}" for problem in unbalanced(record.counts)]
        found += _missing(record, roots)
    if state.sealed != state.generation:
        found.append("the last generation is not sealed")
    return found


def _missing(record: PartRecord, roots: Roots) -> list[str]:
    store = store_for(roots.run_dir)
    return [
        f"{record.name}: {file.final} is not what was recorded"
        for file in record.files
        if store.size(roots.final(file)) != file.bytes
        or store.digest(roots.final(file)) != file.digest
    ]


def committed_parts(output: Path) -> int:
    """How many records the ledger holds by now."""
    folder = output / "_thresher" / "job" / "ledger" / "0"
    n = 0
    with contextlib.suppress(OSError, ValueError):
        for page in folder.glob("[0-9]*.json"):
            n += len(json.loads(page.read_text()).get("records", ()))
    return n
