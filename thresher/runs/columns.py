# SPDX-License-Identifier: Apache-2.0
"""The columns that all files of an output are to have, merged from what the records tell."""

from __future__ import annotations

from collections.abc import Sequence

from thresher.runs.part import OUT, FileRecord, PartRecord
from thresher.tasks.types import NOTHING, Types, decode, merge_columns


def held_columns(records: Sequence[PartRecord]) -> Types:
    """Every column that a file holds, with the type that holds all of its values.

    Those that readers have seen belong to it, even if no row is left that has them, unless a stage
    leaves them out.
    """
    merged: Types = {}
    left_out = {name for record in records for name in record.left_out}
    known: dict[str, Types] = {}  # most files have one of a few schemas
    for record in records:
        for name in (*record.first_names, *record.names):
            if name not in left_out:
                merged.setdefault(name, NOTHING)
        for file in record.on_port(OUT):
            if file.holds not in known:
                known[file.holds] = decode(file.holds)
                merged = merge_columns([merged, known[file.holds]])
    return merged


def first_names(records: Sequence[PartRecord]) -> tuple[str, ...]:
    """Columns of the first record that any part has, in order."""
    return next((record.first_names for record in records if record.first_names), ())


def narrower(records: Sequence[PartRecord], final: Types) -> list[PartRecord]:
    """The records with a file that has other columns than the final ones."""
    wanted = _layout(final)
    same: dict[str, bool] = {}
    found = []
    for record in records:
        encoded = {_columns_of(file) for file in record.on_port(OUT)}
        for text in encoded:
            if text not in same:
                same[text] = _layout(decode(text)) == wanted
        if not all(same[text] for text in encoded):
            found.append(record)
    return found


def _columns_of(file: FileRecord) -> str:
    return file.columns or file.holds


def _layout(columns: Types) -> list[tuple[str, str]]:
    return [(name, str(kind)) for name, kind in columns.items()]


def absent_everywhere(records: Sequence[PartRecord]) -> list[str]:
    """Columns that were asked for and that no record of any part has."""
    told = [set(record.absent) for record in records if record.counts and not record.failure]
    return sorted(set.intersection(*told)) if told else []
