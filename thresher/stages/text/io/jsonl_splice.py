# SPDX-License-Identifier: Apache-2.0
"""Write changed, new and removed columns into records whose other bytes stay as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from thresher.errors import DataError
from thresher.kernels import jsonl_plain as plain
from thresher.stages.text.io.jsonl_columns import json_text, pinned
from thresher.stages.text.io.jsonl_encode import (
    Bytes,
    Integers,
    Values,
    encode_column,
    encode_key,
    gather,
    same_values,
)
from thresher.stages.text.io.jsonl_scan import PADDING, Scan, scan
from thresher.tasks.columns import to_numpy
from thresher.tasks.json_numbers import negative_zeros
from thresher.tasks.json_text import are_alike, json_values
from thresher.tasks.json_written import as_json_column
from thresher.tasks.types import declared_type, is_json, is_string

Mask = NDArray[np.bool_]

_BRACE = ord("{")


@dataclass
class Edits:
    """What one key becomes in each of n records.

    Parameters
    ----------
    key : str
        The key.
    values : Values | None
        Its new values; None removes the key.
    wanted : bool[n]
        Records in which it is written or removed; the others keep their bytes.
    """

    key: str
    values: Values | None
    wanted: Mask


def splice(
    raw: pa.Array, columns: pa.Table, removed: Sequence[str], parsed: frozenset[str]
) -> tuple[Bytes, Integers]:
    """Records with ``columns`` written into them and the keys ``removed`` taken out.

    A value equal to the one in the record leaves its bytes alone. In a column that was ``parsed``
    from the records a null leaves alone what is null or absent.

    Returns
    -------
    (uint8, int64[n + 1])
        The records, one after the other, and where they begin and end.
    """
    keys = [*columns.column_names, *removed]
    scanned = _scan_raw(raw, keys)
    edits: list[Edits] = []
    for k, field in enumerate(columns.schema):
        new = columns.column(k).combine_chunks()
        wanted = _differs(scanned, k, field, new, field.name in parsed)
        edits.append(Edits(field.name, encode_column(new, field), wanted))
    n_rows = len(scanned.rows)
    edits += [Edits(name, None, np.ones(n_rows, np.bool_)) for name in removed]
    records, offsets = _assemble(scanned, edits)
    twice = np.flatnonzero(scanned.state == plain.TWICE).tolist()
    return _replace(records, offsets, {row: _by_hand(scanned, edits, row) for row in twice})


def _scan_raw(raw: pa.Array, keys: Sequence[str]) -> Scan:
    """Scan records that were read before; all must be whole and end in LF."""
    _, offsets_buffer, data_buffer = raw.buffers()
    offsets = np.frombuffer(offsets_buffer, np.int64)[raw.offset : raw.offset + len(raw) + 1]
    begin, stop = int(offsets[0]), int(offsets[-1])
    buffer = np.empty(stop - begin + PADDING, np.uint8)
    buffer[: stop - begin] = np.frombuffer(data_buffer, np.uint8)[begin:stop]
    scanned = scan(buffer, stop - begin, keys, len(raw))
    whole = np.array_equal(scanned.rows[:, 1], offsets[1:] - begin)
    if not whole or np.any(scanned.state == plain.BROKEN):
        raise DataError(
            "a stage changed the hidden column '__raw': it no longer holds one record per row",
            todo="leave '__raw' alone, or drop the column",
        )
    return scanned


def _differs(scanned: Scan, k: int, field: pa.Field, new: pa.Array, parsed: bool) -> Mask:
    """bool[n]: rows in which a key's value has to be written.

    In a column that was parsed 1.0 may be how its type has 1. In one of JSON it is what a stage
    wrote, and in any other it is new.
    """
    if not is_json(field) and _is_plain(new.type):
        old = pinned(scanned, k, declared_type(field))
        same = same_values(old, new)
        is_whole = scanned.kinds[k] == plain.INTEGER
        if pa.types.is_floating(new.type):
            # A stage may have been shown 0.0 for -0, a whole number.
            was, is_now = negative_zeros(old), negative_zeros(new)
            same &= (was == is_now) | (was & is_whole)
        if not parsed and (pa.types.is_floating(new.type) or pa.types.is_integer(new.type)):
            same &= is_whole == pa.types.is_integer(new.type)
    else:
        exactly = is_json(field) or not parsed
        same = _same_json(json_text(scanned, k), as_json_column(new, field), exactly)
    if new.null_count:
        nothing = scanned.kinds[k] == plain.NULL
        if parsed:
            nothing |= scanned.kinds[k] == plain.ABSENT
        same |= to_numpy(new.is_null()) & nothing
    return ~same


def _is_plain(kind: pa.DataType) -> bool:
    """Whether a column has values as JSON has them, which can be compared all at once."""
    types = pa.types
    is_number = types.is_integer(kind) or types.is_float32(kind) or types.is_float64(kind)
    return is_number or types.is_boolean(kind) or is_string(kind)


def _same_json(old: pa.Array, new: pa.Array, exactly: bool) -> Mask:
    """bool[n]: where JSON texts have the same value; a member that is null is as one left out.

    ``exactly`` tells whole numbers from others, and objects by the order of their keys.
    """
    same = same_values(old, new)
    valid = to_numpy(pc.and_(old.is_valid(), new.is_valid()))
    for row in np.flatnonzero(valid & ~same).tolist():
        left, right = (
            _without_null_members(json_values(each.slice(row, 1))[0]) for each in (old, new)
        )
        same[row] = are_alike(left, right, exactly=exactly)
    return same


def _without_null_members(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_null_members(each) for k, each in value.items() if each is not None}
    if isinstance(value, list):
        return list(map(_without_null_members, value))
    return value


def _assemble(scanned: Scan, edits: Sequence[Edits]) -> tuple[Bytes, Integers]:
    """Cut every record at its edits and put it together with what is new."""
    n_rows, n_edits = len(scanned.rows), len(edits)
    buffer = scanned.buffer
    cuts = _cuts(scanned, edits)
    inserts = _Inserts()
    pieces = [inserts.pieces(scanned, k, edit, edits) for k, edit in enumerate(edits)]
    # For every edit: the record's bytes since the edit before, then the key, then the value.
    starts = np.zeros((n_rows, 3 * n_edits + 1), np.int64)
    stops = np.zeros_like(starts)
    order = np.argsort(cuts[:, :, 0], axis=0, kind="stable")
    done = scanned.rows[:, 0]
    rows = np.arange(n_rows)
    key_pieces = np.stack([key for key, _ in pieces])
    value_pieces = np.stack([value for _, value in pieces])
    for i in range(n_edits):
        chosen = order[i]
        cut = cuts[chosen, rows]
        starts[:, 3 * i], stops[:, 3 * i] = done, np.maximum(done, cut[:, 0])
        done = np.maximum(done, cut[:, 1])
        for place, piece in ((1, key_pieces), (2, value_pieces)):
            starts[:, 3 * i + place], stops[:, 3 * i + place] = piece[chosen, rows].T
    starts[:, -1], stops[:, -1] = done, scanned.rows[:, 1]
    lengths = (stops - starts).sum(axis=1)
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    from_second = np.tile(np.arange(3 * n_edits + 1) % 3 != 0, n_rows)
    records = gather(buffer, inserts.data(), from_second, starts.ravel(), stops.ravel())
    return records, offsets


def _cuts(scanned: Scan, edits: Sequence[Edits]) -> Integers:
    """int64[K, n, 2]: the stretch of the buffer that each edit replaces; empty where it adds."""
    n_rows = len(scanned.rows)
    cuts = np.empty((len(edits), n_rows, 2), np.int64)
    for k, edit in enumerate(edits):
        there = scanned.kinds[k] != plain.ABSENT
        close = scanned.rows[:, 2]
        # A string's span is its inside.
        quote = np.isin(scanned.kinds[k], (plain.TEXT, plain.ESCAPED, plain.HALF_PAIR))
        cuts[k, :, 0] = np.where(there, scanned.spans[k, :, 1] - quote, close)
        cuts[k, :, 1] = np.where(there & edit.wanted, scanned.spans[k, :, 2] + quote, cuts[k, :, 0])
    _cut_members(scanned, edits, cuts)
    return cuts


def _cut_members(scanned: Scan, edits: Sequence[Edits], cuts: Integers) -> None:
    """Widen the cuts of removed keys to whole members, each with one comma."""
    removed = [k for k, edit in enumerate(edits) if edit.values is None]
    if not removed or not len(scanned.rows):
        return
    places = np.array(removed)
    spans = scanned.spans[places]
    there = scanned.kinds[places] != plain.ABSENT
    order = np.argsort(np.where(there, spans[:, :, 0], np.iinfo(np.int64).max), axis=0)
    rows = np.arange(len(scanned.rows))
    comma = np.full(len(rows), -1, np.int64)  # the last comma that a cut before took along
    for i in range(len(removed)):
        chosen = order[i]
        before, after = spans[chosen, rows, 0], spans[chosen, rows, 3]
        is_there = there[chosen, rows]
        first = (scanned.buffer[before] == _BRACE) | (before == comma)
        takes_next = first & (after < scanned.rows[:, 2])
        start = np.where(first, before + 1, before)
        stop = np.where(takes_next, after + 1, after)
        comma = np.where(is_there & takes_next, after, comma)
        cut = cuts[places[chosen], rows]
        cuts[places[chosen], rows] = np.where(
            is_there[:, None], np.stack([start, stop], axis=1), cut
        )


class _Inserts:
    """The buffer of what is new: keys and values."""

    def __init__(self) -> None:
        self._parts: list[Bytes] = []
        self._size = 0

    def data(self) -> Bytes:
        return np.concatenate([*self._parts, np.empty(0, np.uint8)])

    def pieces(
        self, scanned: Scan, k: int, edit: Edits, edits: Sequence[Edits]
    ) -> tuple[Integers, Integers]:
        """int64[n, 2] pieces of this buffer: the comma and key (empty where the key is there),
        and the value (empty where nothing is written)."""
        n_rows = len(scanned.rows)
        if edit.values is None:
            return np.zeros((n_rows, 2), np.int64), np.zeros((n_rows, 2), np.int64)
        key = encode_key(edit.key)
        with_comma = self._add(np.frombuffer(b"," + key, np.uint8))
        value_base = self._add(edit.values.data)
        absent = (scanned.kinds[k] == plain.ABSENT) & edit.wanted
        alone = _members_before(scanned, k, edits) == 0
        keys = np.stack(
            [with_comma + (alone & absent), with_comma + (len(key) + 1) * absent], axis=1
        )
        keys[~absent] = 0
        values = np.stack([edit.values.starts, edit.values.stops], axis=1) + value_base
        values[~edit.wanted] = 0
        return keys, values

    def _add(self, part: Bytes) -> int:
        at = self._size
        self._parts.append(part)
        self._size += len(part)
        return at


def _members_before(scanned: Scan, k: int, edits: Sequence[Edits]) -> Integers:
    """int64[n]: members left in the object, and added to it before edit ``k``."""
    count = scanned.rows[:, 3].copy()
    for other, edit in enumerate(edits):
        absent = scanned.kinds[other] == plain.ABSENT
        if edit.values is None:
            count -= ~absent
        elif other < k:
            count += absent & edit.wanted
    return count


def _by_hand(scanned: Scan, edits: Sequence[Edits], row: int) -> bytes:
    """One record with its edits, where a key occurs twice."""
    new: dict[str, bytes | None] = {}
    for edit in edits:
        if not edit.wanted[row]:
            continue
        values = edit.values
        new[edit.key] = (
            None
            if values is None
            else values.data[values.starts[row] : values.stops[row]].tobytes()
        )
    return splice_record(scanned.record(row), new)


def splice_record(record: bytes, new: Mapping[str, bytes | None]) -> bytes:
    """What splicing means: ``new`` JSON values in place of a record's, ``None`` removes a key.

    Of a key that occurs twice the last value is replaced and the others go.
    """
    found = plain.parse_record(record)
    last = {member.key: member for member in found.members}
    kept = [
        m
        for m in found.members
        if m.key not in new or (new[m.key] is not None and last[m.key] is m)
    ]
    out = [record[: found.members[0].before + 1] if found.members else record[: found.close]]
    for i, member in enumerate(kept):
        text = record[member.before + 1 : member.after]
        value = new.get(member.key)
        if value is not None:
            quote = member.kind in (plain.TEXT, plain.ESCAPED, plain.HALF_PAIR)
            start, stop = member.start - quote, member.stop + quote
            text = record[member.before + 1 : start] + value + record[stop : member.after]
        out.append((b"," if i else b"") + text)
    for key, value in new.items():
        if key not in last and value is not None:
            comma = b"," if len(out) > 1 else b""
            out.append(comma + encode_key(key) + value)
    return b"".join(out) + record[found.close :]


def _replace(
    records: Bytes, offsets: Integers, replaced: Mapping[int, bytes]
) -> tuple[Bytes, Integers]:
    """Records with some of them replaced."""
    if not replaced:
        return records, offsets
    lines = [records[a:b].tobytes() for a, b in pairwise(offsets.tolist())]
    for row, record in replaced.items():
        lines[row] = record
    ends = np.concatenate([np.zeros(1, np.int64), np.cumsum([len(line) for line in lines])])
    return np.frombuffer(b"".join(lines), np.uint8), ends
