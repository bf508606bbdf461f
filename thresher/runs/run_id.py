# SPDX-License-Identifier: Apache-2.0
"""The run's identity, and how many drivers share it: its create-only ``run.json``."""

from __future__ import annotations

import json
from uuid import uuid4

from thresher.errors import PlanError
from thresher.runs.read_back import read_back
from thresher.storage import Store


def run_id_of(store: Store, run_dir: str, pipeline: str, shards: int = 1) -> str:
    """The identity; made by whoever comes first.

    Raises
    ------
    PlanError
        If the run was begun for another number of drivers.
    """
    path = f"{run_dir}/run.json"
    facts = {"id": uuid4().hex[:12], "pipeline": pipeline, "shards": shards, "format": 1}
    if store.size(path) is None:
        store.make_folder(run_dir)
        if store.create(path, json.dumps(facts).encode()):
            return str(facts["id"])
    known = read_back(store, path, "id")
    if known.get("pipeline", pipeline) != pipeline:
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


def _drivers(n: int) -> str:
    return f"{n} drivers (--shard i/{n})" if n > 1 else "one driver (no --shard)"


def _again(n: int) -> str:
    return f"run it as --shard 0/{n} to --shard {n - 1}/{n}" if n > 1 else "run it without --shard"
