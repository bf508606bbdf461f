# SPDX-License-Identifier: Apache-2.0
"""Reading files of ours back: one that was damaged is an error that names it."""

from __future__ import annotations

import json
from typing import Any

from thresher.errors import StorageError
from thresher.storage import Store

FROM_BACKUP = (
    "restore the folder from a backup, or remove the run's folder and what it has written, to "
    "start anew"
)


def read_back(store: Store, path: str, *needed: str, todo: str = FROM_BACKUP) -> dict[str, Any]:
    """The object in a JSON file that Thresher has written, which has the keys ``needed``.

    Raises
    ------
    StorageError
        If something else is in it: it was cut short, or is somebody else's.
    """
    try:
        found = json.loads(store.read(path))
    except ValueError as error:
        raise StorageError(f"the file is damaged: {error}", where=path, todo=todo) from error
    if not isinstance(found, dict):
        raise StorageError("the file is damaged: it holds no object", where=path, todo=todo)
    if missing := [key for key in needed if key not in found]:
        raise StorageError(f"the file is damaged: it lacks {missing[0]!r}", where=path, todo=todo)
    return found
