# SPDX-License-Identifier: Apache-2.0
"""Make tables of scanned records: which keys are looked for, which records are refused."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from thresher.kernels import jsonl_plain as plain
from thresher.stages.reading import ReadPlan, ReadReport
from thresher.stages.text.io.jsonl_columns import column, has_others, misfits
from thresher.stages.text.io.jsonl_scan import Scan, scan
from thresher.tasks import RAW, ROW
from thresher.tasks.columns import from_numpy
from thresher.tasks.document import HIDDEN
from thresher.tasks.types import ColumnType, Types, prepared

MAX_COLUMNS = 1000
"""Columns of a table at most. Which of more keys were columns would depend on what is met first."""

_EXAMINED = 64
"""Records whose keys are listed before all are scanned again for them."""


@dataclass
class RecordTables:
    """Makes tables of a group's records, batch after batch.

    Parameters
    ----------
    plan : ReadPlan
        What is wanted of the records.
    types : dict[str, ColumnType]
        Types that columns were asked to have.
    keeps_last : bool
        Whether the last of several values of one key counts; otherwise its record is refused.
    """

    plan: ReadPlan
    types: Types = field(default_factory=dict)
    keeps_last: bool = False

    def __post_init__(self) -> None:
        names: Iterable[str] = [*self.plan.expected, *self.plan.always]
        if self.plan.columns is not None:
            names = self.plan.columns
        self.keys = [name for name in dict.fromkeys(names) if name not in HIDDEN]
        self._met = set(self.plan.always)

    @property
    def collects(self) -> bool:
        """Whether all keys of all records are wanted."""
        return self.plan.columns is None

    def scan(self, buffer: NDArray[np.uint8], stop: int, capacity: int) -> Scan:
        """The records in ``buffer[:stop]``; keys that were not known are looked for as well."""
        if self.collects and len(self.keys) > MAX_COLUMNS:
            self.keys = list(dict.fromkeys(self.plan.always))
        scanned = scan(buffer, stop, self.keys, capacity)
        while self.collects:
            there = (scanned.kinds != plain.ABSENT).any(axis=1)
            self._met.update(name for k, name in enumerate(scanned.keys) if there[k])
            fresh = self._unknown_keys(scanned)
            if not fresh or len(self._met) >= MAX_COLUMNS:
                break
            if len(self.keys) + len(fresh) > MAX_COLUMNS:  # what only a sample has gives way
                self.keys = [name for name in self.keys if name in self._met]
            self.keys = [*self.keys, *fresh[: MAX_COLUMNS - len(self.keys)]]
            scanned = scan(buffer, stop, self.keys, capacity)
        return scanned

    def without_column(self, scanned: Scan) -> tuple[int, str] | None:
        """The first row with a key that found no room, and the key; carried records need none."""
        if not self.collects or self.plan.carry or len(self.keys) < MAX_COLUMNS:
            return None
        known = set(scanned.keys)
        for row in np.flatnonzero(has_others(scanned)).tolist():
            for member in plain.parse_record(scanned.record(row)).members:
                if member.key not in known:
                    return row, member.key
        return None

    def _unknown_keys(self, scanned: Scan) -> list[str]:
        """Keys of some records that have more members than were found."""
        rows = np.flatnonzero(has_others(scanned))
        step = max(1, len(rows) // _EXAMINED)
        known = set(self.keys)
        # Records whose keys no column can have, or have one twice, have more members for ever.
        for chosen in (rows[::step], rows):
            fresh: dict[str, None] = {}
            for row in chosen.tolist():
                members = plain.parse_record(scanned.record(row)).members
                fresh |= dict.fromkeys(member.key for member in members)
                if len(fresh) > MAX_COLUMNS:
                    break
            found = [key for key in fresh if key not in known and _can_name(key)]
            if found or step == 1:
                return found
        return []

    # -- records that are refused -------------------------------------------------------------

    def refused(self, scanned: Scan) -> dict[int, str]:
        """Why records cannot be used, by row."""
        bad: dict[int, str] = {}
        for row in np.flatnonzero(scanned.state == plain.BROKEN).tolist():
            try:
                plain.parse_record(scanned.record(row))
                bad[row] = "not a JSON object"
            except plain.BrokenRecord as error:
                bad[row] = str(error)
        if not self.keeps_last:
            for row in np.flatnonzero(scanned.state == plain.TWICE).tolist():
                bad[row] = f"the key {_repeated_key(scanned, row)!r} occurs twice"
        for k, name in enumerate(scanned.keys):
            wanted = self._wanted(name)
            if wanted is not None:
                for row, reason in misfits(scanned, k, wanted).items():
                    bad.setdefault(row, reason)
        if self.collects and not self.plan.carry:
            for row, reason in _reserved(scanned).items():
                bad.setdefault(row, reason)
        return bad

    def _wanted(self, name: str) -> str | ColumnType | None:
        return self.types.get(name) or self.plan.kinds.get(name)

    # -- tables -------------------------------------------------------------------------------

    def table(self, scanned: Scan, numbers: NDArray[np.int64]) -> pa.Table:
        """The columns of records that are all in order, int64[n] row numbers first."""
        columns: list[pa.Array] = [from_numpy(numbers)]
        fields = [pa.field(ROW, pa.int64())]
        there = (scanned.kinds != plain.ABSENT).any(axis=1)
        for k, name in enumerate(scanned.keys):
            is_there = there[k] or name in self.plan.always
            if is_there or name in self.plan.shown:
                guess = self.plan.expected.get(name)
                values, made = column(scanned, k, self._wanted(name), guess)
                columns.append(values)
                fields.append(made if is_there else prepared(made))
        if self.plan.carry:
            columns.append(self._raw(scanned))
            fields.append(pa.field(RAW, pa.large_binary()))
        return pa.Table.from_arrays(columns, schema=pa.schema(fields))

    def note_names(self, scanned: Scan, report: ReadReport) -> None:
        """Tell which columns there are, and which the first record has."""
        there = scanned.kinds != plain.ABSENT
        report.names.update(name for k, name in enumerate(scanned.keys) if there[k].any())
        rows = np.flatnonzero(there.any(axis=0))
        if not report.first_names and rows.size:
            first = np.flatnonzero(there[:, rows[0]])
            order = first[np.argsort(scanned.spans[first, rows[0], 0])]
            report.first_names = tuple(scanned.keys[k] for k in order)

    def _raw(self, scanned: Scan) -> pa.Array:
        twice = np.flatnonzero(scanned.state == plain.TWICE)
        if not twice.size:
            return raw_records(scanned)
        records = [scanned.record(row) for row in range(len(scanned.rows))]
        for row in twice.tolist():
            records[row] = without_earlier(records[row], scanned.keys)
        return pa.array(records, pa.large_binary())


def _can_name(key: str) -> bool:
    """Whether a key can name a column: it cannot with half a surrogate pair in it."""
    try:
        key.encode()
    except UnicodeEncodeError:
        return False
    return key not in HIDDEN


def _repeated_key(scanned: Scan, row: int) -> str:
    wanted = set(scanned.keys)
    seen: set[str] = set()
    for member in plain.parse_record(scanned.record(row)).members:
        if member.key in seen and member.key in wanted:
            return member.key
        seen.add(member.key)
    return ""


def _reserved(scanned: Scan) -> dict[int, str]:
    """Records with a key that no column can have."""
    found = {}
    for row in np.flatnonzero(has_others(scanned)).tolist():
        for member in plain.parse_record(scanned.record(row)).members:
            if member.key in HIDDEN:
                found[row] = f"the key {member.key!r} is the name of a column of Thresher's own"
            elif not _can_name(member.key):
                found[row] = "a key has half a surrogate pair, which is no text"
    return found


def without_earlier(record: bytes, keys: Sequence[str]) -> bytes:
    """The record without the earlier members of keys that occur twice."""
    found = plain.parse_record(record)
    last = {member.key: member for member in found.members}
    kept = [m for m in found.members if m.key not in keys or last[m.key] is m]
    texts = [record[member.before + 1 : member.after] for member in kept]
    opening = record[: found.members[0].before + 1]
    return opening + b",".join(texts) + record[found.close :]


def raw_records(scanned: Scan) -> pa.Array:
    """large_binary[n]: the records' bytes; not copied where they follow one another."""
    rows = scanned.rows
    n_rows = len(rows)
    data = pa.py_buffer(scanned.buffer)
    if n_rows == 0:
        return pa.nulls(0, pa.large_binary())
    if np.array_equal(rows[1:, 0], rows[:-1, 1]):
        offsets = np.append(rows[:, 0], rows[-1, 1])
        return pa.LargeBinaryArray.from_buffers(
            pa.large_binary(), n_rows, [None, pa.py_buffer(offsets), data]
        )
    # Every second value is what lies between two records.
    offsets = np.append(rows[:, :2].ravel(), rows[-1, 1])
    both = pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), 2 * n_rows, [None, pa.py_buffer(offsets), data]
    )
    return both.take(from_numpy(np.arange(0, 2 * n_rows, 2)))
