# SPDX-License-Identifier: Apache-2.0
"""ShardRun: one of several drivers' hold on its own chain.

It commits and publishes its own parts as a single driver does. The writer's mode, the manifest and
the end of a generation are not its business: those are the final chain's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from thresher.runs.part import OUT, Key
from thresher.runs.run import Run


@dataclass
class ShardRun(Run):
    """A share of a run.

    Parameters
    ----------
    agreed : int
        The generation that all drivers work on.
    found : dict
        What the final chain says was found in the output.
    published : int
        The last generation that is known to be published.
    """

    agreed: int = 1
    found: dict[str, Any] = field(default_factory=dict)
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
        return self.found

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
        temps = {self.publisher.roots.temp(f) for record in fresh for f in record.on_port(OUT)}
        folders = {temp.rpartition("/")[0] for temp in temps}
        store = self.publisher.store(OUT)
        for folder in sorted(folders | {folder.rpartition("/")[0] for folder in folders}):
            store.sync_folder(folder)
