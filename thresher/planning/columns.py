# SPDX-License-Identifier: Apache-2.0
"""Columns of a source, as far as they are known when a pipeline is planned, and who uses them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from thresher.errors import PlanError, ThresherError
from thresher.planning.check import did_you_mean, is_close, is_ours
from thresher.planning.plan import Conflict, SourceColumns, Stage
from thresher.runs.part import Part
from thresher.stages.base import TEXT
from thresher.stages.checkpoint import Checkpoint
from thresher.stages.file_partitioning import FilePartitioningStage
from thresher.stages.reading import ReaderStage
from thresher.stages.writing import BaseWriter
from thresher.storage import scheme_of
from thresher.tasks import HIDDEN, FileGroupTask, FileSlice
from thresher.tasks.joining import varying_in
from thresher.tasks.types import ColumnType, Types, is_bytes, is_string, merge_columns

MAX_SAMPLED_SOURCES = 200
SAMPLED_RECORDS = 100

_FETCHED = ("http", "https", "ftp")
_THREADS = 16


def columns_of(reader: ReaderStage, parts: Sequence[Part]) -> SourceColumns | None:
    """The columns of the parts' sources; None if nothing is known.

    Sources that cannot be read say so when they are.
    """
    if reader.knows_types:
        return _facts(reader, parts)
    return _sampled(reader, parts)


# -- by a sample ------------------------------------------------------------------------------


def _sampled(reader: ReaderStage, parts: Sequence[Part]) -> SourceColumns | None:
    """By the first records of at most 200 sources spread over the list; nothing is fetched."""
    chosen = list(_spread(parts, MAX_SAMPLED_SOURCES))
    samples = []
    is_whole = len(chosen) == len(parts)
    for part in chosen:
        assert isinstance(part.task, FileGroupTask)
        if any(scheme_of(path) in _FETCHED for path in part.task.data):
            is_whole = False
            continue
        try:
            samples.append(reader.sample(part.task, SAMPLED_RECORDS))
        except PlanError:
            raise
        except ThresherError:
            is_whole = False
    types = merge_columns(sample.columns for sample in samples)
    reserved = {name for sample in samples for name in sample.reserved}
    if not types and not reserved:
        return None
    return SourceColumns(
        types,
        next((sample.first_names for sample in samples if sample.first_names), ()),
        is_whole and all(sample.is_whole for sample in samples),
        reserved=tuple(sorted(reserved)),
    )


def _spread(parts: Sequence[Part], n: int) -> Iterator[Part]:
    """At most ``n`` parts, evenly spread, the first and the last among them."""
    if len(parts) <= n:
        yield from parts
        return
    for index in range(n):
        yield parts[index * (len(parts) - 1) // (n - 1)]


# -- by footers -------------------------------------------------------------------------------


def _facts(reader: ReaderStage, parts: Sequence[Part]) -> SourceColumns | None:
    pieces = list({p.path: p for part in parts for p in _pieces(part)}.values())
    found = _read_footers(reader, pieces, ())
    # Statistics tell what a type leaves open; they are read only where types differ.
    kinds: dict[str, set[str]] = {}
    for types in found.values():
        for name, kind in types.items():
            kinds.setdefault(name, set()).add(str(kind))
    differing = tuple(sorted(name for name, each in kinds.items() if len(each) > 1))
    if differing:
        found = _read_footers(reader, pieces, differing)
    if not found:
        return None
    united: Types = {}
    origin: dict[str, str] = {}
    conflicts: dict[str, Conflict] = {}
    for path, types in found.items():
        for name, kind in types.items():
            known = united.get(name)
            if known is None or known.is_void:
                united[name], origin[name] = (kind if known is None else known.merge(kind)), path
                continue
            merged = known.merge(kind)
            if merged.is_json and not (known.is_json and kind.is_json):
                conflicts.setdefault(name, Conflict(known, origin[name], kind, path))
            else:
                united[name] = merged
    kept = {name: kind for name, kind in united.items() if name not in HIDDEN}
    reserved = tuple(sorted(HIDDEN.intersection(united)))
    varying = varying_in(list(found.values()))
    return SourceColumns(kept, tuple(kept), True, True, conflicts, reserved, varying)


def _pieces(part: Part) -> Sequence[FileSlice]:
    return part.task.slices if isinstance(part.task, FileGroupTask) else ()


def _read_footers(
    reader: ReaderStage, pieces: Sequence[FileSlice], observed: tuple[str, ...]
) -> dict[str, Types]:
    """The columns of each file that can be read, by path, in order."""

    def types_of(piece: FileSlice) -> Types | None:
        try:
            return reader.file_types(piece, observed)
        except PlanError:
            raise
        except ThresherError:
            return None

    with ThreadPoolExecutor(_THREADS) as threads:
        found = zip(pieces, threads.map(types_of, pieces), strict=True)
        return {piece.path: types for piece, types in found if types is not None}


# -- who uses them ----------------------------------------------------------------------------


@dataclass
class ColumnUse:
    """What stages want of the columns of a source.

    Parameters
    ----------
    kinds : dict[str, str]
        Columns of which a stage says that they are text, or numbers.
    users : dict[str, str]
        Which stage it is, of these and of all columns that are named.
    sees_tables : bool
        Whether a stage of the user's looks at whole tables.
    """

    kinds: dict[str, str] = field(default_factory=dict)
    users: dict[str, str] = field(default_factory=dict)
    sees_tables: bool = False
    mistakes: list[ThresherError] = field(default_factory=list)


def use_of(stages: Sequence[Stage], first_number: int) -> ColumnUse:
    """What the stages behind a reader, numbered from ``first_number``, want of its columns."""
    use = ColumnUse()
    made: set[str] = set()
    for number, stage in enumerate(stages, first_number):
        if isinstance(stage, Checkpoint):
            continue
        where = f"stage {number}, {stage.name!r}"
        declared = stage.input_kinds()
        use.sees_tables |= not is_ours(stage)
        for name in stage.inputs()[1]:
            if name in made:
                continue
            use.users.setdefault(name, where)
            kind = declared.get(name)
            if kind is not None and use.kinds.setdefault(name, kind) != kind:
                use.mistakes.append(
                    PlanError(
                        f"takes {name!r} for a column of {kind}, and {use.users[name]} for one of "
                        f"{use.kinds[name]}",
                        where,
                        "give one of them another column",
                    )
                )
        made.update(stage.outputs()[1])
    return use


def check_types(
    known: SourceColumns, use: ColumnUse, writer: Stage | None, reader: ReaderStage
) -> list[ThresherError]:
    """Columns whose types cannot be united, where one type is needed, or are not what a stage
    takes."""
    if not known.are_facts:
        return []
    mistakes: list[ThresherError] = []
    pinned, fields = reader.pinned_types(), reader.wanted_names()
    all_matter = use.sees_tables or (isinstance(writer, BaseWriter) and writer.typed)
    for name, clash in known.conflicts.items():
        is_read = fields is None or name in fields
        if name in pinned or not is_read or not (all_matter or name in use.users):
            continue
        mistakes.append(
            PlanError(
                f"the column {name!r} is {clash.left} in one file and {clash.right} in another, "
                "and no type holds the values of both",
                f"{clash.left_path} and {clash.right_path}",
                f"convert the files, or say what it is to be: types={{{name!r}: "
                f"{_best_for(clash)!r}}} on the reader",
            )
        )
    for name, kind in pinned.items():
        found = _nested_in(known, name)
        if found is not None and is_string(kind.type) and not kind.is_json:
            mistakes.append(
                PlanError(
                    f"types={{{name!r}: 'text'}} for a column that is {found} in the files",
                    f"stage {reader.name!r}",
                    f"say types={{{name!r}: 'json'}}",
                )
            )
    for name, wanted in use.kinds.items():
        found = pinned.get(name) or known.types.get(name)
        if found is None or name in known.conflicts or found.is_void:
            continue
        if wanted == TEXT and not _is_text(found):
            mistakes.append(
                PlanError(
                    f"needs text in the column {name!r}, which is {found} in the files",
                    use.users[name],
                    "name another column"
                    if _nested_in(known, name) is not None
                    else f"name another column, or say types={{{name!r}: 'text'}} on the reader",
                )
            )
    return mistakes


def _best_for(clash: Conflict) -> str:
    """The type that holds the values of both sides: lists, structs and bytes have no text."""
    kinds = [kind.type for kind in (clash.left, clash.right)]
    has_none = any(pa.types.is_nested(k) or is_bytes(k) or pa.types.is_duration(k) for k in kinds)
    return "json" if has_none or any(k.is_json for k in (clash.left, clash.right)) else "text"


def _nested_in(known: SourceColumns, name: str) -> ColumnType | None:
    """The type of a column as it is in some file, if that is one of lists or structs."""
    clash = known.conflicts.get(name)
    kinds = [known.types.get(name), *((clash.left, clash.right) if clash else ())]
    return next((k for k in kinds if k is not None and pa.types.is_nested(k.type)), None)


def _is_text(kind: ColumnType) -> bool:
    inner = kind.type
    while pa.types.is_dictionary(inner) or pa.types.is_run_end_encoded(inner):
        inner = inner.value_type
    return kind.is_json or is_string(inner) or pa.types.is_null(inner)


def check_names(
    stages: Sequence[Stage], known: SourceColumns, reader: ReaderStage
) -> tuple[list[ThresherError], list[str]]:
    """Every column a stage names exists when it gets there: mistakes, and notes.

    A sample decides nothing: a name that it lacks may come later, unless it is nearly one of those
    that are there. A stage of the user's that declares no outputs may add any column: from there
    on nothing is called missing.
    """
    mistakes: list[ThresherError] = []
    notes: list[str] = []
    fields, pinned = reader.wanted_names(), set(reader.pinned_types())
    there = {*known.types, *pinned}
    place = f"stage 2, {reader.name!r}"
    for name in fields or ():
        if name not in there and is_close(name, known.types):
            mistakes.append(_missing(name, place, known.types, "asks for"))
        elif name not in there:
            notes.append(_unseen(name, place, known))
    columns = set(fields) if fields is not None else there
    sure, open_end = known.is_whole or fields is not None, False
    for number, stage in enumerate(stages, 1):
        if isinstance(stage, FilePartitioningStage | ReaderStage):
            continue
        where = f"stage {number}, {stage.name!r}"
        missing = [] if open_end else [n for n in stage.inputs()[1] if n not in columns]
        for name in missing:
            if sure or is_close(name, columns):
                mistakes.append(_missing(name, where, columns, "needs"))
            else:
                notes.append(_unseen(name, where, known))
        columns |= set(stage.outputs()[1]) | set(missing)
        declared = is_ours(stage) or bool(stage.outputs()[1]) or stage.rows == "subset"
        open_end = open_end or not declared
    return mistakes, notes


def _missing(name: str, where: str, known: Iterable[str], verb: str) -> PlanError:
    return PlanError(
        f"{verb} the column {name!r}, which is not there",
        where,
        did_you_mean(name, known, "the columns are"),
    )


def _unseen(name: str, where: str, known: SourceColumns) -> str:
    seen = "no file has" if known.is_whole else "none of the first records has"
    return f"{where}: {seen} the column {name!r}; it is null where records do not have it"


def folder_notes(known: SourceColumns, parts: Sequence[Part]) -> list[str]:
    """Columns that only the names of folders hold (``year=2024/``), as Hive and Spark lay them out.

    They stay in the names of the output's folders.
    """
    folders: dict[str, str] = {}
    for part in parts:
        for folder in part.name.split("/")[:-1]:
            key, equals, value = folder.partition("=")
            if equals and key and value and key not in known.types:
                folders.setdefault(key, folder)
    return [
        f"the column {name!r} is in the names of folders ({folder}) and in no file: it is not "
        "read, and the output has folders of these names; to have it as a column, write the "
        "files anew with pyarrow.dataset.dataset(path, partitioning='hive')"
        for name, folder in folders.items()
    ]


def mixed_notes(known: SourceColumns, writer: Any, changed: set[str]) -> list[str]:
    """Columns that a sample shows to hold values of several kinds, where one type is wanted."""
    if known.are_facts or not (isinstance(writer, BaseWriter) and writer.typed):
        return []
    return [
        f"the column {name!r} holds values of several kinds, and is written as JSON text"
        for name, kind in known.types.items()
        if kind.is_json and not kind.is_void and name not in changed
    ]
