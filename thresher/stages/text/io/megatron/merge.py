# SPDX-License-Identifier: Apache-2.0
"""merge_file_prefixes: many pairs of ``.bin`` and ``.idx`` to one."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import BinaryIO

import numpy as np

from thresher import storage
from thresher.errors import DataError, PlanError
from thresher.stages.text.io.megatron.index import MegatronIndex, read_index
from thresher.storage.temporaries import make_parent, sync_file

_CHUNK = 1 << 22
_PARTIAL = ".partial"


def merge_file_prefixes(input_dir: str, output_prefix: str) -> MegatronIndex:
    """Merge all pairs of files below a folder into ``output_prefix`` + ``.bin`` and ``.idx``.

    Their order is that of their paths. All pairs are looked at before anything is written; the
    result appears when it is whole, its ``.idx`` last. It holds the same bytes of ids, one pair
    after another, and is readable as one dataset.

    Parameters
    ----------
    input_dir : str
        Folder; what lies in it is found at any depth, without names that begin with ``_`` or
        ``.``.
    output_prefix : str
        Path of the new files without their endings.

    Returns
    -------
    MegatronIndex
        The new index.

    Raises
    ------
    PlanError
        If there is nothing to merge (also a ValueError), or the result is there already.
    DataError
        If a partner is missing, a pair does not belong together, or types of ids differ.
    StorageError
        If something cannot be read or written.
    """
    target = storage.absolute(output_prefix)
    prefixes = _prefixes(input_dir, target)
    if not prefixes:
        raise PlanError(
            "there are no pairs of .bin and .idx files", where=input_dir, todo="name their folder"
        )
    if storage.store_for(target).size(f"{target}.idx") is not None:
        raise PlanError(
            "the result is there already",
            where=f"{target}.idx",
            todo="remove it, or choose another prefix",
        )
    indexes = [_checked(prefix) for prefix in prefixes]
    merged = _merged(prefixes, indexes)
    make_parent(target)
    _write_bin(prefixes, indexes, f"{target}.bin")
    _write_idx(merged, f"{target}.idx")
    storage.store_for(target).sync_folder(target.rpartition("/")[0])
    return merged


def _prefixes(folder: str, target: str) -> list[str]:
    """Paths without endings, sorted; every one has both files. The target is none of them."""
    found = {info.path for info in storage.list_files(folder, ("bin", "idx"))}
    prefixes = sorted({path[:-4] for path in found if path.endswith((".bin", ".idx"))} - {target})
    for prefix in prefixes:
        for ending in (".bin", ".idx"):
            if prefix + ending not in found:
                raise DataError(
                    f"there is no {ending} file of this name",
                    where=prefix,
                    todo="make the pair of files anew, or move the other file away",
                )
    return prefixes


def _checked(prefix: str) -> MegatronIndex:
    index = read_index(f"{prefix}.idx")
    size = storage.store_for(prefix).size(f"{prefix}.bin")
    if size != index.n_bytes:
        raise DataError(
            f"it has {size} bytes where its index has {index.n_bytes}",
            where=f"{prefix}.bin",
            todo="make the pair of files anew",
        )
    return index


def _merged(prefixes: Sequence[str], indexes: Sequence[MegatronIndex]) -> MegatronIndex:
    first = indexes[0]
    documents = [np.zeros(1, np.int64)]
    n = 0
    for prefix, index in zip(prefixes, indexes, strict=True):
        if index.code != first.code:
            raise DataError(
                f"its ids are {index.dtype.name}, those of {prefixes[0]!r} {first.dtype.name}",
                where=prefix,
                todo="merge only what one tokenizer has made",
            )
        documents.append(index.documents[1:] + n)
        n += len(index.lengths)
    lengths = np.concatenate([index.lengths for index in indexes])
    return MegatronIndex(first.code, lengths, np.concatenate(documents))


def _write_bin(prefixes: Sequence[str], indexes: Sequence[MegatronIndex], path: str) -> None:
    with storage.failures("write", path), _open(path + _PARTIAL) as target:
        for prefix, index in zip(prefixes, indexes, strict=True):
            copied = _copy(f"{prefix}.bin", target)
            if copied != index.n_bytes:
                raise DataError("it changed meanwhile", where=f"{prefix}.bin", todo="merge again")
    _publish(path)


def _write_idx(index: MegatronIndex, path: str) -> None:
    with storage.failures("write", path), _open(path + _PARTIAL) as target:
        target.write(index.to_bytes())
    _publish(path)


def _copy(path: str, target: BinaryIO) -> int:
    copied = 0
    with storage.failures("read", path), storage.open_read(path) as source:
        while data := source.read(_CHUNK):
            target.write(data)
            copied += len(data)
    return copied


def _open(path: str) -> BinaryIO:
    return io.BufferedWriter(storage.open_write(path), _CHUNK)


def _publish(path: str) -> None:
    sync_file(path + _PARTIAL)
    storage.store_for(path).replace(path + _PARTIAL, path)
