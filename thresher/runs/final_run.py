# SPDX-License-Identifier: Apache-2.0
"""FinalRun: the chain under which a run of several drivers is prepared and published.

Its records are those of all shards, copied when the last shard has ended its last Segment. From
there on publication is a single driver's: the same pages, the same manifest, the same fence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from thresher.runs.fence import Fence
from thresher.runs.ledger import Fenced
from thresher.runs.ledger_state import LedgerState
from thresher.runs.part import PartRecord
from thresher.runs.run import Run

FINAL = "final"
RECORDS_PER_PAGE = 1_000


@dataclass
class FinalRun(Run):
    """The hold on the final chain. Whoever has it is alone in publishing."""

    _shards: list[tuple[Fence, LedgerState]] = field(default_factory=list)

    @property
    def is_sealed(self) -> bool:
        """Whether the last generation is published whole and its manifest is there.

        Who comes too late to publish opens the chain for a generation that nobody needs.
        """
        published = self.state.sealed > 0 and not self.state.fresh
        return published and self.store.size(self.manifest_path) is not None

    def check_held(self) -> None:
        """Raise an error if another driver has taken the chain over meanwhile.

        Raises
        ------
        Fenced
        """
        if self.ledger.is_fenced():
            raise Fenced(
                "another driver has taken over the publication of this run",
                where=self.ledger.folder,
                todo="let it finish",
            )

    def absorb(self, states: Sequence[LedgerState]) -> None:
        """Record what the shards, in order, have recorded."""
        self._shards = [(self._fence_of(str(i)), state) for i, state in enumerate(states)]
        for state in states:
            records = self._unknown(state)
            for start in range(0, len(records), RECORDS_PER_PAGE):
                page = records[start : start + RECORDS_PER_PAGE]
                number = self._append({"records": [record.to_dict() for record in page]})
                if not self.deferred:
                    self._noted.append(number)  # each shard publishes before it is done

    def _unknown(self, state: LedgerState) -> list[PartRecord]:
        """Records this chain does not have; those replaced in this generation come first.

        Of the replaced ones files may have been published, which go at the end.
        """
        own = self.state
        there = [*own.stale, *own.unsettled]
        replaced = [r for r in (*state.stale, *state.unsettled) if r not in there]
        again = {record.key for record in replaced}
        current = [
            known
            for key, record in state.records.items()
            if own.records.get(key) != (known := _as_known(record, own.records.get(key)))
            or key in again
        ]
        return [*replaced, *current]

    def _sweep(self, below: int) -> None:
        super()._sweep(below)
        for fence, state in self._shards:
            files = (file for record in state.records.values() for file in record.files)
            fence.sweep(files, below=state.epoch + 1)

    def _sweep_all(self) -> None:
        super()._sweep_all()
        for fence, state in self._shards:
            fence.sweep((), below=state.epoch + 1)


def _as_known(record: PartRecord, own: PartRecord | None) -> PartRecord:
    """The record of a shard, with the files that this chain has made of its files."""
    if own is None or not own.is_rewriting_of(record):
        return record
    return replace(record, files=own.files, written_before=own.written_before)
