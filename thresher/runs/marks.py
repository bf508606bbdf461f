# SPDX-License-Identifier: Apache-2.0
"""Marks: who has come to a barrier, as files that every driver can list.

A mark says what the shard's own chain said before it: ``done``. Marks are what drivers wait for;
whoever publishes reads the chains.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from thresher.runs.beat import identity
from thresher.storage import Store


@dataclass(frozen=True)
class Marks:
    """The marks of one generation, ``done/<generation>/<segment>/<shard>``."""

    store: Store
    run_dir: str
    generation: int
    count: int

    def write(self, segment: int, shard: str) -> None:
        """This shard has ended the Segment."""
        path = self._path(segment, shard)
        if self.store.size(path) is None:
            self.store.create(path, json.dumps(identity()).encode())

    def missing(self, segment: int) -> list[str]:
        """Shards that have not ended the Segment, as the listing has it."""
        there = set(self.store.list(f"{self.run_dir}/done/{self.generation}/{segment}"))
        return [str(index) for index in range(self.count) if str(index) not in there]

    def remove(self, shard: str, segments: int) -> None:
        """Take back all marks of a shard."""
        for segment in range(segments):
            self.store.remove(self._path(segment, shard))

    def _path(self, segment: int, shard: str) -> str:
        return f"{self.run_dir}/done/{self.generation}/{segment}/{shard}"
