# SPDX-License-Identifier: Apache-2.0
"""The language of the cases: what a folder holds, what is run, and what must have come of it.

A file of cases is read from top to bottom::

    === 2.1 a null says nothing about a type
    --- in/a.jsonl
    {"text": "x"}
    --- stages
    - WordCountFilter: {min_words: 1}
    --- run
    --- out/a.jsonl
    {"text": "x"}

Sections before ``run`` make things: a file (its path), ``stages`` (between reader and writer),
``reader`` and ``writer`` (other than JSONL from ``in`` to ``out``), ``recipe`` (all of it),
``python`` (``mine.py``, which the recipe imports), ``script`` (Python that is run instead).
Sections after it are expectations:

``run [arguments] [=> code]``
    The command; ``run`` alone must end with 0. Expectations may be followed by another ``run``.
``retry [=> code]``
    ``thresher retry out``.
a path
    What the file holds, decompressed; of Parquet the rows as JSON.
``out``
    The files that are there, one a line; ``out as one``: all of them as one Parquet data set.
``quarantine``
    ``file line pattern`` for each entry, in any order; a line ``...`` allows others.
``says``
    Patterns that the output of the command matches.
``silent``
    Patterns that it does not match.
``do``
    Python, run in the folder.

A path may be followed by ``|`` and what is done to the bytes: ``gzip``, ``zstd``, ``bz2``, ``xz``,
``cut 50%``, ``cut -8`` (bytes), ``flip -20`` (a byte, from the end), ``append 0a00``,
``each 400`` (the body is a Python expression, evaluated for i = 0..399, a record each),
``bytes`` (the body is the inside of a Python bytes literal), ``hang`` (no line feed at the end).
Of Parquet: ``text: string, n: int32`` (columns and types), ``groups of 2`` (rows).
"""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from backports import zstd

KINDS = Path(__file__).parent / "kinds"
_COMPRESS = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "zstd": zstd.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
}
_ENDINGS = {".gz": gzip.decompress, ".zst": zstd.decompress, ".bz2": bz2.decompress}


@dataclass(frozen=True)
class Section:
    """One section: its heading without ``---``, what follows ``|`` in it, and its lines."""

    name: str
    done: tuple[str, ...]
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The lines as one text."""
        return "".join(f"{line}\n" for line in self.lines)


@dataclass
class Case:
    """One case."""

    file: str
    title: str
    sections: list[Section] = field(default_factory=list)

    @property
    def id(self) -> str:
        """Its name in a test report."""
        return f"{self.file}: {self.title}"


def all_cases() -> list[Case]:
    """The cases of all kinds."""
    return [case for path in sorted(KINDS.glob("*.txt")) for case in read_cases(path)]


def read_cases(path: Path) -> Iterator[Case]:
    """The cases of one kind."""
    case: Case | None = None
    lines: list[str] = []
    for line in path.read_text(encoding="utf-8").split("\n"):
        if line.startswith("=== "):
            if case is not None:
                yield _closed(case, lines)
            case, lines = Case(path.stem, line[4:].strip()), []
        elif case is None:
            assert not line or line.startswith("#"), f"{path.name}: {line!r} before the first case"
        else:
            lines.append(line)
    if case is not None:
        yield _closed(case, lines)


def _closed(case: Case, lines: list[str]) -> Case:
    heading, body = "", list[str]()
    for line in [*lines, "--- "]:
        if not line.startswith("--- "):
            body.append(line)
            continue
        if heading:
            while body and not body[-1]:
                body.pop()
            name, *done = (piece.strip() for piece in heading.split("|"))
            case.sections.append(Section(name, tuple(done), tuple(body)))
        heading, body = line[4:].strip(), []
    return case


# -- files that are made ----------------------------------------------------------------------


def make_file(path: Path, section: Section) -> None:
    """Write the file of a section."""
    path.parent.mkdir(parents=True, exist_ok=True)
    done = list(section.done)
    make = _parquet if path.suffix == ".parquet" and done else _body
    data = make(section, done)
    for each in done:
        data = _changed(data, each)
    path.write_bytes(data)


def _body(section: Section, done: list[str]) -> bytes:
    for each in [each for each in done if each.startswith("each ")]:
        done.remove(each)
        return b"".join(f"{line}\n".encode() for line in _each(section, each))
    if "bytes" in done:
        done.remove("bytes")
        literal = "\n".join(section.lines)
        data: bytes = eval(f'b"""{literal}\n"""')
        return data
    return section.text.encode()


def _each(section: Section, each: str) -> list[str]:
    made = compile(section.text.strip(), "<case>", "eval")
    return [json.dumps(eval(made, {"i": i})) for i in range(int(each.split()[1]))]


def _changed(data: bytes, how: str) -> bytes:
    what, _, amount = how.partition(" ")
    if what in _COMPRESS:
        return _COMPRESS[what](data)
    if what == "hang":
        return data.removesuffix(b"\n")
    if what == "append":
        return data + bytes.fromhex(amount)
    if what == "cut":
        size = len(data) * int(amount[:-1]) // 100 if amount.endswith("%") else int(amount)
        return data[:size]
    if what == "flip":
        changed = bytearray(data)
        changed[int(amount)] ^= 0x40
        return bytes(changed)
    raise ValueError(f"no such change: {how!r}")


def _parquet(section: Section, done: list[str]) -> bytes:
    schema = pa.schema(_field(text) for text in _split(done.pop(0)))
    rows = _each(section, done.pop(0)) if done and done[0].startswith("each ") else section.lines
    size = int(done.pop(0).split()[2]) if done and done[0].startswith("groups of ") else None
    records = [json.loads(line) for line in rows if line]
    columns = [
        pa.array([_value(row.get(name), schema.field(name).type) for row in records])
        if pa.types.is_dictionary(schema.field(name).type)
        else pa.array(
            [_value(row.get(name), schema.field(name).type) for row in records],
            schema.field(name).type,
        )
        for name in schema.names
    ]
    columns = [
        column.cast(schema.field(k).type) if column.type != schema.field(k).type else column
        for k, column in enumerate(columns)
    ]
    sink = BytesIO()
    pq.write_table(pa.Table.from_arrays(columns, schema=schema), sink, row_group_size=size)
    return sink.getvalue()


def _split(text: str) -> list[str]:
    """At commas outside brackets."""
    pieces, depth = [""], 0
    for character in text:
        depth += (character in "<[(") - (character in ">])")
        if character == "," and not depth:
            pieces.append("")
        else:
            pieces[-1] += character
    return [piece.strip() for piece in pieces if piece.strip()]


def _field(text: str) -> pa.Field:
    name, _, kind = text.partition(":")
    return pa.field(name.strip(), type_of(kind.strip()))


def type_of(text: str) -> pa.DataType:
    """An Arrow type as ``str`` spells it, or its alias."""
    outer, _, inner = text.partition("<")
    inner = inner.removesuffix(">")
    if outer == "list":
        return pa.list_(type_of(inner))
    if outer == "struct":
        return pa.struct([_field(each) for each in _split(inner)])
    if outer == "dictionary":
        return pa.dictionary(pa.int32(), type_of(inner))
    if match := re.fullmatch(r"timestamp\[(\w+)(?:, tz=(.*))?\]", text):
        return pa.timestamp(match[1], match[2])
    if match := re.fullmatch(r"decimal128\((\d+), (\d+)\)", text):
        return pa.decimal128(int(match[1]), int(match[2]))
    made: pa.DataType = pa.type_for_alias(text)
    return made


def _value(value: Any, kind: pa.DataType) -> Any:
    if value is None:
        return None
    if pa.types.is_timestamp(kind):
        plain = pa.scalar(value).cast(pa.timestamp("ns"))
        return pa.scalar(plain.value, pa.timestamp("ns", kind.tz)).cast(kind, safe=False)
    if pa.types.is_date(kind):
        return pa.scalar(value).cast(kind)
    if pa.types.is_decimal(kind):
        return pa.scalar(str(value)).cast(kind)
    if pa.types.is_binary(kind):
        return bytes(value, "latin-1")
    return value


# -- files that are looked at -----------------------------------------------------------------


def content(path: Path) -> list[str]:
    """The lines of a file, decompressed; of Parquet the rows as JSON."""
    if path.suffix == ".parquet":
        return rows_of(pq.read_table(path))
    data = path.read_bytes()
    if path.suffix in _ENDINGS:
        data = _ENDINGS[path.suffix](data)
    return data.decode("utf-8", "backslashreplace").removesuffix("\n").split("\n")


def rows_of(table: pa.Table) -> list[str]:
    """The rows of a table as JSON."""
    return [json.dumps(row, ensure_ascii=False, default=str) for row in table.to_pylist()]


def schema_of(table: pa.Table) -> str:
    """Its columns and their types."""
    return ", ".join(f"{each.name}: {each.type}" for each in table.schema)
