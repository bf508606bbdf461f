# SPDX-License-Identifier: Apache-2.0
"""An example in full, so that it can be made a case of ``kinds``."""

from __future__ import annotations

from tests.real_world.values_data import Cut, Example, Knobs


def shown(example: Example) -> str:
    """The files, the reader, the stages, the writer, and the sizes with which it was run."""
    lines = []
    for name in example.names:
        if name in example.shards:
            lines.append(f"--- in/{name} {example.shards[name].shown()}")
            continue
        lines.append(f"--- in/{name}")
        data = example.files[name]
        try:
            text = data.decode()
        except UnicodeDecodeError:
            text = ""
        if text.isprintable() or text.replace("\n", "").isprintable():
            lines.append(text.removesuffix("\n") + ("" if text.endswith("\n") else "  (no LF)"))
        else:
            lines.append(f"(bytes) {data!r}")
    lines += ["--- reader", _reader(example)]
    if example.stages:
        lines += ["--- stages", *(f"s{n}: {stage}" for n, stage in enumerate(example.stages))]
    sink = {"jsonl": "JsonlWriter(out)", "parquet": "ParquetWriter(out)"}[example.sink]
    lines += [
        "--- writer",
        f"{sink} schema={example.schema}" if example.schema else sink,
        "--- sizes",
        _sizes(example.cut, example.knobs, example),
    ]
    lines += [f"also: {_sizes(cut, knobs, example)}" for cut, knobs in example.others]
    if example.workers:
        lines.append("also: two workers")
    return "\n".join(lines)


def _reader(example: Example) -> str:
    options = []
    if example.fields is not None:
        options.append(f"fields={list(example.fields)}")
    if example.types:
        options.append(f"types={example.types}")
    if example.duplicate_keys != "quarantine" and example.source == "jsonl":
        options.append(f"duplicate_keys={example.duplicate_keys!r}")
    name = {"jsonl": "JsonlReader", "parquet": "ParquetReader"}[example.source]
    return f"{name}({', '.join(['in', *options])})"


def _sizes(cut: Cut, knobs: Knobs, example: Example) -> str:
    usual, told = Knobs(), []
    for what, value in (*vars(cut).items(), ("group_rows", example.group_rows)):
        if value not in (None, 1 << 17):
            told.append(f"{what}={value}")
    told += [
        f"{what}={value}" for what, value in vars(knobs).items() if value != getattr(usual, what)
    ]
    return ", ".join(told) or "the usual"
