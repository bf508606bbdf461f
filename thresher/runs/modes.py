# SPDX-License-Identifier: Apache-2.0
"""Writer modes: what happens, once, to an output folder that is not empty."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from thresher.errors import StorageError
from thresher.runs.manifest import read_manifest
from thresher.storage import Store, list_files

OWN = "_thresher"
"""The folder in an output that holds the runs' own files."""


def prepare_output(
    store: Store, output: str, mode: str, retire: Callable[[str], None]
) -> dict[str, Any]:
    """Apply the mode; returns what is to be remembered: whether other files stay ``beside``.

    Called once per run, after its epoch is opened and before its first record.

    Raises
    ------
    StorageError
        In mode ``error`` if the folder holds anything; in mode ``overwrite`` if it holds files
        that no manifest lists.
    """
    there = [name for name in store.list(output) if name != OWN] if output else []
    if not there:
        return {}
    if mode == "error":
        raise StorageError(
            f"the output folder holds {len(there)} entries, {there[0]!r} among them",
            where=output,
            todo="choose another folder, or mode='overwrite' or 'ignore'",
        )
    if mode == "overwrite":
        _remove_ours(store, output, retire)
        return {}
    return {"beside": True}


def owner_of(store: Store, output: str, path: str) -> str:
    """The pipeline whose manifest lists a file of the output; empty if none does."""
    relative = path.removeprefix(output.rstrip("/") + "/")
    for folder in store.list(f"{output}/{OWN}"):
        manifest = f"{output}/{OWN}/{folder}/manifest.json"
        if store.size(manifest) is not None:
            with suppress(StorageError):  # what is damaged tells nothing
                known = read_manifest(store, manifest)
                if any(file["path"] == relative for file in known["files"]):
                    return str(known["pipeline"])
    return ""


def _remove_ours(store: Store, output: str, retire: Callable[[str], None]) -> None:
    ours = _listed(store, output)
    root = output.rstrip("/") + "/"
    found = [info.path[len(root) :] for info in list_files(output, None, True)]
    foreign = [path for path in found if path not in ours]
    if foreign:
        raise StorageError(
            f"mode='overwrite' would remove {len(foreign)} files that Thresher did not write: "
            f"{', '.join(foreign[:3])}",
            where=output,
            todo="move them away, or choose another folder",
        )
    for path in found:
        retire(root + path)


def _listed(store: Store, output: str) -> set[str]:
    """Files that the manifests of earlier runs into this folder list."""
    listed: set[str] = set()
    for pipeline in store.list(f"{output}/{OWN}"):
        path = f"{output}/{OWN}/{pipeline}/manifest.json"
        if store.size(path) is not None:
            listed |= {file["path"] for file in read_manifest(store, path)["files"]}
    return listed
