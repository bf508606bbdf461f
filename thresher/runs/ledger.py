# SPDX-License-Identifier: Apache-2.0
"""Ledger: one chain of create-only pages per shard; its appends are commits and its fence.

Page *n* exists whole or not at all. A new driver's first act is the next page, which opens its
epoch; an older driver's next append collides with it, and that collision is the fence.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from thresher.errors import StorageError
from thresher.runs.part import PartRecord
from thresher.storage import Store

SUMMARY_EVERY = 10_000


class Fenced(StorageError):
    """Another driver has opened a newer epoch: this one must publish nothing more."""


@dataclass
class LedgerState:
    """What replaying a chain gives.

    Parameters
    ----------
    page : int
        Number of the last page; 0 for an empty chain.
    epoch : int
        The last epoch opened.
    generation, sealed : int
        The last generation begun, and the last one published with its manifest.
    records : dict
        The newest record of every part, by (segment, name).
    unpublished : dict[int, list]
        Keys of the records of each page whose publication is not noted.
    earlier : list[PartRecord]
        Records that newer ones replaced and whose files may still be there.
    """

    page: int = 0
    epoch: int = 0
    generation: int = 0
    sealed: int = 0
    records: dict[tuple[int, str], PartRecord] = field(default_factory=dict)
    unpublished: dict[int, list[tuple[int, str]]] = field(default_factory=dict)
    earlier: list[PartRecord] = field(default_factory=list)
    driver: dict[str, Any] = field(default_factory=dict)

    def apply(self, number: int, page: dict[str, Any]) -> None:
        """Replay one page."""
        self.page = number
        self.epoch = max(self.epoch, int(page["epoch"]))
        if page.get("summary"):
            self._restore(page["summary"])
        if "open" in page:
            self.driver = page["open"]
            self.generation = int(page["open"].get("generation", self.generation))
        for values in page.get("records", ()):
            record = PartRecord.from_dict(values)
            if record.key in self.records:
                self.earlier.append(self.records[record.key])
            self.records[record.key] = record
            self.unpublished.setdefault(number, []).append(record.key)
        for published in page.get("published", ()):
            self.unpublished.pop(int(published), None)
        for segment, name in page.get("gone", ()):
            gone = self.records.pop((int(segment), name), None)
            if gone is not None:
                self.earlier.append(gone)
        if "sealed" in page:
            self.sealed = int(page["sealed"])
            self.earlier.clear()

    def summary(self) -> dict[str, Any]:
        """Everything replaying from the start would give, for a summary page."""
        return {
            "generation": self.generation,
            "sealed": self.sealed,
            "records": [record.to_dict() for record in self.records.values()],
            "earlier": [record.to_dict() for record in self.earlier],
            "unpublished": {
                str(n): [list(k) for k in keys] for n, keys in self.unpublished.items()
            },
        }

    def _restore(self, summary: dict[str, Any]) -> None:
        self.generation = int(summary["generation"])
        self.sealed = int(summary["sealed"])
        records = [PartRecord.from_dict(values) for values in summary["records"]]
        self.records = {record.key: record for record in records}
        self.earlier = [PartRecord.from_dict(values) for values in summary["earlier"]]
        self.unpublished = {
            int(number): [(int(segment), name) for segment, name in keys]
            for number, keys in summary["unpublished"].items()
        }


class Ledger:
    """The chain of one shard.

    Parameters
    ----------
    store : Store
    folder : str
        The shard's folder, ``<run_dir>/ledger/<shard>``.
    """

    def __init__(self, store: Store, folder: str) -> None:
        self.store = store
        self.folder = folder
        self.state = LedgerState()
        self._since_summary = 0

    def load(self) -> LedgerState:
        """Read the chain from its last summary on; bypasses caches."""
        numbers = sorted(int(name[:8]) for name in self.store.list(self.folder) if _is_page(name))
        if numbers and numbers != list(range(numbers[0], numbers[0] + len(numbers))):
            raise StorageError(
                "pages are missing from the ledger",
                where=self.folder,
                todo="restore the folder from a backup, or start afresh with --fresh",
            )
        self.state = LedgerState()
        pages: list[tuple[int, dict[str, Any]]] = []
        for number in reversed(numbers):
            page = json.loads(self.store.read(self._path(number)))
            pages.append((number, page))
            if page.get("summary"):
                break
        for number, page in reversed(pages):
            self.state.apply(number, page)
        return self.state

    def append(self, page: dict[str, Any]) -> int:
        """Create the next page; returns its number.

        Raises
        ------
        Fenced
            If another driver has created that page: it has taken over.
        """
        number = self.state.page + 1
        full = {"epoch": self.state.epoch, **page}
        encoded = json.dumps(full, ensure_ascii=False, separators=(",", ":")).encode()
        if not self.store.create(self._path(number), encoded):
            raise Fenced(
                "another driver has taken over this run",
                where=self._path(number),
                todo="let it finish; this process has stopped and published nothing more",
            )
        self.state.apply(number, full)
        self._since_summary += len(full.get("records", ()))
        if self._since_summary >= SUMMARY_EVERY:
            self._since_summary = 0
            self.append({"summary": self.state.summary()})
        return number

    def open_epoch(self, driver: dict[str, Any], generation: int) -> int:
        """Take the chain over: create the page that opens the next epoch."""
        epoch = self.state.epoch + 1
        self.append({"epoch": epoch, "open": {**driver, "generation": generation}})
        return epoch

    def commit(self, records: Iterable[PartRecord]) -> int:
        """Append part records: their commit point."""
        return self.append({"records": [record.to_dict() for record in records]})

    def _path(self, number: int) -> str:
        return f"{self.folder}/{number:08d}.json"


def _is_page(name: str) -> bool:
    return len(name) == 13 and name.endswith(".json") and name[:8].isdigit()
