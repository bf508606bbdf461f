# SPDX-License-Identifier: Apache-2.0
"""Publishing: moving what a record names from its temporaries to its final names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from thresher.errors import DataError
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


class Publisher:
    """Publishes recorded files, and settles records whose publication is not noted.

    Parameters
    ----------
    stores : dict[str, Store]
        The store of each root, ``output`` and ``run_dir``, by path.
    """

    def __init__(self, output_store: Store, run_store: Store, roots: Roots) -> None:
        self.roots = roots
        self._stores = {OUT: output_store}
        self._run_store = run_store

    def store(self, port: str) -> Store:
        """The store a port lives on."""
        return self._stores.get(port, self._run_store)

    def publish(self, records: Iterable[PartRecord]) -> None:
        """Move every file of the records to its final name, then sync the folders."""
        folders: set[tuple[str, str]] = set()
        for record in records:
            for file in record.files:
                self._publish_file(file, record)
                folders.add((file.port, self.roots.final(file).rpartition("/")[0]))
        for port, folder in sorted(folders):
            self.store(port).sync_folder(folder)

    def settle(self, record: PartRecord) -> bool:
        """Publish what an unnoted record left behind; False if a file is lost for good.

        A file is settled if its final path holds the recorded digest, or its temporary does.
        """
        pending = []
        for file in record.files:
            store = self.store(file.port)
            if self._holds(store, self.roots.final(file), file):
                continue
            if not self._holds(store, self.roots.temp(file), file):
                return False
            pending.append(file)
        for file in pending:
            self._publish_file(file, record)
        return True

    def is_there(self, record: PartRecord) -> bool:
        """Whether every published file of the record is there with its recorded size."""
        return all(
            self.store(file.port).size(self.roots.final(file)) == file.bytes
            for file in record.files
        )

    def is_waiting(self, record: PartRecord) -> bool:
        """Whether every file of the record is still a whole temporary, or published already."""
        return all(
            self._holds(self.store(file.port), self.roots.temp(file), file)
            or self._holds(self.store(file.port), self.roots.final(file), file)
            for file in record.files
        )

    def remove(self, files: Iterable[FileRecord]) -> None:
        """Remove published files."""
        for file in files:
            self.store(file.port).remove(self.roots.final(file))

    def _publish_file(self, file: FileRecord, record: PartRecord) -> None:
        store = self.store(file.port)
        temp = self.roots.temp(file)
        size = store.size(temp)
        if size is None and self._holds(store, self.roots.final(file), file):
            return
        if size != file.bytes:
            raise DataError(
                f"a temporary has {size} bytes where {file.bytes} were recorded",
                where=f"part {record.name!r}, {temp}",
                todo="something else writes below this folder; run again to make the part anew",
            )
        store.replace(temp, self.roots.final(file))

    @staticmethod
    def _holds(store: Store, path: str, file: FileRecord) -> bool:
        return store.size(path) == file.bytes and store.digest(path) == file.digest
