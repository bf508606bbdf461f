# SPDX-License-Identifier: Apache-2.0
"""Run: the durable record of one pipeline's work, and the only committer of it.

Record first, publish after; a first generation publishes each part as it commits, a later one
publishes at the end, so that a finished output never turns into a mixture.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Self

from thresher.errors import StorageError
from thresher.runs.beat import Beat, Held, identity
from thresher.runs.crash_points import crash_point
from thresher.runs.fence import Fence
from thresher.runs.ledger import Fenced, Ledger
from thresher.runs.ledger_state import LedgerState
from thresher.runs.manifest import build_manifest, total_counts
from thresher.runs.modes import OWN, owner_of, prepare_output
from thresher.runs.names import OutputNames
from thresher.runs.part import (
    OUT,
    QUARANTINE,
    SPILL,
    FileRecord,
    Outcome,
    Part,
    PartRecord,
    WrittenFile,
)
from thresher.runs.part import Key as Key
from thresher.runs.publish import Publisher, Roots, foreign_file
from thresher.runs.publish import RunPaths as RunPaths
from thresher.runs.recording import Recorder, has_name_of_another, rewritten
from thresher.runs.retrying import Retrying
from thresher.runs.run_id import run_id_of
from thresher.runs.source_digest import is_same_source
from thresher.stats import StageCounts
from thresher.storage import Store

SHARD = "0"
"""The name of the only driver's chain, or of the first of several."""

TAKE_OVER_TRIES = 20
"""How often a driver that takes over tries to open its epoch while the other still appends."""


@dataclass
class Run:
    """One driver's hold on a run directory; end it with :meth:`close`."""

    pipeline: str
    paths: RunPaths
    store: Store
    output_store: Store
    ledger: Ledger
    publisher: Publisher
    beat: Beat | None
    run_id: str
    durable: bool = True
    take_over: bool = False
    shard: str = SHARD
    epoch: int = 0
    generation: int = 1
    deferred: bool = False
    opened: bool = False
    retrying: Retrying = field(default_factory=Retrying)
    names: OutputNames = field(default_factory=OutputNames)
    fence: Fence = field(init=False)
    _own_files: set[str] = field(default_factory=set)
    _staged: int = 0
    _noted: list[int] = field(default_factory=list)
    _done: dict[Key, tuple[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.fence = self._fence_of(self.shard)

    @classmethod
    def open(
        cls,
        pipeline: str,
        paths: RunPaths,
        stores: tuple[Store, Store],
        *,
        take_over: bool = False,
        durable: bool = True,
        beating: bool = True,
        run_id: str | None = None,
        shard: str = SHARD,
        **fields: Any,
    ) -> Self:
        """Read what an earlier run left; writes nothing but ``run.json``.

        Parameters
        ----------
        stores : tuple[Store, Store]
            Of the run directory and of the output.
        run_id : str | None
            From ``run.json`` when not given.
        """
        store, output_store = stores
        beat = Beat(store, f"{paths.run_dir}/beat/{shard}.json") if beating else None
        if beat is not None:
            beat.refuse_second(take_over=take_over)
        roots = Roots(paths.output or paths.run_dir, paths.run_dir)
        run = cls(
            pipeline,
            paths,
            store,
            output_store,
            Ledger(store, f"{paths.run_dir}/ledger/{shard}"),
            Publisher(output_store, store, roots),
            beat,
            run_id or run_id_of(store, paths.run_dir, pipeline),
            durable,
            take_over,
            shard,
            **fields,
        )
        run.ledger.load()
        return run

    @property
    def state(self) -> LedgerState:
        """What the ledger holds."""
        return self.ledger.state

    @property
    def temp_folder(self) -> str:
        """This epoch's folder for temporaries below the run directory, relative."""
        return f"{self._temp_folders()[0]}/{self.epoch}"

    @property
    def temp_output_folder(self) -> str:
        """This epoch's folder for temporaries beside the output, relative to the output."""
        return f"{self._temp_folders()[1]}/{self.epoch}"

    def _temp_folders(self, shard: str | None = None) -> tuple[str, str]:
        name = shard or self.shard
        inner = f"_tmp/{name}"
        return inner, f"_thresher/_tmp/{self.run_id}-{name}" if self.paths.output else inner

    def _fence_of(self, shard: str) -> Fence:
        stores = self.store, self.output_store
        roots, folders = self.publisher.roots, self._temp_folders(shard)
        return Fence(stores, roots, *folders, self.ledger.is_fenced)

    def expect(self, parts: Sequence[str], mine: Sequence[str] | None = None) -> None:
        """Tell which parts the plan has, and which of them are this driver's."""
        self.names = OutputNames(parts)
        own = parts if mine is None else mine
        extensions = (self.paths.extension, *self.paths.companions)
        self._own_files = {self.names.name(part, 0, each) for part in own for each in extensions}

    # -- what is there ------------------------------------------------------------------------

    @property
    def is_sealed(self) -> bool:
        """Whether the last generation is published whole and its manifest is there."""
        sealed = self.state.sealed > 0 and self.state.sealed == self.state.generation
        return sealed and self.store.size(self.manifest_path) is not None

    @property
    def found_before(self) -> dict[str, Any]:
        """What was in the output when the writer's mode was applied."""
        return self.state.prepared or {}

    @property
    def manifest_path(self) -> str:
        """Where the manifest is, or will be."""
        return f"{self.paths.run_dir}/manifest.json"

    def pending(self, parts: Sequence[Part]) -> list[Part]:
        """The parts whose work is not done, or whose files are gone."""
        unnoted = {key for keys in self.state.unpublished.values() for key in keys}
        return [part for part in parts if not self._is_done(part, unnoted)]

    def records(self, segment: int, parts: Sequence[Part]) -> list[PartRecord]:
        """The records of a Segment's parts, in plan order."""
        found = self.state.records
        keys = [(segment, part.name) for part in parts]
        return [found[key] for key in keys if key in found]

    def vanished(self, known: Iterable[Key]) -> list[Key]:
        """Recorded parts that the plan does not have any more."""
        wanted = set(known)
        return [key for key in self.state.records if key not in wanted]

    def _is_done(self, part: Part, unnoted: set[Key]) -> bool:
        record = self.state.records.get(part.key)
        if record is None or record.fingerprint != part.fingerprint:
            return False
        if self._done.get(part.key) == (part.fingerprint, part.version):
            return True  # this driver has looked already, or has made it
        if self.wants_again(record):
            return False
        if self._is_in_the_way(record):
            return False
        if not is_same_source(part, record):
            return False
        published = self._published(record)
        if record.key in unnoted:
            there = self.publisher.is_waiting(published)
        else:
            there = self.publisher.is_there(published)
        if there and self.opened:
            self._done[part.key] = part.fingerprint, part.version
        return there

    def _is_whole(self, record: PartRecord) -> bool:
        """Whether every file of a recorded part is there, byte for byte."""
        return self.publisher.is_waiting(self._published(record))

    def _published(self, record: PartRecord) -> PartRecord:
        """The record whose files are published for a part: its own."""
        return record

    def wants_again(self, record: PartRecord) -> bool:
        """Whether a recorded part is tried again by this call."""
        return self.retrying.wants(record, is_fresh=record.key in self.state.fresh)

    def awaits_others(self, record: PartRecord) -> bool:
        """Whether a part is not tried again before the open generation is published."""
        return not self.retrying.fresh and record.key in self.state.fresh

    def failures(self, known: Iterable[Key]) -> list[PartRecord]:
        """Records of the plan's parts with something that failed."""
        found = (self.state.records.get(key) for key in known)
        return [record for record in found if record is not None and record.has_failed]

    def _ours(self) -> set[str]:
        """Full paths of files that this run is known to have published."""
        state, roots = self.state, self.publisher.roots
        noted = [record for key, record in state.records.items() if key not in state.unnoted]
        records = [*noted, *state.stale, *state.former, *state.kept]
        return {roots.final(file) for record in records for file in record.files}

    def _holds_unnoted(self, path: str) -> bool:
        """Whether a path has the bytes of a record that is not known to be published."""
        state, roots = self.state, self.publisher.roots
        records = [*(state.records[key] for key in state.unnoted), *state.unsettled]
        return any(
            self.publisher.holds(path, file)
            for record in records
            for file in record.files
            if roots.final(file) == path
        )

    def _refuse(self, there: Iterable[str]) -> None:
        """Refuse to go on if one of the files that are there is not this run's."""
        for path in sorted(set(there) - self._ours()):
            if not self._holds_unnoted(path):
                raise foreign_file(path, owner_of(self.output_store, self.paths.output, path))

    def _refuse_in_the_way(self, records: Iterable[PartRecord]) -> None:
        """Refuse to publish records as a whole where a file of others is in the way of one."""
        roots = self.publisher.roots
        wanted = {roots.final(file) for record in records for file in record.on_port(OUT)}
        new = wanted - self._ours()
        self._refuse(path for path in new if self.output_store.size(path) is not None)

    def _replaceable(self, published: Iterable[PartRecord]) -> Callable[[FileRecord], bool]:
        """What tells whether a file of the records may replace what is in its place.

        Only what earlier records have left may be: no file of others, and none of another part
        of the plan.
        """
        state, roots = self.state, self.publisher.roots
        names = {record.name for record in published}  # of a part in any Segment

        @functools.cache
        def paths() -> tuple[set[str], set[str]]:
            others = [
                record
                for record in state.records.values()
                if record.name not in names and record.name in self.names
            ]
            taken = {roots.final(file) for record in others for file in record.files}
            beside = [*state.kept, *state.staying()] if self.paths.mode == "append" else []
            taken |= {roots.final(file) for record in beside for file in record.on_port(OUT)}
            return taken, self._ours() - taken

        def may(file: FileRecord) -> bool:
            taken, left = paths()
            path = roots.final(file)
            if path in taken:
                return False
            return path in left or file.port != OUT or self._holds_unnoted(path)

        return may

    @property
    def quarantine_path(self) -> str:
        """The folder of files of quarantine; while a later generation is open, of those of it."""
        waits = self.deferred and not self.is_sealed
        return f"{self.paths.run_dir}/{self._temp_folders()[0] if waits else QUARANTINE}"

    def _is_in_the_way(self, record: PartRecord) -> bool:
        """Whether a file of a recorded part has the name that one of another part must have."""
        return has_name_of_another(record, self.names, self._prefix())

    def _publish(self, records: Sequence[PartRecord]) -> None:
        self.publisher.publish(records, self._replaceable(records))

    def refuse_foreign(self) -> None:
        """Refuse to go on if a file is there that some part would be written to.

        Raises
        ------
        StorageError
            If this run has not written it.
        """
        output = self.paths.output
        if not output or not self._own_files:
            return
        if not any(name != OWN for name in self.output_store.list(output)):
            return
        prefix = self._prefix()
        wanted: dict[str, set[str]] = {}
        for name in self._own_files:
            folder, slash, base = name.rpartition("/")
            wanted.setdefault(f"{output}{slash}{folder}", set()).add(f"{prefix}{base}")
        there = {
            f"{folder}/{name}"
            for folder, names in wanted.items()
            for name in names.intersection(self.output_store.list(folder))
        }
        if there:
            self._refuse(there)

    # -- beginning ----------------------------------------------------------------------------

    def begin(self, *, fresh_from: int | None = None) -> None:
        """Open an epoch and settle what the last driver left between record and publication.

        From here on this driver is the only committer; ``fresh_from`` forgets what Segments from
        that number on have done.
        """
        if self.opened:
            return
        self._open_epoch()
        self.opened = True
        if self.beat is not None:
            self.beat.start()
        self._sweep(below=self.epoch)
        self._prepare()
        self.refuse_foreign()
        if fresh_from is not None:
            self.forget([key for key in self.state.records if key[0] >= fresh_from])
        self.forget([r.key for r in self.state.records.values() if self._is_in_the_way(r)])
        if not self.deferred:
            self._retire_manifest()  # a driver that died while it sealed may have left one
        self._settle()

    def forget(self, keys: Sequence[Key]) -> None:
        """Note that parts are not part of this generation; their files go when it is published."""
        if keys:
            self._append({"gone": [list(key) for key in keys]})
        for key in keys:
            self._done.pop(key, None)

    def _open_epoch(self) -> None:
        for tries in range(TAKE_OVER_TRIES):
            self.generation, self.deferred = self._next_generation()
            self.fence.build(self.state.epoch + 1)
            try:
                self.epoch = self.ledger.open_epoch(identity(), self.generation)
                return
            except Fenced as fenced:
                if not self.take_over:
                    raise Held(
                        "another process has just begun to run this pipeline",
                        where=fenced.where,
                        todo="wait for it, or stop it, or use --take-over if it hangs",
                    ) from fenced
                if tries == TAKE_OVER_TRIES - 1:
                    raise
                self.ledger.load()

    def _next_generation(self) -> tuple[int, bool]:
        """The generation to work on, and whether its files are published all at once."""
        state = self.state
        sealed = state.sealed > 0 and state.sealed == state.generation
        generation = state.sealed + 1 if sealed else max(state.generation, 1)
        return generation, state.sealed > 0

    def _prepare(self) -> None:
        if self.state.prepared is None:
            found = prepare_output(
                self.output_store,
                self.paths.output,
                self.paths.mode,
                lambda path: self.fence.retire(OUT, path),
            )
            self._append({"prepared": found})

    def _settle(self) -> None:
        lost: list[Key] = []
        for number, keys in sorted(self.state.unpublished.items()):
            whole = True
            for key in keys:
                record = self.state.records.get(key)
                if record is not None and not self._settle_record(record):
                    lost.append(key)
                    whole = False
            if whole and not self.deferred:
                self._noted.append(number)
        self.forget(lost)

    def _settle_record(self, record: PartRecord) -> bool:
        record = self._published(record)
        may = self._replaceable([record])
        if not self.deferred:
            return self.publisher.settle(record, may)
        waiting = self.publisher.is_waiting(record)
        return waiting and self.publisher.settle(_only(record, spill=True), may)

    def _sweep(self, below: int) -> None:
        """Remove temporaries of epochs ``below`` that no record names."""
        records = self.state.records.values()
        self.fence.sweep((file for record in records for file in record.files), below)
        self._sweep_unwritten()

    def _sweep_all(self) -> None:
        """Remove all temporaries: everything is published."""
        self.fence.sweep((), below=self.epoch + 1)

    def _sweep_unwritten(self) -> None:
        """Remove what drivers left that were killed while they wrote a page or a beat."""
        for folder in (self.paths.run_dir, self.ledger.folder, f"{self.paths.run_dir}/beat"):
            self.store.sweep(folder)

    # -- committing ---------------------------------------------------------------------------

    def commit(self, outcomes: Sequence[Outcome]) -> list[PartRecord]:
        """Record finished parts, then publish them. The append is the commit point."""
        if not outcomes:
            return []
        for outcome in outcomes:
            if outcome.lines:
                outcome.files.append(self._quarantined(outcome.lines))
        environment = self.retrying.environment() if any(map(_has_failed, outcomes)) else ""
        recorder = Recorder(
            self._prefix(), environment, self.state.records, self._is_whole, self.names
        )
        return self._commit([recorder.record(outcome) for outcome in outcomes])

    def commit_rewritten(self, outcomes: Sequence[Outcome]) -> list[PartRecord]:
        """Record files that were written again, in place of those that they were made of."""
        records = self.state.records
        return self._commit([rewritten(records[o.part.key], o) for o in outcomes])

    def _commit(self, records: list[PartRecord]) -> list[PartRecord]:
        if not records:
            return []
        crash_point("before-append")
        number = self._append({"records": [record.to_dict() for record in records]})
        crash_point("after-append")
        published = [self._published(record) for record in records]
        if self.deferred:
            self._publish([_only(record, spill=True) for record in published])
        else:
            self._publish(published)
            self._noted.append(number)
        crash_point("after-publish")
        for record in records:
            self._done[record.key] = record.fingerprint, record.version
        return records

    def _quarantined(self, lines: Sequence[bytes]) -> WrittenFile:
        """A file of entries that no worker has written, in a folder as an attempt has it."""
        self._staged += 1
        data = b"".join(lines)
        temp = f"{self.temp_folder}/quarantine-{self._staged}/{QUARANTINE}"
        path = f"{self.paths.run_dir}/{temp}"
        self.store.write(path, data)
        rows = sum(int(json.loads(line).get("rows", 1)) for line in lines)
        digest = self.store.digest(path)
        return WrittenFile(QUARANTINE, (), temp, rows, len(data), digest, "ndjson")

    def _append(self, page: dict[str, Any]) -> int:
        noted, self._noted = self._noted, []
        return self.ledger.append({**page, "published": noted} if noted else page)

    def _prefix(self) -> str:
        """What parts the names of added files from those that are there."""
        beside = self.found_before.get("beside", False)
        if self.paths.mode != "append" or (self.generation == 1 and not beside):
            return ""
        return f"g{self.generation:04d}-{self.run_id[:6] + '-' if beside else ''}"

    # -- ending -------------------------------------------------------------------------------

    def seal(self, ordered: Sequence[Key]) -> None:
        """Publish the generation as a whole and write its manifest.

        ``ordered`` names all parts of the plan, in order; files of parts that are gone go.
        """
        self.forget(self.vanished(ordered))
        state = self.state
        records = [state.records[key] for key in ordered if key in state.records]
        appending = self.paths.mode == "append"
        fresh = [record for record in records if record.key in state.fresh]
        if self.deferred:
            self._refuse_in_the_way(fresh)
        staying = state.staying() if appending else []
        kept = [self._left_of(r) for r in [*state.kept, *staying]] if appending else []
        manifest = build_manifest(self.pipeline, self.generation, records, kept)
        text = json.dumps(manifest, ensure_ascii=False, indent=1)
        staged = self.fence.stage("manifest.json", text.encode("utf-8", "backslashreplace"))
        crash_point("before-seal")
        # Appended when the staged manifest is there: whoever takes over from now on finds it.
        self._append({"sealing": self.generation})
        self._retire_manifest()
        crash_point("mid-seal")
        if self.deferred:
            self._sweep(below=self.epoch)  # no older driver can publish what was replaced
            self._publish([_only(record, spill=False) for record in fresh])
        self._remove_gone(records, staying)
        self.store.replace(staged, self.manifest_path)
        self.store.sync_folder(self.paths.run_dir)
        self._sweep_all()
        self._noted += [n for n in state.unpublished if n not in self._noted]
        self._append({"sealed": self.generation, **({"keep": True} if appending else {})})
        crash_point("after-seal")

    def _left_of(self, record: PartRecord) -> PartRecord:
        """A record of an earlier generation, with those of its output files that are there."""
        store, roots = self.publisher.store(OUT), self.publisher.roots
        files = [f for f in record.on_port(OUT) if store.size(roots.final(f)) == f.bytes]
        return replace(record, files=tuple(files))

    def _retire_manifest(self) -> None:
        if self.store.size(self.manifest_path) is not None:
            self.fence.retire("", self.manifest_path)
            self.store.sync_folder(self.paths.run_dir)

    def _remove_gone(self, records: Sequence[PartRecord], staying: Sequence[PartRecord]) -> None:
        """Remove files of replaced or vanished parts that no current record publishes.

        The output of the records ``staying`` is left.
        """
        roots = self.publisher.roots
        current = {roots.final(file) for record in records for file in record.files}
        current |= {roots.final(file) for record in staying for file in record.on_port(OUT)}
        gone: dict[str, FileRecord] = {}
        for record in [*self.state.stale, *self.state.former]:
            gone |= {roots.final(file): file for file in record.files}
        for record in self.state.unsettled:
            for file in record.files:
                path = roots.final(file)
                if file.port != OUT or (path not in current and self.publisher.holds(path, file)):
                    gone[path] = file
        removed = [
            (path, file)
            for path, file in sorted(gone.items())
            if path not in current and self.publisher.store(file.port).size(path) is not None
        ]
        for path, file in removed:
            self.fence.retire(file.port, path)
        self.publisher.sync(file for _, file in removed)

    def counts(self, ordered: Sequence[Key]) -> list[StageCounts]:
        """Counts per stage over the recorded parts of a plan."""
        found = self.state.records
        return total_counts(found[key] for key in ordered if key in found)

    def close(self) -> None:
        """Note what is published, remove what is of no use, and let go of the run."""
        with suppress(StorageError):  # recovery settles what is not noted
            if self.opened and self._noted:
                self._append({})
        with suppress(StorageError):  # the next driver sweeps, too
            if self.is_sealed:  # workers of a dead driver may have written since
                self.fence.sweep((), below=self.state.epoch + 1)
                self._sweep_unwritten()
            elif self.opened:
                self.ledger.load()  # an append that failed may be there all the same
                self._sweep(below=self.epoch + 1)
        if self.beat is not None and self.opened:
            self.beat.stop()


def _has_failed(outcome: Outcome) -> bool:
    return bool(outcome.failure or outcome.failed_rows)


def _only(record: PartRecord, *, spill: bool) -> PartRecord:
    """The record with what a later Segment reads, or with all that is published at the end."""
    return replace(record, files=tuple(f for f in record.files if (f.port == SPILL) == spill))
