# SPDX-License-Identifier: Apache-2.0
"""Fence: how a driver that was paused is kept from what a newer one has published.

The ledger stops it from recording anything; the fence stops it from changing files. Whatever a
driver takes away it moves into a folder of its own, and its manifest comes from there. It makes
that folder before it opens its epoch, and the next driver's first act is to remove it: from then
on such moves fail. Temporaries that no record names any more are removed before others are
published under their names.

Object stores move nothing. There the ledger is looked at before every removal, and what is left is
a driver that sleeps between these two requests for longer than its beat lives.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from thresher.errors import StorageError
from thresher.runs.part import OUT, FileRecord
from thresher.runs.publish import Roots
from thresher.storage import Store


@dataclass
class Fence:
    """The folders for temporaries of one shard, epoch by epoch, and this driver's own in them.

    Parameters
    ----------
    stores : tuple[Store, Store]
        Of the run directory and of the output.
    run_folder, output_folder : str
        Folders for temporaries, relative to the roots, without the epoch.
    is_fenced : callable
        Whether the ledger says that a newer driver is at work.
    """

    stores: tuple[Store, Store]
    roots: Roots
    run_folder: str
    output_folder: str
    is_fenced: Callable[[], bool]
    own: str = field(default_factory=lambda: f"driver-{secrets.token_hex(8)}")
    epoch: int = 0

    def build(self, epoch: int) -> None:
        """Make this driver's own folders, before it opens ``epoch``."""
        self.epoch = epoch
        for store, parent in self._places():
            store.make_folder(f"{parent}/{epoch}/{self.own}")

    def retire(self, port: str, path: str) -> None:
        """Take a file away; fails once a newer driver has swept."""
        run_place, output_place = self._places()
        store, parent = output_place if port == OUT else run_place
        if not store.is_local and self.is_fenced():
            raise StorageError(
                "cannot remove: another driver has taken over this run",
                where=path,
                todo="let the other driver finish; this one has stopped",
            )
        store.retire(path, f"{parent}/{self.epoch}/{self.own}")

    def stage(self, name: str, data: bytes) -> str:
        """Write a file that is to be moved to its place once an append has proven the epoch."""
        store, parent = self._places()[0]
        path = f"{parent}/{self.epoch}/{self.own}/{name}"
        store.write(path, data)
        return path

    def sweep(self, named: Iterable[FileRecord], below: int) -> None:
        """Remove everything in epochs ``below`` but the temporaries that records name."""
        wanted = {self.roots.temp(file).rpartition("/")[0] for file in named}
        for store, parent in self._places():
            for epoch in store.list(parent):
                if not epoch.isdigit() or int(epoch) >= below:
                    continue
                folder = f"{parent}/{epoch}"
                attempts = [f"{folder}/{name}" for name in store.list(folder)]
                gone = [attempt for attempt in attempts if attempt not in wanted]
                # Drivers' own folders first: they are what a paused driver may still use.
                for attempt in sorted(gone, key=lambda path: "/driver-" not in path):
                    store.remove_tree(attempt)
                if len(gone) == len(attempts):
                    store.remove_tree(folder)

    def _places(self) -> tuple[tuple[Store, str], tuple[Store, str]]:
        run_store, output_store = self.stores
        return (
            (run_store, f"{self.roots.run_dir}/{self.run_folder}"),
            (output_store, f"{self.roots.output}/{self.output_folder}"),
        )
