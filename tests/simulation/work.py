# SPDX-License-Identifier: Apache-2.0
"""What a simulated worker does with one call: rows through stages, temporaries, a report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import xxhash

from tests.simulation.broken import Broken
from tests.simulation.disk import Disk
from tests.simulation.recipe import Recipe, Row, Source, from_bytes, to_bytes
from thresher.backends.context import RunContext
from thresher.backends.executor import Done, Failed, Lease, Message
from thresher.errors import StorageError
from thresher.runs.part import OUT, QUARANTINE, SPILL, Path, WrittenFile
from thresher.stats import StageCounts
from thresher.tasks import SpillTask

Batch = list[Row]


@dataclass(frozen=True)
class Call:
    """One call of a Step; ``batches`` is None for the root, which reads its source itself."""

    lease: Lease
    path: Path
    step: int
    batches: list[Batch] | None = None


@dataclass
class Temporaries:
    """The temporaries of one call, as OutputFiles would write them."""

    disk: Disk
    context: RunContext
    call: Call
    is_full: Callable[[], bool]
    written: list[WrittenFile] = field(default_factory=list)
    _opened: list[str] = field(default_factory=list)

    def write(self, port: str, rows: Batch, *, torn: bool = False) -> None:
        """Write one file: its bytes are synced, its entry in the folder is not."""
        out = port == OUT
        folder = self.context.temp_output if out else self.context.temp_run
        root = self.context.output if out else self.context.run_dir
        stem = "-".join(map(str, self.call.path)) or "root"
        temp = f"{folder}/{self.call.lease.token}/{port}-{stem}-{len(self._opened)}"
        full = f"{root}/{temp}"
        if full in self.disk.files:
            raise Broken(f"two calls write to one temporary, {full}")
        self._opened.append(full)
        data = to_bytes(rows)
        if self.is_full() or torn:
            self.disk.add(full, data[: len(data) // 2], synced=False)
            raise StorageError("cannot write: no space left on device", where=full)
        self.disk.add(full, data, synced=True)
        digest = xxhash.xxh3_128_hexdigest(data)
        extension = {OUT: "txt", SPILL: "arrow", QUARANTINE: "ndjson"}[port]
        self.written.append(
            WrittenFile(port, self.call.path, temp, len(rows), len(data), digest, extension)
        )

    def discard(self) -> None:
        """Remove what was written."""
        for full in self._opened:
            self.disk.remove(full)
        self.written = []


@dataclass
class Worker:
    """Carries calls out for one Segment."""

    recipe: Recipe
    sources: dict[str, Source]
    disk: Disk
    context: RunContext
    is_full: Callable[[], bool]
    is_unsteady: Callable[[], bool] = lambda: False

    def rows_read(self, call: Call) -> int:
        """Source rows a root call tells of before it processes them."""
        if call.path:
            return 0
        return _last(self._read(call)[0])

    def dies(self, call: Call) -> bool:
        """Whether the call meets a row that kills its worker."""
        if "filter" not in self._stages(call):
            return False
        skip, span = call.lease.skip, call.lease.rows
        batches = call.batches if call.batches is not None else self._read(call)[0]
        return any(
            row.kind == "kills" and row.number not in skip and _within(row, span)
            for batch in batches
            for row in batch
        )

    def perform(self, call: Call) -> tuple[Message, list[Call]]:
        """The call's report, and the calls of the next Step."""
        files = Temporaries(self.disk, self.context, call, self.is_full)
        try:
            return self._perform(call, files)
        except StorageError as error:
            files.discard()
            token, path = call.lease.token, call.path
            return Failed(token, path, call.step, "storage", error.what, error.where), []

    def tear(self, call: Call) -> None:
        """Leave what a worker leaves that dies while it writes."""
        if call.lease.probe:
            return
        files = Temporaries(self.disk, self.context, call, self.is_full)
        try:
            files.write(OUT, [Row(0, 0)], torn=True)
        except StorageError:
            return

    def _perform(self, call: Call, files: Temporaries) -> tuple[Message, list[Call]]:
        token = call.lease.token
        source = self.sources.get(call.lease.part.name)
        unreadable = source is None or source.unreadable
        if not call.path and self._reads(call) and unreadable:
            return Failed(token, call.path, call.step, "data", "cannot read", "read"), []
        counts = [StageCounts(stage) for stage in self._stages(call)]
        by_name = {count.stage: count for count in counts}
        rejected: Batch = []
        if call.lease.reject:
            return self._reject(call, counts, files)
        batches = call.batches
        rows_read = 0
        if batches is None:
            batches, broken = self._read(call)
            rows_read = _last(batches)
            batches = self._admit(call, batches, broken, counts[0], rejected)
        failed = sum(row.number in call.lease.skip for row in rejected)
        cause = "raises"
        if "filter" in by_name:
            before = len(rejected)
            if not call.lease.probe and self.is_unsteady():
                batches = [[replace(row, kind="raises") for row in each] for each in batches]
                cause = "is unsteady"
            batches = self._filter(batches, by_name["filter"], rejected)
            failed += len(rejected) - before
        children = self._leave(call, batches, by_name, files)
        if rejected:
            files.write(QUARANTINE, rejected)
        if call.lease.probe:
            files.discard()
        done = Done(
            token, call.path, call.step, len(children), tuple(counts), tuple(files.written),
            rows=rows_read, failed_rows=failed, cause=f"filter: {cause}" if failed else "",
        )  # fmt: skip
        return done, children

    def _reject(
        self, call: Call, counts: list[StageCounts], files: Temporaries
    ) -> tuple[Message, list[Call]]:
        """Count the rows of a part that has failed, and set them aside."""
        batches, broken = self._read(call)
        rows = [row for batch in batches for row in batch] + broken
        counts[0].rows_in = counts[0].quarantined = len(rows)
        if rows:
            files.write(QUARANTINE, rows)
        token, written = call.lease.token, tuple(files.written)
        return Done(token, call.path, call.step, 0, tuple(counts), written, rows=len(rows)), []

    def _admit(
        self, call: Call, batches: list[Batch], broken: Batch, counts: StageCounts, rejected: Batch
    ) -> list[Batch]:
        """What the reader lets through."""
        skip, span = call.lease.skip, call.lease.rows
        if self._reads(call):
            counts.rows_in += len(broken) + sum(len(batch) for batch in batches)
            counts.quarantined += len(broken)
            rejected += broken
        admitted = []
        for batch in batches:
            within = [row for row in batch if _within(row, span)]
            left = [row for row in within if row.number not in skip]
            out = [row for row in within if row.number in skip]
            rejected += out
            counts.quarantined += len(out)
            if self._reads(call):
                counts.rows_out += len(left)
            if left:
                admitted.append(left)
        return admitted

    def _filter(self, batches: list[Batch], counts: StageCounts, rejected: Batch) -> list[Batch]:
        kept: list[Batch] = []
        for batch in batches:
            counts.rows_in += len(batch)
            bad = [row for row in batch if row.kind == "raises"]
            rejected += bad
            counts.quarantined += len(bad)
            fine = [row for row in batch if row.kind != "raises"]
            passed = [row for row in fine if self.recipe.keeps(row)]
            if len(fine) > len(passed):
                counts.dropped["filter"] = counts.dropped.get("filter", 0) + len(fine) - len(passed)
            counts.rows_out += len(passed)
            kept += self.recipe.cut(passed)
        return kept

    def _leave(
        self, call: Call, batches: list[Batch], by_name: dict[str, StageCounts], files: Temporaries
    ) -> list[Call]:
        """Files, spill, or calls of the next Step."""
        if "write" in by_name:
            counts = by_name["write"]
            counts.metrics["is_writer"] = 1
            for batch in batches:
                counts.rows_in += len(batch)
                counts.rows_out += len(batch)
                files.write(OUT, batch)
            return []
        if self.context.sink == "spill" and "filter" in by_name:
            for batch in batches:
                files.write(SPILL, batch)
            return []
        return [
            Call(call.lease, (*call.path, index), call.step + 1, [batch])
            for index, batch in enumerate(batches)
        ]

    def _read(self, call: Call) -> tuple[list[Batch], Batch]:
        """Batches and broken rows of a root call's source."""
        task = call.lease.part.task
        if isinstance(task, SpillTask):
            found = [self.disk.files.get(path) for path in task.data]
            return [from_bytes(inode.data) for inode in found if inode is not None], []
        source = self.sources.get(call.lease.part.name)
        rows = source.rows if source is not None and not source.unreadable else ()
        fine = [row for row in rows if row.kind != "broken"]
        broken = [row for row in rows if row.kind == "broken"]
        return self.recipe.batches(fine, call.lease.token), broken

    def _stages(self, call: Call) -> tuple[str, ...]:
        return self.recipe.stages(call.lease.part.segment, call.step)

    def _reads(self, call: Call) -> bool:
        return call.lease.part.segment == 0


def _last(batches: list[Batch]) -> int:
    return max((row.number + 1 for batch in batches for row in batch), default=0)


def _within(row: Row, span: tuple[int, int] | None) -> bool:
    return span is None or span[0] <= row.number < span[1]
