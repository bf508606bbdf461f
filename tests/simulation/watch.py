# SPDX-License-Identifier: Apache-2.0
"""Watch: laws that must hold after every single change of the disk."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import xxhash

from tests.simulation.broken import Broken
from tests.simulation.disk import Disk
from thresher.runs.ledger_state import LedgerState
from thresher.runs.part import OUT, SPILL, FileRecord, PartRecord

OUTPUT = "/out"
RUN_DIR = "/out/_thresher/simulated"
LEDGER = f"{RUN_DIR}/ledger/0"
MANIFEST = f"{RUN_DIR}/manifest.json"
QUARANTINED = f"{RUN_DIR}/quarantine"


class Watch:
    """Replays the ledger as it grows, and holds every change of the output against it.

    - No file reaches the output before its record.
    - While a manifest stands, the output is exactly what it lists, and so is the quarantine.
    - A manifest goes only when the generation after it is complete.
    - An attempt at the same work that went worse replaces nothing.
    - No file goes that a current record names; no work that is done and still wanted is done
      again or thrown away.
    """

    def __init__(self, disk: Disk, wanted: Callable[[], set[tuple[int, str, str, str]]]) -> None:
        self.disk = disk
        self.wanted = wanted
        self.state = LedgerState()
        self.commits = 0
        self.lost: set[str] = set()
        self.tries_all = False
        self._sealing = 0
        self._recorded: set[tuple[str, str]] = set()
        self._pages: set[str] = set()

    def changed(self, path: str) -> None:
        """A file was added, replaced or removed."""
        if path not in self.disk.files:
            self._removed(path)
        if path.startswith(LEDGER):
            self._page(path)
        elif path == MANIFEST:
            if path in self.disk.files:
                self._manifest_stands()
        elif path.startswith(f"{OUTPUT}/") and "/_thresher/" not in path:
            self._output(path)
        elif path.startswith(QUARANTINED) and MANIFEST in self.disk.files:
            self._manifest_stands()

    def power_lost(self) -> None:
        """Begin anew with what the disk has kept."""
        self.state = LedgerState()
        self._recorded.clear()
        self._pages.clear()
        for path in self.disk.below(LEDGER):
            self._replay(path)
        for path in self.outputs():
            self._is_recorded(path)
        if MANIFEST in self.disk.files:
            self._manifest_stands()

    def outputs(self) -> list[str]:
        """Published files."""
        return [path for path in self.disk.below(OUTPUT) if "/_thresher/" not in path]

    # -- pages --------------------------------------------------------------------------------

    def _page(self, path: str) -> None:
        if path in self._pages or path not in self.disk.files:
            raise Broken(f"a page of the ledger was changed: {path}")
        page = json.loads(self.disk.files[path].data)
        if page["epoch"] < self.state.epoch:
            raise Broken(f"epoch {page['epoch']} appended after epoch {self.state.epoch}")
        wanted = self.wanted()
        for values in page.get("records", ()):
            self.commits += 1
            self._is_new(PartRecord.from_dict(values), wanted)
        for segment, name in page.get("gone", ()):
            self._is_useless((segment, name), wanted)
        self._replay(path)

    def _replay(self, path: str) -> None:
        self._pages.add(path)
        page: dict[str, Any] = json.loads(self.disk.files[path].data)
        self.state.apply(int(path[-13:-5]), page)
        self._sealing = max(self._sealing, page.get("sealing", 0))
        for values in page.get("records", ()):
            for file in PartRecord.from_dict(values).on_port(OUT):
                self._recorded.add((f"{OUTPUT}/{file.final}", file.digest))

    def _is_new(self, record: PartRecord, wanted: set[tuple[int, str, str, str]]) -> None:
        known = self.state.records.get(record.key)
        if known is None:
            return
        same = known.fingerprint == record.fingerprint and known.version == record.version
        if same and self._whole(known) and _failed(known) < _failed(record):
            raise Broken(f"less of part {record.key} went well than before")
        wanted_again = record.has_failed or known.has_failed or self.tries_all
        if same and not wanted_again and self._whole(known):
            raise Broken(f"part {record.key} is committed twice")

    def _is_useless(self, key: tuple[int, str], wanted: set[tuple[int, str, str, str]]) -> None:
        known = self.state.records.get(key)
        if known is None:
            return
        facts = (*key, known.fingerprint, known.version)
        if facts in wanted and self._whole(known):
            raise Broken(f"finished work of part {key} is thrown away")

    def _whole(self, record: PartRecord) -> bool:
        return all(self._is_somewhere(file) for file in record.files)

    def _is_somewhere(self, file: FileRecord) -> bool:
        """Whether its bytes are there; power may bring the temporary of a removed file back."""
        places = self._places(file)
        if self.lost.intersection(places):
            return False
        return any(self._digest(place) == file.digest for place in places)

    @staticmethod
    def _places(file: FileRecord) -> tuple[str, str]:
        root = OUTPUT if file.port == OUT else RUN_DIR
        return f"{root}/{file.temp}", f"{root}/{file.final}"

    def _removed(self, path: str) -> None:
        """What a record still names must not go, nor a manifest before its generation does."""
        if path == MANIFEST and self._sealing <= self.state.sealed > 0:
            raise Broken("the manifest went before the next generation was complete")
        for record in self.state.records.values():
            for file in record.files:
                places = self._places(file)
                known_lost = self.lost.intersection(places)
                if path in places and not known_lost and not self._is_somewhere(file):
                    raise Broken(f"{path} is gone, which the record of {record.key} names")

    # -- output -------------------------------------------------------------------------------

    def _output(self, path: str) -> None:
        if path in self.disk.files:
            self._is_recorded(path)
            self.lost.discard(path)
        if MANIFEST in self.disk.files:
            self._manifest_stands()

    def _is_recorded(self, path: str) -> None:
        if (path, self._digest(path)) not in self._recorded:
            raise Broken(f"{path} is in the output and in no record")

    def _manifest_stands(self) -> None:
        manifest = json.loads(self.disk.files[MANIFEST].data)
        listed = {f"{OUTPUT}/{file['path']}": file["xxh3_128"] for file in manifest["files"]}
        for path, digest in listed.items():
            if path not in self.lost and self._digest(path) != digest:
                raise Broken(f"the manifest lists {path}, which is not there or not the same")
        for path in self.outputs():
            if path not in listed:
                raise Broken(f"{path} is in the output and not in the manifest")
        aside = {f"{RUN_DIR}/{file['path']}": file["rows"] for file in manifest["quarantine"]}
        there = {path: self._rows_aside(path) for path in self.disk.below(QUARANTINED)}
        if there != aside:
            raise Broken(f"in quarantine are {there}, and the manifest lists {aside}")

    def _rows_aside(self, path: str) -> int:
        lines = self.disk.files[path].data.splitlines()
        return sum(json.loads(e).get("rows", 1) if e.startswith(b"{") else 1 for e in lines)

    def _digest(self, path: str) -> str | None:
        inode = self.disk.files.get(path)
        return None if inode is None else xxhash.xxh3_128_hexdigest(inode.data)


def _failed(record: PartRecord) -> tuple[int, int]:
    """How badly a part went: rows that failed, then rows that came of it."""
    rows = sum(file.rows for file in record.files if file.port in (OUT, SPILL))
    return record.failed_rows, -rows
