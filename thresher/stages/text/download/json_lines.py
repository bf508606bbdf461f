# SPDX-License-Identifier: Apache-2.0
"""JsonlIterator: a JSON object on every line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

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

    def iterate(self, file_path: str) -> Iterator[dict[str, Any] | Unreadable]:
        """Every object; a line that is none is set aside."""
        for number, line in enumerate(lines_of(file_path), 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except ValueError as error:
                yield Unreadable(f"no JSON: {error}", line, number)
                continue
            if isinstance(record, dict):
                yield {LINE: number, **{name: record.get(name) for name in self.fields}}
            else:
                yield Unreadable("not a JSON object", line, number)

    def output_columns(self) -> list[str]:
        """The keys asked for."""
        return list(self.fields)
