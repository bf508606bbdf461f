# SPDX-License-Identifier: Apache-2.0
"""SharedWatch: the laws of a run that several drivers share, after every change of the disk."""

from __future__ import annotations

import json
from typing import Any

from tests.simulation.broken import Broken
from tests.simulation.watch import MANIFEST, OUTPUT, RUN_DIR, Watch
from thresher.runs.final_run import FINAL
from thresher.runs.part import OUT, PartRecord

LEDGERS = f"{RUN_DIR}/ledger/"


class SharedWatch(Watch):
    """Holds every change against all chains.

    - No file reaches the output before its record; while a manifest stands, the output is what it
      lists.
    - Pages never change, and the epochs of a chain only grow.
    - A part is committed to one chain, once for a recipe and source, and never while the chain
      says that its Segment is ended.
    - A generation is sealed once.
    """

    def changed(self, path: str) -> None:
        """A file was added, replaced or removed."""
        if path.startswith(LEDGERS):
            self._shared_page(path)
        elif path == MANIFEST:
            if path in self.disk.files:
                self._manifest_stands()
        elif path.startswith(f"{OUTPUT}/") and "/_thresher/" not in path:
            self._output(path)

    def power_lost(self) -> None:
        """Begin anew with what the disk has kept."""
        self._recorded.clear()
        self._pages.clear()
        self._forget_chains()
        for path in sorted(self.disk.below(LEDGERS.rstrip("/")), key=lambda p: FINAL not in p):
            self._replay_shared(path)
        for path in self.outputs():
            self._is_recorded(path)
        if MANIFEST in self.disk.files:
            self._manifest_stands()

    def _forget_chains(self) -> None:
        self.epochs: dict[str, int] = {}
        self.generations: dict[str, int] = {}
        self.ended: dict[str, int] = {}
        self.owner: dict[str, str] = {}
        self.sealed: list[int] = []

    def _shared_page(self, path: str) -> None:
        if path in self._pages or path not in self.disk.files:
            raise Broken(f"a page of a ledger was changed: {path}")
        page: dict[str, Any] = json.loads(self.disk.files[path].data)
        chain = path.removeprefix(LEDGERS).partition("/")[0]
        if page["epoch"] < self.epochs.get(chain, 0):
            raise Broken(f"{path}: epoch {page['epoch']} after {self.epochs[chain]}")
        if "open" in page and page["open"]["generation"] > len(self.sealed) + 1:
            raise Broken(f"{path}: a generation begins before the last one is sealed")
        segments = [record["segment"] for record in page.get("records", ())]
        if chain != FINAL and min(segments, default=99) < self.ended.get(chain, 0):
            raise Broken(f"{path}: a record of a Segment that is ended")
        self._replay_shared(path)

    def _replay_shared(self, path: str) -> None:
        self._pages.add(path)
        page: dict[str, Any] = json.loads(self.disk.files[path].data)
        chain = path.removeprefix(LEDGERS).partition("/")[0]
        self.epochs[chain] = page["epoch"]
        if "open" in page and self.generations.get(chain) != page["open"]["generation"]:
            self.generations[chain] = page["open"]["generation"]
            self.ended[chain] = 0
        if "done" in page:
            self.ended[chain] = page["done"]
        if "sealed" in page and chain == FINAL:
            if page["sealed"] in self.sealed:
                raise Broken(f"generation {page['sealed']} is sealed twice")
            self.sealed.append(page["sealed"])
        for values in page.get("records", ()):
            record = PartRecord.from_dict(values)
            if chain != FINAL and self.owner.setdefault(record.name, chain) != chain:
                raise Broken(f"part {record.name} is committed by two shards")
            for file in record.on_port(OUT):
                self._recorded.add((f"{OUTPUT}/{file.final}", file.digest))
