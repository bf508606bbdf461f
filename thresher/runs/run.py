# SPDX-License-Identifier: Apache-2.0
"""Run: the durable record of one pipeline's work, and the only committer of it.

Record first, publish after; a first generation publishes each part as it commits, a later one
publishes at the end, so that a finished output never turns into a mixture.
"""

from __future__ import annotations

import base64
import json
import pickle
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

from thresher.errors import StorageError
from thresher.runs.beat import Beat, identity
from thresher.runs.crash_points import crash_point
from thresher.runs.ledger import Ledger, LedgerState
from thresher.runs.manifest import build_manifest, total_counts
from thresher.runs.modes import check_output
from thresher.runs.part import OUT, QUARANTINE, FileRecord, Outcome, Part, PartRecord, output_name
from thresher.runs.publish import Publisher, Roots
from thresher.runs.source_digest import is_same_source
from thresher.stats import StageCounts
from thresher.storage import Store

SHARD = "0"
Key = tuple[int, str]


@dataclass(frozen=True)
class RunPaths:
    """Where a run writes: the ``output`` of its writer ("" without one) and its own folder."""

    output: str
    run_dir: str
    mode: str = "ignore"
    extension: str = ""


@dataclass
class Run:
    """One driver's hold on a run directory.

    Use it as a context manager, or end it with :meth:`close`.
    """

    pipeline: str
    paths: RunPaths
    store: Store
    output_store: Store
    ledger: Ledger
    publisher: Publisher
    beat: Beat | None
    run_id: str
    durable: bool = True
    epoch: int = 0
    generation: int = 1
    deferred: bool = False
    opened: bool = False
    _noted: list[int] = field(default_factory=list)

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
    ) -> Run:
        """Read what an earlier run left; writes nothing but this driver's beat.

        Parameters
        ----------
        stores : tuple[Store, Store]
            Of the run directory and of the output.
        """
        store, output_store = stores
        beat = Beat(store, f"{paths.run_dir}/beat/{SHARD}.json") if beating else None
        if beat is not None:
            beat.refuse_second(take_over=take_over)
        roots = Roots(paths.output or paths.run_dir, paths.run_dir)
        run = cls(
            pipeline,
            paths,
            store,
            output_store,
            Ledger(store, f"{paths.run_dir}/ledger/{SHARD}"),
            Publisher(output_store, store, roots),
            beat,
            run_id or _run_id(store, paths, pipeline),
            durable,
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
        return f"_tmp/{SHARD}/{self.epoch}"

    @property
    def temp_output_folder(self) -> str:
        """This epoch's folder for temporaries beside the output, relative to the output."""
        if not self.paths.output:
            return self.temp_folder
        return f"_thresher/_tmp/{self.run_id}-{SHARD}/{self.epoch}"

    # -- what is there ------------------------------------------------------------------------

    @property
    def is_sealed(self) -> bool:
        """Whether the last generation is published whole and its manifest is there."""
        sealed = self.state.sealed > 0 and self.state.sealed == self.state.generation
        return sealed and self.store.size(self.manifest_path) is not None

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
        record = self.state.records.get((part.segment, part.name))
        if record is None or record.fingerprint != part.fingerprint:
            return False
        if not is_same_source(part, record):
            return False
        if record.key in unnoted:
            return self.publisher.is_waiting(record)
        return self.publisher.is_there(record)

    # -- beginning ----------------------------------------------------------------------------

    def begin(self, *, fresh_from: int | None = None) -> None:
        """Open an epoch and settle what the last driver left between record and publication.

        From here on this driver is the only committer; ``fresh_from`` forgets what Segments from
        that number on have done.
        """
        if self.opened:
            return
        state = self.state
        done_before = state.sealed > 0 and state.sealed == state.generation
        self.generation = state.sealed + 1 if done_before else max(state.generation, 1)
        self.deferred = state.sealed > 0
        check_output(self.output_store, self.paths, state)
        self.epoch = self.ledger.open_epoch(identity(), self.generation)
        self.opened = True
        if self.beat is not None:
            self.beat.start()
        if fresh_from is not None:
            self.forget([key for key in state.records if key[0] >= fresh_from])
        self._settle()
        self._sweep()

    def forget(self, keys: Sequence[Key]) -> None:
        """Note that parts are not part of this generation; their files go when it is published."""
        if keys:
            self._append({"gone": [list(key) for key in keys]})

    def _settle(self) -> None:
        lost: list[Key] = []
        settled: list[int] = []
        for number, keys in sorted(self.state.unpublished.items()):
            whole = True
            for key in keys:
                record = self.state.records.get(key)
                if record is None:
                    continue
                if self.deferred:
                    ok = self.publisher.is_waiting(record) and self._settle_inner(record)
                else:
                    ok = self.publisher.settle(record)
                if not ok:
                    lost.append(key)
                    whole = False
            if whole and not self.deferred:
                settled.append(number)
        self._noted += settled
        self.forget(lost)

    def _settle_inner(self, record: PartRecord) -> bool:
        return self.publisher.settle(_only(record, out=False))

    def _sweep(self) -> None:
        """Remove temporaries of earlier epochs that no record names."""
        named = {
            file.temp for record in self.state.records.values() for file in record.files
        }  # fmt: skip
        for store, root, folder in (
            (self.store, self.paths.run_dir, self.temp_folder),
            (self.output_store, self.publisher.roots.output, self.temp_output_folder),
        ):
            parent = folder.rpartition("/")[0]
            for epoch in store.list(f"{root}/{parent}"):
                if not epoch.isdigit() or int(epoch) >= self.epoch:
                    continue
                for token in store.list(f"{root}/{parent}/{epoch}"):
                    place = f"{parent}/{epoch}/{token}/"
                    if not any(temp.startswith(place) for temp in named):
                        store.remove_tree(f"{root}/{place}".rstrip("/"))
                if not store.list(f"{root}/{parent}/{epoch}"):
                    store.remove_tree(f"{root}/{parent}/{epoch}")

    # -- committing ---------------------------------------------------------------------------

    def commit(self, outcomes: Sequence[Outcome]) -> list[PartRecord]:
        """Record finished parts, then publish them. The append is the commit point."""
        if not outcomes:
            return []
        records = [self._record(outcome) for outcome in outcomes]
        crash_point("before-append")
        number = self._append({"records": [record.to_dict() for record in records]})
        crash_point("after-append")
        if self.deferred:
            self.publisher.publish([_only(record, out=False) for record in records])
        else:
            self.publisher.publish(records)
            self._noted.append(number)
        crash_point("after-publish")
        return records

    def _append(self, page: dict[str, Any]) -> int:
        noted, self._noted = self._noted, []
        return self.ledger.append({**page, "published": noted} if noted else page)

    def _record(self, outcome: Outcome) -> PartRecord:
        part = outcome.part
        seen: dict[str, int] = {}
        files = []
        for file in outcome.files:
            index = seen.get(file.port, 0)
            seen[file.port] = index + 1
            final = self._final(part, file.port, index, file.extension)
            files.append(
                FileRecord(file.port, file.temp, final, file.rows, file.bytes, file.digest)
            )
        inline = ""
        if outcome.inline:
            inline = base64.b64encode(pickle.dumps(outcome.inline, protocol=5)).decode()
        return PartRecord(
            part.segment,
            part.name,
            part.fingerprint,
            part.version,
            outcome.source_digest,
            tuple(files),
            tuple(outcome.counts),
            inline,
            outcome.failure,
            part.source_bytes,
            round(outcome.seconds, 3),
        )

    def _final(self, part: Part, port: str, index: int, extension: str) -> str:
        if port == OUT:
            name = output_name(part.name, index, extension)
            if self.paths.mode == "append" and self.generation > 1:
                folder, slash, base = name.rpartition("/")
                name = f"{folder}{slash}g{self.generation:04d}-{base}"
            return name
        stem = (
            part.name
            if port == QUARANTINE and not part.segment
            else f"segment-{part.segment}/{part.name}"
        )
        number = f"-{index:04d}" if index else ""
        return f"{port}/{stem}{number}.{extension}"

    # -- ending -------------------------------------------------------------------------------

    def seal(self, ordered: Sequence[Key]) -> None:
        """Publish the generation as a whole and write its manifest.

        ``ordered`` names all parts of the plan, in order; files of parts that are gone go.
        """
        self.forget(self.vanished(ordered))
        records = [self.state.records[key] for key in ordered if key in self.state.records]
        crash_point("before-seal")
        appending = self.paths.mode == "append"
        earlier = list(self.state.earlier)
        if self.deferred:
            self.store.remove(self.manifest_path)
            crash_point("mid-seal")
            self.publisher.publish([_only(record, out=True) for record in records])
        self._remove_gone(records, earlier, appending)
        kept = self._kept(earlier, records) if appending else []
        manifest = build_manifest(self.pipeline, self.generation, records, kept)
        text = json.dumps(manifest, ensure_ascii=False, indent=1)
        self.store.write(self.manifest_path, text.encode())
        self._noted += [n for n in self.state.unpublished if n not in self._noted]
        self._append({"sealed": self.generation})
        crash_point("after-seal")
        self.store.remove_tree(f"{self.paths.run_dir}/{self.temp_folder}")
        self.output_store.remove_tree(f"{self.publisher.roots.output}/{self.temp_output_folder}")

    def _remove_gone(
        self, records: Sequence[PartRecord], earlier: Sequence[PartRecord], appending: bool
    ) -> None:
        """Remove files of replaced or vanished parts that no current record publishes."""
        current = {(file.port, file.final) for record in records for file in record.files}
        for record in earlier:
            gone = [
                file
                for file in record.files
                if (file.port, file.final) not in current and not (appending and file.port == OUT)
            ]
            self.publisher.remove(gone)

    def _kept(
        self, earlier: Sequence[PartRecord], records: Sequence[PartRecord]
    ) -> list[PartRecord]:
        current = {file.final for record in records for file in record.on_port(OUT)}
        return [r for r in earlier if not current & {f.final for f in r.on_port(OUT)}]

    def counts(self, ordered: Sequence[Key]) -> list[StageCounts]:
        """Counts per stage over the recorded parts of a plan."""
        found = self.state.records
        return total_counts(found[key] for key in ordered if key in found)

    def close(self) -> None:
        """Note what is published and let go of the run."""
        if self.opened and self._noted:
            with suppress(StorageError):  # recovery settles what is not noted
                self._append({})
        if self.beat is not None and self.opened:
            self.beat.stop()


def _only(record: PartRecord, *, out: bool) -> PartRecord:
    return replace(record, files=tuple(f for f in record.files if (f.port == OUT) == out))


def _run_id(store: Store, paths: RunPaths, pipeline: str) -> str:
    """The run's identity, from its create-only ``run.json``."""
    path = f"{paths.run_dir}/run.json"
    facts = {"id": uuid4().hex[:12], "pipeline": pipeline, "shards": 1, "format": 1}
    if store.size(path) is None:
        store.make_folder(paths.run_dir)
        if store.create(path, json.dumps(facts).encode()):
            return str(facts["id"])
    return str(json.loads(store.read(path))["id"])
