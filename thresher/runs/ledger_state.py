# SPDX-License-Identifier: Apache-2.0
"""LedgerState: what replaying a chain of pages gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from thresher.runs.part import Key, PartRecord


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
    done : int
        Segments of the open generation that a driver has ended, where several share a run.
    prepared : dict | None
        What was found when the writer's mode was applied; None before that.
    records : dict
        The newest record of every part, by (segment, name).
    fresh : set
        Keys of the records that no sealed generation contains yet.
    unpublished : dict[int, list]
        Keys of the records of each page whose publication is not noted.
    unnoted : dict[Key, int]
        The page of each of ``records`` whose publication is not noted.
    stale : list[PartRecord]
        Records of the open generation that were replaced or forgotten; some of their files may
        have been published.
    unsettled : list[PartRecord]
        As ``stale``, but nobody has noted that their files are published: what is in the place of
        one may be a file of others.
    former : list[PartRecord]
        Records of sealed generations that the open one has replaced or forgotten.
    kept : list[PartRecord]
        Records of another recipe or source, whose output stays for good (mode ``append``).
    """

    page: int = 0
    epoch: int = 0
    generation: int = 0
    sealed: int = 0
    done: int = 0
    prepared: dict[str, Any] | None = None
    records: dict[Key, PartRecord] = field(default_factory=dict)
    fresh: set[Key] = field(default_factory=set)
    unpublished: dict[int, list[Key]] = field(default_factory=dict)
    unnoted: dict[Key, int] = field(default_factory=dict)
    stale: list[PartRecord] = field(default_factory=list)
    unsettled: list[PartRecord] = field(default_factory=list)
    former: list[PartRecord] = field(default_factory=list)
    kept: list[PartRecord] = field(default_factory=list)

    def apply(self, number: int, page: dict[str, Any]) -> None:
        """Replay one page."""
        self.page = number
        self.epoch = max(self.epoch, int(page["epoch"]))
        if "summary" in page:
            self._restore(page["summary"])
        if "open" in page:
            self._begin(int(page["open"].get("generation", self.generation)))
        if "done" in page:
            self.done = int(page["done"])
        if "prepared" in page:
            self.prepared = page["prepared"]
        for published in page.get("published", ()):
            self._note(int(published))
        for values in page.get("records", ()):
            record = PartRecord.from_dict(values)
            self._forget(record.key)
            self.records[record.key] = record
            self.fresh.add(record.key)
            self.unpublished.setdefault(number, []).append(record.key)
            self.unnoted[record.key] = number
        for segment, name in page.get("gone", ()):
            self._forget((int(segment), name))
        if "sealed" in page:
            self._seal(int(page["sealed"]), keep=bool(page.get("keep")))

    def summary(self) -> dict[str, Any]:
        """Everything that replaying from the start would give, for a summary page."""
        return {
            "generation": self.generation,
            "sealed": self.sealed,
            "prepared": self.prepared,
            **({"done": self.done} if self.done else {}),
            "records": _to_dicts(list(self.records.values())),
            "fresh": sorted(map(list, self.fresh)),
            "unpublished": {
                str(n): [list(k) for k in keys] for n, keys in self.unpublished.items()
            },
            "stale": _to_dicts(self.stale),
            "unsettled": _to_dicts(self.unsettled),
            "former": _to_dicts(self.former),
            "kept": _to_dicts(self.kept),
        }

    def staying(self) -> list[PartRecord]:
        """Former records whose output is no other attempt's at what is recorded now.

        Of these mode ``append`` keeps the output beside the new one.
        """
        return [
            record
            for record in self.former
            if (now := self.records.get(record.key)) is None or not record.is_same_work(now)
        ]

    def _begin(self, generation: int) -> None:
        if generation != self.generation:
            self.done = 0
        self.generation = generation

    def _note(self, number: int) -> None:
        for key in self.unpublished.pop(number, ()):
            if self.unnoted.get(key) == number:
                del self.unnoted[key]

    def _forget(self, key: Key) -> None:
        record = self.records.pop(key, None)
        if record is None:
            return
        noted = self.unnoted.pop(key, None) is None
        fresh = self.stale if noted else self.unsettled
        (fresh if key in self.fresh else self.former).append(record)
        self.fresh.discard(key)

    def _seal(self, generation: int, *, keep: bool) -> None:
        self.sealed = generation
        if keep:
            self.kept += self.staying()
        self.stale, self.unsettled, self.former = [], [], []
        self.fresh.clear()

    def _restore(self, summary: dict[str, Any]) -> None:
        self.generation = int(summary["generation"])
        self.sealed = int(summary["sealed"])
        self.prepared = summary["prepared"]
        self.done = int(summary.get("done", 0))
        self.records = {record.key: record for record in _from_dicts(summary["records"])}
        self.fresh = {(int(segment), name) for segment, name in summary["fresh"]}
        self.unpublished = {
            int(number): [(int(segment), name) for segment, name in keys]
            for number, keys in summary["unpublished"].items()
        }
        self.unnoted = {
            key: number
            for number, keys in sorted(self.unpublished.items())
            for key in keys
            if key in self.fresh
        }
        self.stale = _from_dicts(summary["stale"])
        self.unsettled = _from_dicts(summary.get("unsettled", ()))
        self.former = _from_dicts(summary["former"])
        self.kept = _from_dicts(summary["kept"])


def _to_dicts(records: Sequence[PartRecord]) -> list[dict[str, Any]]:
    return [record.to_dict() for record in records]


def _from_dicts(values: Sequence[dict[str, Any]]) -> list[PartRecord]:
    return [PartRecord.from_dict(value) for value in values]
