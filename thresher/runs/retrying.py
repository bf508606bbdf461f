# SPDX-License-Identifier: Apache-2.0
"""Retrying: which parts that failed before are tried again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from thresher.runs.part import PartRecord

FURTHER_ATTEMPTS = 3
"""Runs that try a part again which failed, for one cause and in one environment."""

Which = Literal["failed", "none", "all"]


@dataclass(frozen=True)
class Retrying:
    """The rule by which parts are tried again.

    Parameters
    ----------
    which : str
        ``"failed"`` tries parts again of which something failed, at most 3 times for one cause in
        one environment; ``"all"`` every part with rows in quarantine, however often that was
        tried; ``"none"`` no part.
    environment : callable
        Gives a digest of the environment; called when something has failed.
    fresh : bool
        Whether also parts that the open generation has tried.
    """

    which: Which = "failed"
    environment: Callable[[], str] = lambda: ""
    fresh: bool = True

    def wants(self, record: PartRecord, *, is_fresh: bool) -> bool:
        """Whether a part is to be tried again; ``is_fresh`` if the open generation has tried it."""
        if is_fresh and not self.fresh:
            return False
        if self.which == "all":
            return record.has_failed or record.quarantined > 0
        if self.which == "none" or not record.has_failed:
            return False
        return record.attempts <= FURTHER_ATTEMPTS or record.environment != self.environment()
