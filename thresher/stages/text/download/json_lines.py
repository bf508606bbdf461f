# SPDX-License-Identifier: Apache-2.0
"""JsonlIterator: a JSON object on every line."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import InvalidOperation
from typing import Any, NoReturn

from thresher.kernels.jsonl_plain import MAX_DEPTH, BrokenRecord, parse_record
from thresher.stages.text.download.iterator import LINE, DocumentIterator, Unreadable
from thresher.stages.text.download.lines import lines_of
from thresher.stages.text.download.records import Written
from thresher.tasks.json_numbers import is_held

_BLANK = b" \t\r\n"


class JsonlIterator(DocumentIterator):
    """The objects of JSONL files; ``.gz``, ``.zst``, ``.bz2`` and ``.xz`` are decompressed.

    Lines are read as :class:`JsonlReader` reads them. A number that neither int64 nor float64
    holds is a ``decimal.Decimal`` with the digits that are written.

    Parameters
    ----------
    fields : list[str]
        Keys to take; a record without one has a null there.
    """

    def __init__(self, fields: Sequence[str] = ("text",)) -> None:
        self.fields = [fields] if isinstance(fields, str) else list(fields)

    def iterate(self, file_path: str) -> Iterator[dict[str, Any] | Unreadable]:
        """Every object; a line that is none, or has a key twice in a field, is set aside."""
        decoder = _Decoder(self.fields)
        for number, line in enumerate(lines_of(file_path, b"{"), 1):
            if not line.strip(_BLANK):
                continue
            try:
                record = decoder.decode(line)
            except BrokenRecord as error:
                yield Unreadable(str(error), line, number)
            else:
                yield {LINE: number, **record}

    def output_columns(self) -> list[str]:
        """The keys asked for."""
        return list(self.fields)


class _Decoder:
    """Decodes lines, and sees every object in them: Python's forget keys that occur twice."""

    def __init__(self, fields: Sequence[str]) -> None:
        self._fields = fields
        self._has_repeated = False
        self._json = json.JSONDecoder(
            object_pairs_hook=self._object,
            parse_int=_whole,
            parse_float=_number,
            parse_constant=_refuse,
        )

    def decode(self, line: bytes) -> dict[str, Any]:
        """The fields of a line's object.

        Raises
        ------
        BrokenRecord
            If there is no object, or a field has a key twice or is there twice.
        """
        if line.count(b"{") + line.count(b"[") > MAX_DEPTH:
            parse_record(line)  # refuses what is nested too deeply, before anything recurses
        self._has_repeated = False
        try:
            record = self._json.decode(line.decode())
        except InvalidOperation:
            raise BrokenRecord("a number has an exponent that is too large") from None
        except (ValueError, RecursionError) as error:
            parse_record(line)  # says more about what is wrong
            raise BrokenRecord(f"no JSON: {error}") from None
        if not isinstance(record, dict):
            raise BrokenRecord("not a JSON object")
        if self._has_repeated:
            self._refuse_repeated(line)
        return {name: record.get(name) for name in self._fields}

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            self._has_repeated = True
        return made

    def _refuse_repeated(self, line: bytes) -> None:
        members = [each for each in parse_record(line).members if each.key in self._fields]
        for name, count in Counter(member.key for member in members).items():
            if count > 1:
                raise BrokenRecord(f"the key {name!r} occurs twice")
        for member in members:
            self._has_repeated = False
            if line[member.start : member.start + 1] in (b"{", b"["):
                self._json.decode(line[member.start : member.stop].decode())
            if self._has_repeated:
                raise BrokenRecord(f"an object in {member.key!r} has a key twice")


def _whole(digits: str) -> int | Written:
    # Python makes no int of more digits than a setting says, which is this or more.
    is_short = len(digits) <= sys.int_info.str_digits_check_threshold
    return int(digits) if is_short else Written(digits)


def _number(digits: str) -> float | Written:
    return float(digits) if is_held(digits) else Written(digits)


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
