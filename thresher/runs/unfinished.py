# SPDX-License-Identifier: Apache-2.0
"""Which drivers of a run have to be started again, as its run directory tells it."""

from __future__ import annotations

from thresher.errors import PlanError
from thresher.runs.final_run import FINAL
from thresher.runs.ledger import Ledger
from thresher.runs.marks import Marks
from thresher.runs.read_back import read_back
from thresher.runs.run import SHARD
from thresher.storage import absolute, store_for


def unfinished_shards(run_dir: str) -> tuple[list[int], int]:
    """The shards that have not ended the last Segment, and how many shards there are.

    Where all have, and nobody has published, it is shard 0; none when everything is published.

    Raises
    ------
    PlanError
        If nothing was run there.
    """
    folder = absolute(run_dir).rstrip("/")
    store = store_for(folder)
    if store.size(f"{folder}/run.json") is None:
        raise PlanError(
            "there is no run here: run.json is missing",
            where=folder,
            todo="give the run's folder, <output>/_thresher/<pipeline name> unless told otherwise",
        )
    count = int(read_back(store, f"{folder}/run.json").get("shards", 1))
    state = Ledger(store, f"{folder}/ledger/{FINAL if count > 1 else SHARD}").load()
    if count == 1:
        return ([] if 0 < state.sealed == state.generation else [0]), count
    generation = state.sealed + 1
    plan = f"{folder}/plans/{generation}.json"
    if store.size(plan) is None:  # not begun: what was begun before it is published
        return ([] if state.sealed else list(range(count))), count
    segments = len(read_back(store, plan, "fingerprints")["fingerprints"])
    missing = Marks(store, folder, generation, count).missing(segments - 1)
    return [int(shard) for shard in missing] or [0], count
