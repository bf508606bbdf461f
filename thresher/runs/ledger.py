# SPDX-License-Identifier: Apache-2.0
"""Ledger: one chain of create-only pages per shard; its appends are commits and its fence.

Page *n* exists whole or not at all. A new driver's first act is the next page, which opens its
epoch; an older driver's next append collides with it, and that collision is the fence.
"""

from __future__ import annotations

import json
import secrets
from typing import Any

from thresher.errors import StorageError
from thresher.runs.ledger_state import LedgerState
from thresher.runs.read_back import FROM_BACKUP, read_back
from thresher.storage import Store

SUMMARY_EVERY = 10_000


class Fenced(StorageError):
    """Another driver has opened a newer epoch: this one must publish nothing more."""


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
        state = LedgerState()
        pages: list[tuple[int, dict[str, Any]]] = []
        for number in range(self._last(), 0, -1):
            page = self._read(number)
            pages.append((number, page))
            if "summary" in page:
                break
        for number, page in reversed(pages):
            state.apply(number, page)
        self.state = state
        self._since_summary = sum(len(page.get("records", ())) for _, page in pages)
        return state

    def follow(self) -> LedgerState:
        """Read what others have appended since."""
        while self.is_fenced():
            number = self.state.page + 1
            self.state.apply(number, self._read(number))
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
        text = json.dumps(full, ensure_ascii=False, separators=(",", ":"))
        encoded = text.encode("utf-8", "backslashreplace")  # paths that are no UTF-8
        path = self._path(number)
        # A page of these very bytes is our own: the answer to an earlier try was lost on its way.
        if not self.store.create(path, encoded) and self.store.read(path) != encoded:
            raise Fenced(
                "another driver has taken over this run",
                where=path,
                todo="let it finish; this process has stopped and published nothing more",
            )
        self.state.apply(number, full)
        self._since_summary += len(full.get("records", ()))
        if self._since_summary >= SUMMARY_EVERY:
            self._since_summary = 0
            self.append({"summary": self.state.summary()})
        return number

    def is_fenced(self) -> bool:
        """Whether another driver has appended since this one did."""
        return self.store.size(self._path(self.state.page + 1)) is not None

    def open_epoch(self, driver: dict[str, Any], generation: int) -> int:
        """Take the chain over: create the page that opens the next epoch."""
        epoch = self.state.epoch + 1
        # The nonce tells two drivers of one process apart.
        opened = {**driver, "generation": generation, "nonce": secrets.token_hex(8)}
        self.append({"epoch": epoch, "open": opened})
        return epoch

    def _last(self) -> int:
        """Number of the last page, even if the listing is older than it."""
        listed = (int(name[:8]) for name in self.store.list(self.folder) if _is_page(name))
        last = max(listed, default=0)
        while self.store.size(self._path(last + 1)) is not None:
            last += 1
        return last

    def _read(self, number: int) -> dict[str, Any]:
        path = self._path(number)
        if self.store.size(path) is None:
            raise StorageError("a page is missing from the ledger", where=path, todo=FROM_BACKUP)
        return read_back(self.store, path, "epoch")

    def _path(self, number: int) -> str:
        return f"{self.folder}/{number:08d}.json"


def _is_page(name: str) -> bool:
    return len(name) == 13 and name.endswith(".json") and name[:8].isdigit()
