# SPDX-License-Identifier: Apache-2.0
"""Pipelines that every executor runs to the same bytes. A new one is listed in ``CASES``."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.toys import (
    DieOn,
    Halves,
    HalvesApart,
    KeepEven,
    Lengths,
    Pass,
    RaiseOn,
    Twice,
    write_input,
)
from thresher.pipeline import Pipeline
from thresher.stages.resources import Resources
from thresher.stages.text.io import JsonlReader, JsonlWriter, ParquetWriter

ONE = Resources(cpus=1.0)
LESS = Resources(cpus=0.75)


@dataclass(frozen=True)
class Case:
    """Input, the stages between reader and writer, and how both are made."""

    write: Callable[[Path], Any]
    stages: Callable[[], list[Any]]
    reader: dict[str, Any] | None = None
    writer: Any = JsonlWriter

    def pipeline(self, source: Path, output: Path) -> Pipeline:
        """The pipeline over ``source``, whose input is written if it is not there."""
        if not source.exists():
            self.write(source)
        reader = JsonlReader(str(source), **(self.reader or {}))
        stages = [reader, *self.stages(), self.writer(str(output))]
        return Pipeline("conformance", stages=stages, max_error_rate=1.0)


def three_steps() -> list[Any]:
    """Stages that are not fused, of which one drops rows and one makes more."""
    return [
        Lengths().with_(resources=ONE),
        KeepEven().with_(resources=LESS),
        Twice().with_(resources=ONE),
    ]


def broken_records(source: Path) -> None:
    """Records of which some cannot be read."""
    write_input(source, files=3, rows=20)
    with (source / "f1.jsonl").open("a") as file:
        file.write('{"id": 99, "text": \n"not an object"\n')


def long_texts(source: Path) -> None:
    """Rows of some megabytes."""
    source.mkdir(parents=True)
    for number in range(3):
        rows = ({"id": 2 * number + k, "text": f"{k} words " * 300_000} for k in range(2))
        (source / f"f{number}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def nothing_left(source: Path) -> None:
    """A file without a record, and records of which none is kept."""
    source.mkdir(parents=True)
    (source / "empty.jsonl").write_text("")
    (source / "odd.jsonl").write_text('{"id": 1, "text": "a"}\n{"id": 3, "text": "b"}\n')


CASES = {
    "linear": Case(lambda source: write_input(source, 5, 40), three_steps),
    "fused": Case(lambda source: write_input(source, 3, 10), lambda: [Lengths(), KeepEven()]),
    "fan-out": Case(
        lambda source: write_input(source, 1, 3000, "a line that is long enough to be cut"),
        three_steps,
        {"blocksize": 20_000},
        ParquetWriter,
    ),
    "two tasks of one": Case(
        lambda source: write_input(source, 2, 300, "a line that is long enough to be cut in two"),
        lambda: [
            Halves().with_(resources=ONE),
            HalvesApart().with_(resources=LESS),
            Pass().with_(resources=ONE),
        ],
        {"blocksize": 45_000},
    ),
    "quarantine": Case(
        broken_records,
        lambda: [
            RaiseOn([7, 8, 45]).with_(resources=ONE),
            Lengths().with_(resources=LESS),
        ],
    ),
    "poison": Case(
        lambda source: write_input(source, 4, 6),
        lambda: [
            Lengths().with_(resources=ONE),
            DieOn(15).with_(resources=LESS),
            Pass().with_(resources=ONE),
        ],
    ),
    "large rows": Case(long_texts, three_steps),
    "many tiny tasks": Case(
        lambda source: write_input(source, 100, 1),
        lambda: [Lengths().with_(resources=ONE), Pass().with_(resources=LESS)],
    ),
    "zero rows": Case(nothing_left, three_steps),
}
