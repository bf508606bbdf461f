# SPDX-License-Identifier: Apache-2.0
"""Make an example that fails small: leave things out as long as it fails in the same way."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pyarrow as pa

from tests.real_world.values_check import Wrong, check
from tests.real_world.values_data import Cut, Example, Knobs
from tests.real_world.values_json import record_of
from tests.real_world.values_parquet_data import Shard, shard_of
from tests.real_world.values_shown import shown

SECONDS = 60.0
"""How long to try."""


def checked(example: Example) -> None:
    """Check an example; an error tells of a small one that fails in the same way.

    Raises
    ------
    Wrong
        If something is not right.
    """
    try:
        check(example)
    except Wrong as error:
        small, why = shrunk(example, error)
        raise Wrong(f"{why}\n\n{shown(small)}") from None


def shrunk(example: Example, error: Wrong) -> tuple[Example, Wrong]:
    """A small example that fails in the same way, and its error."""
    wanted, until = _class_of(error), time.monotonic() + SECONDS
    again = True
    while again:
        again = False
        for smaller in _smaller(example):
            if time.monotonic() > until:
                return example, error
            try:
                check(smaller)
            except Wrong as found:
                if _class_of(found) == wanted:
                    example, error, again = smaller, found, True
                    break
            except Exception:
                continue
    return example, error


def _class_of(error: Wrong) -> str:
    first = re.sub(r"/\S*/in/", "in/", str(error).partition("\n")[0])
    return re.sub(r"'[^']*'|\"[^\"]*\"|\d+|[\[{(].*", "", first)[:50]


def _smaller(example: Example) -> Iterator[Example]:
    yield from _simpler_runs(example)
    for i in range(len(example.stages)):
        yield replace(example, stages=example.stages[:i] + example.stages[i + 1 :])
    for name in example.names if len(example.names) > 1 else ():
        yield replace(
            example,
            files={each: data for each, data in example.files.items() if each != name},
            shards={each: shard for each, shard in example.shards.items() if each != name},
        )
    for name in example.schema:
        yield replace(example, schema={k: v for k, v in example.schema.items() if k != name})
    for name in example.types:
        yield replace(example, types={k: v for k, v in example.types.items() if k != name})
    for name in example.fields or ():
        yield replace(example, fields=tuple(each for each in example.fields or () if each != name))
    for name, data in example.files.items():
        for other in _smaller_jsonl(data):
            yield replace(example, files={**example.files, name: other})
    for name, shard in example.shards.items():
        for less in _smaller_parquet(shard):
            yield replace(example, shards={**example.shards, name: less})


def _simpler_runs(example: Example) -> Iterator[Example]:
    usual = Knobs()
    changes: list[Callable[[Example], Example]] = [
        lambda e: replace(e, others=()),
        lambda e: replace(e, others=e.others[:1]),
        lambda e: replace(e, others=e.others[1:]),
        lambda e: replace(e, workers=False),
        lambda e: replace(e, fields=None),
        lambda e: replace(e, cut=Cut(), others=tuple((Cut(), knobs) for _, knobs in e.others)),
        lambda e: replace(e, group_rows=1 << 17),
        lambda e: replace(e, duplicate_keys="quarantine"),
        lambda e: replace(e, knobs=usual),
        lambda e: replace(e, others=tuple((cut, usual) for cut, _ in e.others)),
        lambda e: replace(e, sink=e.source),
    ]
    for name in vars(usual):
        own = {name: getattr(usual, name)}
        changes.append(lambda e, own=own: replace(e, knobs=replace(e.knobs, **own)))  # type: ignore[misc]
        changes.append(
            lambda e, own=own: replace(  # type: ignore[misc]
                e, others=tuple((cut, replace(knobs, **own)) for cut, knobs in e.others)
            )
        )
    for change in changes:
        simpler = change(example)
        if simpler != example:
            yield simpler


def _smaller_jsonl(data: bytes) -> Iterator[bytes]:
    lines = data.split(b"\n")
    for i in range(len(lines)):
        if len(lines) > 1 and lines[i]:
            yield b"\n".join(lines[:i] + lines[i + 1 :])
    records = [record_of(line) or () for line in lines]
    for name in dict.fromkeys(member.name for record in records for member in record):
        yield b"\n".join(
            _without(line, record, name) for line, record in zip(lines, records, strict=True)
        )
    for i, record in enumerate(records):
        for name in dict.fromkeys(member.name for member in record):
            yield b"\n".join([*lines[:i], _without(lines[i], record, name), *lines[i + 1 :]])


def _without(line: bytes, record: tuple, name: str) -> bytes:  # type: ignore[type-arg]
    """A record without a name; nothing but the members of the others is kept."""
    if name not in (member.name for member in record):
        return line
    kept = [f"{m.spelling}:{m.text}" for m in record if m.name != name]
    return ("{" + ",".join(kept) + "}").encode()


def _smaller_parquet(shard: Shard) -> Iterator[Shard]:
    table = shard.table
    for name in table.column_names if table.num_columns > 1 else ():
        yield shard_of(table.drop_columns([name]), shard.group_rows, shard.statistics)
    for i in range(table.num_rows):
        rest = pa.concat_tables([table.slice(0, i), table.slice(i + 1)])
        yield shard_of(rest, shard.group_rows, shard.statistics)
    if shard.group_rows != 100:
        yield shard_of(table, 100, shard.statistics)
    if not shard.statistics:
        yield shard_of(table, shard.group_rows, True)
