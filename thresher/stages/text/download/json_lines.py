# SPDX-License-Identifier: Apache-2.0
"""JsonlIterator: a JSON object on every line."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from thresher.kernels.jsonl_plain import parse_record
from thresher.stages.text.download.iterator import LINE, DocumentIterator, Unreadable
from thresher.stages.text.download.lines import lines_of


class JsonlIterator(DocumentIterator):
    """The objects of JSONL files; ``.gz``, ``.zst``, ``.bz2`` and ``.xz`` are decompressed.

    Parameters
    ----------
    fields : list[str]
        Keys to take; a record without one has a null there.
    """

    def __init__(self, fields: Sequence[str] = ("text",)) -> None:
        self.fields = [fields] if isinstance(fields, str) else list(fields)
        self._keys = [json.dumps(name, ensure_ascii=False).encode() for name in self.fields]

    def iterate(self, file_path: str) -> Iterator[dict[str, Any] | Unreadable]:
        """Every object; a line that is none is set aside."""
        for number, line in enumerate(lines_of(file_path), 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line, parse_constant=_refuse)
            except (ValueError, RecursionError) as error:
                yield Unreadable(f"no JSON: {error}", line, number)
                continue
            if repeated := self._repeated(line):
                yield Unreadable(f"the key {repeated!r} occurs twice", line, number)
            elif isinstance(record, dict):
                yield {LINE: number, **{name: record.get(name) for name in self.fields}}
            else:
                yield Unreadable("not a JSON object", line, number)

    def _repeated(self, line: bytes) -> str:
        """A field that occurs twice in a record; empty if none does."""
        if not any(line.count(key) > 1 for key in self._keys):
            return ""
        members = Counter(member.key for member in parse_record(line).members)
        return next((name for name in self.fields if members[name] > 1), "")

    def output_columns(self) -> list[str]:
        """The keys asked for."""
        return list(self.fields)


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
