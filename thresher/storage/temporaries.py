# SPDX-License-Identifier: Apache-2.0
"""What a worker does to the files it closes: folders made, bytes synced, lines counted."""

from __future__ import annotations

import os

from thresher.storage.failures import failures
from thresher.storage.opening import open_read
from thresher.storage.paths import is_local
from thresher.storage.store import store_for

_CHUNK = 1 << 20


def make_parent(path: str) -> None:
    """Make the folder a file goes into."""
    folder = path.rpartition("/")[0]
    if is_local(path):
        with failures("make the folder of", path):
            os.makedirs(folder, exist_ok=True)
    else:
        store_for(path).make_folder(folder)


def sync_file(path: str) -> None:
    """Force a closed local file to disk; other stores have done so when they close it."""
    if not is_local(path):
        return
    with failures("sync", path):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def count_lines(path: str) -> int:
    """Line ends in a file, read in bounded memory."""
    lines = 0
    with open_read(path) as file:
        while chunk := file.read(_CHUNK):
            lines += chunk.count(b"\n")
    return lines
