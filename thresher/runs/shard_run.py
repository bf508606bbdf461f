# SPDX-License-Identifier: Apache-2.0
"""ShardRun: one of several drivers' hold on its own chain.

It commits and publishes its own parts as a single driver does. The writer's mode, the manifest and
the end of a generation are not its business: those are the final chain's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from thresher.runs.ledger_state import LedgerState
from thresher.runs.part import OUT, QUARANTINE, Key, PartRecord
from thresher.runs.run import Run


@dataclass
class ShardRun(Run):
    """A share of a run.

    Parameters
    ----------
    agreed : int
        The generation that all drivers work on.
    final : LedgerState
        What the final chain holds: what was found in the output, and records of files that were
        written again.
    published : int
        The last generation that is known to be published.
    """

    agreed: int = 1
    final: LedgerState = field(default_factory=LedgerState)
    published: int = 0

    @property
    def done(self) -> int:
        """Segments of this generation that were ended."""
        return self.state.done if self.state.generation == self.agreed else 0

    @property
    def is_sealed(self) -> bool:
        """Whether all that the chain holds is published; then no temporary is of any use."""
        return self.published > 0 and self.state.generation <= self.published

    @property
    def found_before(self) -> dict[str, Any]:
        """What was in the output when the writer's mode was applied."""
        return self.final.prepared or {}

    def _published(self, record: PartRecord) -> PartRecord:
        """The record of the final chain, if it has written the part's files again."""
        known = self.final.records.get(record.key)
        return known if known is not None and known.is_rewriting_of(record) else record

    def _ours(self) -> set[str]:
        roots = self.publisher.roots
        published = {roots.final(f) for r in self.final.records.values() for f in r.files}
        return super()._ours() | published

    def end_segment(self, number: int, known: Sequence[Key] | None = None) -> None:
        """Note that everything up to and including Segment ``number`` is committed.

        From here on the chain holds no new record of it: whoever publishes may rely on that.
        ``known`` names all parts of the share, where this is the last Segment.
        """
        if known is not None:
            self.forget(self.vanished(known))
        if self.deferred:
            self._sync_waiting()
        self._append({"done": number + 1})

    def note_published(self, generation: int) -> None:
        """Note that whoever started this driver is told that a generation is published."""
        if self.state.sealed >= generation:
            return
        if self.opened:
            self._append({"sealed": generation, "published": sorted(self.state.unpublished)})
        else:
            self.agreed = generation + 1
            self.begin()

    def reopen(self) -> None:
        """Take back that Segments are ended; only for who holds the final chain."""
        self._append({"done": 0})

    def _next_generation(self) -> tuple[int, bool]:
        return self.agreed, self.agreed > 1

    def _prepare(self) -> None:
        """Note that the generation before is published: the final chain has it."""
        if self.state.sealed < self.agreed - 1:
            published = sorted(self.state.unpublished)
            self._append({"sealed": self.agreed - 1, "published": published})

    def _retire_manifest(self) -> None:
        """Leave it: it is the final chain's."""

    def _sync_waiting(self) -> None:
        """Make temporaries that wait for publication durable, with their folders."""
        fresh = [self.state.records[key] for key in self.state.fresh]
        for port in (OUT, QUARANTINE):
            temps = {self.publisher.roots.temp(f) for record in fresh for f in record.on_port(port)}
            store = self.publisher.store(port)
            # A driver that was ended while it published has moved some of them already.
            folders = {temp.rpartition("/")[0] for temp in temps if store.size(temp) is not None}
            for folder in sorted(folders | {folder.rpartition("/")[0] for folder in folders}):
                store.sync_folder(folder)
