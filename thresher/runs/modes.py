# SPDX-License-Identifier: Apache-2.0
"""Writer modes: what happens, once, to an output folder that is not empty."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from thresher.errors import StorageError
from thresher.runs.ledger import LedgerState
from thresher.storage import Store, list_files

if TYPE_CHECKING:
    from thresher.runs.run import RunPaths


def check_output(store: Store, paths: RunPaths, state: LedgerState) -> None:
    """Apply the mode; only before the first part of a run is recorded, never on resume.

    Raises
    ------
    StorageError
        In mode ``error`` if the folder holds anything; in mode ``overwrite`` if it holds files
        that no manifest lists.
    """
    if not paths.output or state.page > 0:
        return
    there = [name for name in store.list(paths.output) if name != "_thresher"]
    if not there or paths.mode in ("ignore", "append"):
        return
    if paths.mode == "error":
        raise StorageError(
            f"the output folder holds {len(there)} entries, {there[0]!r} among them",
            where=paths.output,
            todo="choose another folder, or mode='overwrite' or 'ignore'",
        )
    ours = _listed(store, paths.output)
    root = paths.output.rstrip("/") + "/"
    found = [info.path[len(root) :] for info in list_files(paths.output, None, True)]
    foreign = [path for path in found if path not in ours]
    if foreign:
        raise StorageError(
            f"mode='overwrite' would remove {len(foreign)} files that Thresher did not write: "
            f"{', '.join(foreign[:3])}",
            where=paths.output,
            todo="move them away, or choose another folder",
        )
    for path in found:
        store.remove(root + path)


def _listed(store: Store, output: str) -> set[str]:
    """Files that the manifests of earlier runs into this folder list."""
    listed: set[str] = set()
    for pipeline in store.list(f"{output}/_thresher"):
        path = f"{output}/_thresher/{pipeline}/manifest.json"
        if store.size(path) is not None:
            listed |= {file["path"] for file in json.loads(store.read(path))["files"]}
    return listed
