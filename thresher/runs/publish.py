# SPDX-License-Identifier: Apache-2.0
"""Publishing: moving what a record names from its temporaries to its final names."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from thresher.errors import DataError, StorageError
from thresher.runs.part import OUT, FileRecord, PartRecord
from thresher.storage import Store


@dataclass(frozen=True)
class Roots:
    """Where ports live: ``out`` below the output, every other port below the run directory."""

    output: str
    run_dir: str

    def of(self, port: str) -> str:
        """The root of a port."""
        return self.output if port == OUT else self.run_dir

    def final(self, file: FileRecord) -> str:
        """Full path of a published file."""
        return f"{self.of(file.port)}/{file.final}"

    def temp(self, file: FileRecord) -> str:
        """Full path of a file before it is published."""
        return f"{self.of(file.port)}/{file.temp}"


def foreign_file(path: str, owner: str = "") -> StorageError:
    """The error for a file in the output's place that this run has not written."""
    by = f"was written by the pipeline {owner!r}" if owner else "was not written by this pipeline"
    return StorageError(
        f"there is a file already, and it {by}",
        where=path,
        todo="move it away, or write to another folder; nothing is overwritten",
    )


MayReplace = Callable[[FileRecord], bool]
"""Whether a file may take the place of the one that is there: an older one of ours."""


@dataclass(frozen=True)
class RunPaths:
    """Where a run writes: the ``output`` of its writer ("" without one) and its own folder.

    ``extension`` is that of the writer's files; ``companions`` are those of the files beside them.
    """

    output: str
    run_dir: str
    mode: str = "ignore"
    extension: str = ""
    companions: tuple[str, ...] = ()


class Publisher:
    """Publishes recorded files, and settles records whose publication is not noted."""

    def __init__(self, output_store: Store, run_store: Store, roots: Roots) -> None:
        self.roots = roots
        self._output_store = output_store
        self._run_store = run_store

    def store(self, port: str) -> Store:
        """The store a port lives on."""
        return self._output_store if port == OUT else self._run_store

    def publish(self, records: Iterable[PartRecord], may_replace: MayReplace) -> None:
        """Move every file of the records to its final name, then sync the folders."""
        published = []
        for record in records:
            for file in record.files:
                self._publish_file(file, record, may_replace)
                published.append(file)
        self.sync(published)

    def settle(self, record: PartRecord, may_replace: MayReplace) -> bool:
        """Publish what an unnoted record left behind; False if a file is lost for good.

        A file is settled if its temporary holds the recorded digest, or its final path does.
        """
        waiting = []
        for file in record.files:
            if self.holds(self.roots.temp(file), file):
                waiting.append(file)
            elif not self.holds(self.roots.final(file), file):
                return False
        for file in waiting:
            self._publish_file(file, record, may_replace)
        self.sync(record.files)  # the last driver may have had no time to do so
        return True

    def is_there(self, record: PartRecord) -> bool:
        """Whether every published file of the record is there with its recorded size."""
        return all(
            self.store(file.port).size(self.roots.final(file)) == file.bytes
            for file in record.files
        )

    def is_waiting(self, record: PartRecord) -> bool:
        """Whether every file of the record is still a whole temporary, or published already.

        The temporary is looked for first: the driver before may be publishing it right now.
        """
        return all(
            self.holds(self.roots.temp(file), file) or self.holds(self.roots.final(file), file)
            for file in record.files
        )

    def place_of(self, file: FileRecord) -> str:
        """Where the bytes of a recorded file are: a temporary until it is published."""
        temp = self.roots.temp(file)
        return temp if self.store(file.port).size(temp) == file.bytes else self.roots.final(file)

    def sync(self, files: Iterable[FileRecord]) -> None:
        """Make what happened to final paths durable."""
        folders = {(file.port, self.roots.final(file).rpartition("/")[0]) for file in files}
        for port, folder in sorted(folders):
            self.store(port).sync_folder(folder)

    def _publish_file(self, file: FileRecord, record: PartRecord, may_replace: MayReplace) -> None:
        store, temp, final = self.store(file.port), self.roots.temp(file), self.roots.final(file)
        size = store.size(temp)
        if size is None and self.holds(final, file):
            return
        if size != file.bytes:
            raise DataError(
                f"a temporary has {'no' if size is None else size} bytes "
                f"where {file.bytes} were recorded",
                where=f"part {record.name!r}, {temp}",
                todo="something else writes below this folder; run again to make the part anew",
            )
        try:
            if store.publish(temp, final):
                return
            if self.holds(final, file):  # a driver was ended between link and removal
                store.remove(temp)
                return
            if not may_replace(file):
                raise foreign_file(final)
            store.replace(temp, final)
        except StorageError:
            if store.size(temp) is not None or not self.holds(final, file):
                raise  # otherwise the driver before has just published it

    def holds(self, path: str, file: FileRecord) -> bool:
        """Whether a path has the bytes of a recorded file."""
        store = self.store(file.port)
        if store.size(path) != file.bytes:
            return False
        try:
            return store.digest(path) == file.digest
        except StorageError:
            if store.size(path) is None:
                return False  # it has just been moved away
            raise
