# SPDX-License-Identifier: Apache-2.0
"""StepServer: what every worker holds, be it a process, a thread or the caller itself."""

from __future__ import annotations

import pickle
import sys
import threading
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path as FilePath
from time import perf_counter
from typing import Any

from thresher.backends.call_failed import CallFailed, in_words
from thresher.backends.collective import alone
from thresher.backends.context import Attempt, RunContext
from thresher.backends.envelope import Envelope
from thresher.backends.executor import Done, Message
from thresher.backends.guard import Guard
from thresher.backends.memory import PeakMemory
from thresher.backends.other_python import check_stages
from thresher.backends.output import OutputFiles
from thresher.backends.parcel import TASK_BYTES, Handed, Packer
from thresher.backends.quarantine import Rejected
from thresher.backends.runner import StepCall
from thresher.backends.stage_errors import may_keep_state
from thresher.errors import (
    EngineError,
    ModelError,
    PlanError,
    StorageError,
    ThresherError,
    error_text,
)
from thresher.planning.plan import Stage, Step
from thresher.runs.part import Path
from thresher.runs.task_file import pickled, to_bytes
from thresher.stages.base import Collective, NodeInfo, ProcessingStage, WorkerMetadata
from thresher.stages.filtering import share_work
from thresher.stages.reading import ReaderStage
from thresher.storage.failures import from_os_error
from thresher.tasks import Task

BATCH_BYTES = 8 * 1024 * 1024
"""Size of the batches a reader streams to stages that work row by row."""


class StepServer:
    """Runs calls of a Segment's Steps; sets each Step up when it is first called.

    Parameters
    ----------
    blob : bytes
        Cloudpickled (steps, context): every worker has copies of its own.
    packer : Packer
        Makes parcels of children.
    node : str
        The machine's name among those of the cluster.
    collective : Collective | None
        Its place among the workers of a collective Step; None is a world of its own.
    python : str
        The interpreter it runs in, if it was started for the Steps that ask for that one.
    sharing : int
        How many servers share the process, and its memory.
    """

    def __init__(
        self,
        blob: bytes,
        worker_id: str,
        packer: Packer,
        node: str = "local",
        collective: Collective | None = None,
        python: str = "",
        sharing: int = 1,
    ) -> None:
        self.steps: tuple[Step, ...]
        self.context: RunContext
        steps, self.context = pickle.loads(blob)
        self._blob = blob
        self.steps = tuple(_prepared(step) for step in steps)
        self.worker_id = worker_id
        self.packer = packer
        self.node = node
        self.collective = collective
        self.python = python
        self._elsewhere: dict[str, Guard] = {}  # by interpreter
        self._streaming = _streaming(self.steps)
        self._last: dict[int, str] = {}  # the token of a Step's last call
        self._set: list[Stage] = []
        self._memory = PeakMemory()
        self._sharing = sharing
        self._now = ("", 0)  # the token and the thread of the call that runs

    def call(
        self, envelope: Envelope, beat: Callable[[int, str], None]
    ) -> tuple[Message, list[Envelope]]:
        """One call: its report, and the children for the next Step."""
        self._now = (envelope.attempt.token, threading.get_ident())
        try:
            return self._call(envelope, beat)
        except KeyboardInterrupt:  # of a stage: workers do not hear those of the terminal
            told = CallFailed("interrupted", self.steps[envelope.step].name, "KeyboardInterrupt")
            return told.message(envelope.attempt.token, envelope.path, envelope.step, 0), []
        finally:
            self._now = ("", 0)

    def _call(
        self, envelope: Envelope, beat: Callable[[int, str], None]
    ) -> tuple[Message, list[Envelope]]:
        attempt, path = envelope.attempt, envelope.path
        step = self.steps[envelope.step]
        start = perf_counter()
        files = OutputFiles(self.context, attempt, path)
        here = step.python in ("", self.python)
        try:
            if here:
                self._set_up(step, attempt)
        except CallFailed as failed:
            return failed.message(attempt.token, path, step.index, 0), []
        step = self.steps[envelope.step]
        renew = partial(self._renewed, step.index)
        readers = (s for s in self.steps[0].stages if isinstance(s, ReaderStage))
        reader = next(readers, self.context.reader)
        running = StepCall(step, attempt, path, self.context, files, beat, renew, reader)
        try:
            if not here:
                return self._call_there(step, envelope, beat)
            children, inline = self._run(running, envelope, files)
            if running.rejected and not attempt.probe:
                files.reject(path, running.rejected)
        except CallFailed as failed:
            files.discard()
            return failed.message(attempt.token, path, step.index, running.rows), []
        except ThresherError as error:
            files.discard()
            full = isinstance(error, StorageError)  # or else not to be written to
            kind, place = ("storage", error.where) if full else ("raised", step.name)
            told = CallFailed(kind, place, error.what, error.todo)
            return told.message(attempt.token, path, step.index, running.rows), []
        except OSError as error:  # of our own files: those of stages are met where they raise
            files.discard()
            own = from_os_error(error, "write", str(error.filename or "temporary files"))
            told = CallFailed("storage", own.where, own.what, own.todo)
            return told.message(attempt.token, path, step.index, running.rows), []
        except Exception as error:  # a task that cannot be pickled, or a mistake of ours
            files.discard()
            told = CallFailed("raised", step.name, in_words(error))
            return told.message(attempt.token, path, step.index, running.rows), []
        if attempt.probe:
            files.discard()
        done = Done(
            attempt.token,
            path,
            step.index,
            len(children),
            tuple(running.counts),
            tuple(files.written),
            tuple(inline),
            running.rows,
            perf_counter() - start,
            running.source_digest(),
            _reasons(running.rejected),
            self.worker_id,
            self._memory.peak() // self._sharing,
            **_told(running, typed=self.context.typed),
        )
        return done, children

    def stack(self, token: str) -> str:
        """Where the call of an attempt is; empty if none runs here."""
        found = (guard.stack(token) for guard in list(self._elsewhere.values()))
        if there := next(filter(None, found), ""):
            return there
        called, thread = self._now
        frame = sys._current_frames().get(thread)
        return "".join(traceback.format_stack(frame)) if token == called and frame else ""

    def close(self) -> None:
        """Tear down what was set up; all of it, and whatever one stage raises."""
        for stage in self._set:
            _tear_down(stage)
        for guard in self._elsewhere.values():
            guard.close()
        self._elsewhere.clear()
        self._set.clear()

    def _call_there(
        self, step: Step, envelope: Envelope, beat: Callable[[int, str], None]
    ) -> tuple[Message, list[Envelope]]:
        """A call of a Step of another interpreter: a child process of that one runs it."""
        python = step.python
        try:
            if python not in self._elsewhere:
                check_stages((stage for each in self.steps for stage in each.stages), python)
                guard = Guard(self._blob, self.worker_id, self.packer, self.node, python)
                self._elsewhere[python] = guard
            return self._elsewhere[python].call(envelope, beat)
        except (EngineError, PlanError) as error:
            if python in self._elsewhere:
                self._elsewhere.pop(python).close()
            raise CallFailed("setup", step.stages[0].name, error.what, error.todo) from error

    def _run(
        self, running: StepCall, envelope: Envelope, files: OutputFiles
    ) -> tuple[list[Envelope], list[tuple[Path, bytes]]]:
        parcel = envelope.parcel
        joined = envelope.step < self._streaming
        most = sys.maxsize if envelope.step else TASK_BYTES
        tasks = running.run(parcel.pieces() if joined and parcel.tables else parcel.open())
        if envelope.step < len(self.steps) - 1:
            packer = self.packer
            parcels = packer.pack_joined(tasks, most) if joined else map(packer.pack, tasks)
            children = [
                Envelope(running.with_source(), (*envelope.path, index), envelope.step + 1, parcel)
                for index, parcel in enumerate(parcels)
            ]
            return children, []
        if joined and self.context.sink != "out":
            tasks = (parcel.open() for parcel in Handed().pack_joined(tasks, most))
        inline: list[tuple[Path, bytes]] = []
        for index, task in enumerate(tasks):
            path = (*envelope.path, index)
            if envelope.attempt.probe:
                continue
            if self.context.sink == "result" and _is_small(task, self.context.inline_bytes):
                inline.append((path, to_bytes(task)))
            elif self.context.sink == "spill":
                files.spill(path, task, running.with_source().source)
            elif self.context.sink != "out":
                files.spill(path, task)
        return [], inline

    def _set_up(self, step: Step, attempt: Attempt) -> None:
        """Set a Step's stages up, once.

        The rows of an attempt that was thrown away come again: stages that may have kept something
        of them are set up anew.
        """
        anew = attempt.again and self._last.get(step.index) != attempt.token
        for number, stage in enumerate(step.stages):
            if not self._is_set_up(stage):
                self._set_up_stage(step, number)
            elif anew and may_keep_state(stage):
                self._renewed(step.index, number)
        self._last[step.index] = attempt.token

    def _is_set_up(self, stage: Stage) -> bool:
        return any(stage is other for other in self._set)

    def _renewed(self, index: int, number: int) -> Stage:
        """A stage of a Step as it was planned, set up in the place of the one that is there."""
        step = self.steps[index]
        old = step.stages[number]
        self._set = [stage for stage in self._set if stage is not old]
        _tear_down(old)
        fresh: Stage = pickle.loads(self._blob)[0][index].stages[number]
        stages = (*step.stages[:number], fresh, *step.stages[number + 1 :])
        step = replace(step, stages=stages)
        self.steps = (*self.steps[:index], step, *self.steps[index + 1 :])
        self._set_up_stage(step, number)
        return fresh

    def _set_up_stage(self, step: Step, number: int) -> None:
        stage = step.stages[number]
        worker = WorkerMetadata(self.worker_id)
        if step.collective:
            worker = replace(worker, collective=self.collective or alone())
        try:
            self._set_up_node(stage, f"{self.node}-{step.index}-{number}", worker)
            stage.setup(worker)
            self._set.append(stage)
        except ThresherError as error:
            kind = "model" if isinstance(error, ModelError) else "setup"
            told = f"{error.where}: {error.what}" if error.where else error.what
            raise CallFailed(kind, stage.name, told, error.todo) from error
        except Exception as error:
            told = f"setup raised {error_text(error)}"
            todo = "see the stage's setup method"
            raise CallFailed("setup", stage.name, told, todo) from error

    def _set_up_node(self, stage: Stage, key: str, worker: WorkerMetadata) -> None:
        """Once per node: the first worker does it under a lock, the others wait."""
        if type(stage).setup_on_node is ProcessingStage.setup_on_node:
            return
        folder = FilePath(self.context.node_folder)
        folder.mkdir(parents=True, exist_ok=True)
        done = folder / f"{key}.done"
        with (folder / f"{key}.lock").open("w") as lock:
            _lock(lock.fileno())
            if not done.exists():
                stage.setup_on_node(NodeInfo(self.node), worker)
                done.touch()


def _tear_down(stage: Stage) -> None:
    try:
        stage.teardown()
    except Exception as error:
        warnings.warn(f"stage {stage.name!r}: teardown: {in_words(error)}", stacklevel=2)


def _told(running: StepCall, *, typed: bool) -> dict[str, Any]:
    """What a report says of failures and of columns, where there is anything to say."""
    told: dict[str, Any] = {}
    failed = [entry for entry in running.rejected if entry.failed]
    if failed:
        causes = Counter(entry.cause for entry in failed)
        told["failed_rows"] = sum(entry.rows for entry in failed)
        told["cause"] = causes.most_common(1)[0][0]
    if typed:
        told["first_names"], told["names"] = running.first_names, tuple(sorted(running.names))
        told["left_out"] = tuple(sorted(running.left_out))
    if running.absent:
        told["absent"] = running.absent
    if running.warnings:
        told["warnings"] = tuple(running.warnings)
    return told


def _reasons(rejected: list[Rejected]) -> tuple[tuple[str, int], ...]:
    """The most frequent reasons for quarantine, for error messages."""
    return tuple(Counter(f"{r.stage}: {r.error}" for r in rejected).most_common(3))


def _streaming(steps: tuple[Step, ...]) -> int:
    """How many Steps, from the reader on, work row by row.

    A reader streams batches to them. What they make of a task leaves them joined again, however it
    came to them: the number of files must not depend on how tasks travel.
    """
    if not isinstance(steps[0].stages[0], ReaderStage):
        return 0
    return next((k for k, step in enumerate(steps) if not step.streamed), len(steps))


def _prepared(step: Step) -> Step:
    """A worker's own Step: filters share what they count, the reader streams where it may."""
    stages = share_work(step.stages)
    reader = stages[0]
    if step.streamed and isinstance(reader, ReaderStage):
        stages[0] = reader.streaming(BATCH_BYTES)
    return replace(step, stages=tuple(stages))


def _is_small(task: Task[Any], limit: int) -> bool:
    data = task.data
    size = getattr(data, "nbytes", None)
    if size is None:
        return len(pickled(task)) <= limit
    return int(size) <= limit


def _lock(descriptor: int) -> None:
    try:
        import fcntl
    except ImportError:  # no such locks on this system; set-up runs once per worker there
        return
    fcntl.flock(descriptor, fcntl.LOCK_EX)
