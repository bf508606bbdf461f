# SPDX-License-Identifier: Apache-2.0
"""Whether a source is the one that was read: by what the listing says, else by its bytes."""

from __future__ import annotations

import json
from collections.abc import Sequence

import xxhash

from thresher.runs.part import Part, PartRecord
from thresher.storage import is_local, open_read
from thresher.tasks import FileGroupTask, FileSlice

_CHUNK = 1 << 22


def digest_slices(slices: Sequence[FileSlice]) -> str:
    """xxh3_128 of the bytes of all slices, in order; row groups stand for their whole file."""
    hasher = xxhash.xxh3_128()
    for piece in slices:
        if not is_local(piece.path):
            return ""  # an object store's entity tag speaks for its bytes
        _update(hasher, piece)
    return hasher.hexdigest()


def is_same_source(part: Part, record: PartRecord) -> bool:
    """Whether the part's source is what the record was made of.

    A touched, copied or cloned file has another modification time and the same bytes: it is hashed
    and found to be the same.
    """
    if part.version == record.version:
        return True
    if not record.source_digest or not isinstance(part.task, FileGroupTask):
        return False
    if _sizes(part.version) != _sizes(record.version):
        return False
    return digest_slices(part.task.slices) == record.source_digest


def is_remote(part: Part) -> bool:
    """Whether the part's source has to be fetched."""
    task = part.task
    return isinstance(task, FileGroupTask) and not all(is_local(p.path) for p in task.slices)


def _sizes(version: str) -> list[list[int]]:
    try:
        return [entry[:3] for entry in json.loads(version)]
    except (ValueError, TypeError):
        return []


def _update(hasher: xxhash.xxh3_128, piece: FileSlice) -> None:
    whole = piece.unit != "bytes"
    start, stop = (0, None) if whole else (piece.start, piece.stop)
    left = None if stop is None else stop - start
    with open_read(piece.path, start) as file:
        while left is None or left > 0:
            chunk = file.read(_CHUNK if left is None else min(_CHUNK, left))
            if not chunk:
                return
            hasher.update(chunk)
            if left is not None:
                left -= len(chunk)
