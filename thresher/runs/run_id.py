# SPDX-License-Identifier: Apache-2.0
"""The run's identity, and how many drivers share it: its create-only ``run.json``.

It is the first file of a run: a folder that has it is a run's own, and all others may hold files of
somebody else.
"""

from __future__ import annotations

import json
from uuid import uuid4

from thresher.errors import PlanError, StorageError
from thresher.runs.read_back import read_back
from thresher.storage import Store

NAMES = ("_tmp", "beat", "command.json", "done", "ledger", "manifest.json", "plans", "quarantine",
         "spill")  # fmt: skip
"""What a run makes in its folder besides ``run.json``."""

_ELSEWHERE = "give the run another folder (run_dir=, --run-dir), or move it away"


def run_id_of(store: Store, run_dir: str, pipeline: str, shards: int = 1) -> str:
    """The identity; made by whoever comes first.

    Raises
    ------
    PlanError
        If the run was begun for another number of drivers.
    StorageError
        If the folder holds something of others that has the name of a file of a run.
    """
    path = f"{run_dir}/run.json"
    facts = {"id": uuid4().hex[:12], "pipeline": pipeline, "shards": shards, "format": 1}
    if store.size(path) is None:
        _refuse_foreign(store, run_dir, path)
        store.make_folder(run_dir, is_private=True)  # what is in quarantine may be personal
        if store.create(path, json.dumps(facts).encode()):
            return str(facts["id"])
    todo = f"restore it from a backup; if it is none of Thresher's: {_ELSEWHERE}"
    known = read_back(store, path, "id", "pipeline", todo=todo)
    if known["pipeline"] != pipeline:
        raise PlanError(
            f"this folder keeps the records of the pipeline {known['pipeline']!r}, not of "
            f"{pipeline!r}",
            where=path,
            todo="give this pipeline a run directory of its own (run_dir=, --run-dir)",
        )
    there = int(known.get("shards", 1))
    if there != shards:
        raise PlanError(
            f"this run was begun for {_drivers(there)}, not for {_drivers(shards)}",
            where=path,
            todo=f"{_again(there)}, or give this one a run directory of its own (--run-dir)",
        )
    return str(known["id"])


def _refuse_foreign(store: Store, run_dir: str, identity: str) -> None:
    there = sorted({*NAMES} & {*store.list(run_dir)})
    # Another driver of this run may have made it, and more, in the meantime.
    if there and store.size(identity) is None:
        raise StorageError(
            "there is something already that a run would write over, and no run has made it: "
            f"the folder has no {identity.rpartition('/')[2]}",
            where=f"{run_dir}/{there[0]}",
            todo=f"{_ELSEWHERE}; nothing is overwritten",
        )


def _drivers(n: int) -> str:
    return f"{n} drivers (--shard i/{n})" if n > 1 else "one driver (no --shard)"


def _again(n: int) -> str:
    return f"run it as --shard 0/{n} to --shard {n - 1}/{n}" if n > 1 else "run it without --shard"
