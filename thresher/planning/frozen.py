# SPDX-License-Identifier: Apache-2.0
"""FrozenPlan: a plan's parts and schema on disk, so that several drivers follow one plan.

A source may change while drivers start one after another: the first one looks at it, the others
read what it found. The recipe is each driver's own, and has to be the same.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import xxhash

from thresher.errors import PlanError
from thresher.planning.fingerprint import describe
from thresher.planning.plan import Plan, SourceColumns
from thresher.runs.part import Part
from thresher.runs.task_file import from_bytes, to_bytes
from thresher.stages.file_partitioning import FilePartitioningStage
from thresher.stages.partitioning import PartitioningStage
from thresher.tasks import FileGroupTask, FileSlice, Task
from thresher.tasks.types import NOTHING, decode, encode

_PART_FACTS = ("name", "version", "estimate", "source_bytes", "rows", "cut")


@dataclass(frozen=True, eq=False)
class FrozenPlan:
    """What was agreed on.

    Parameters
    ----------
    facts : dict
        Of the recipe, readable: the stages, the source, the limit and the fingerprints.
    parts : tuple[Part, ...]
        Of the first Segment; those of initial tasks without their data.
    """

    facts: dict[str, Any]
    parts: tuple[Part, ...]
    columns: SourceColumns | None = None

    @classmethod
    def of(cls, plan: Plan, stages: Sequence[Any], limit: int | None) -> FrozenPlan:
        """A plan, and the simple stages and the limit that were asked for."""
        is_source = stages and isinstance(stages[0], FilePartitioningStage | PartitioningStage)
        facts = {
            "pipeline": plan.name,
            "stages": [repr(stage) for stage in stages],
            # A digest: among the options of a file system may be secrets.
            "source": _digest(describe(stages[0])) if is_source else None,
            "limit": limit,
            "output": plan.writer.path if plan.writer is not None else None,
            "fingerprints": list(plan.fingerprints),
        }
        return cls(json.loads(json.dumps(facts)), plan.parts, plan.columns)

    def to_bytes(self) -> bytes:
        """As JSON; a part a line."""
        head = {**self.facts, "columns": _encoded(self.columns)}
        opening = json.dumps(head, ensure_ascii=False, indent=1).removesuffix("\n}")
        lines = ",\n".join(json.dumps(_of_part(p), ensure_ascii=False) for p in self.parts)
        text = f'{opening},\n "parts": [\n{lines}\n]}}\n'
        return text.encode("utf-8", "backslashreplace")  # paths that are no UTF-8

    @classmethod
    def from_bytes(cls, data: bytes) -> FrozenPlan:
        """The inverse of :meth:`to_bytes`."""
        facts = json.loads(data)
        parts = tuple(map(_part, facts.pop("parts")))
        columns = facts.pop("columns")
        return cls(facts, parts, None if columns is None else _decoded(columns))

    def check(self, mine: FrozenPlan, where: str) -> None:
        """Refuse to go on with another plan than the one that was agreed on.

        Raises
        ------
        PlanError
            It names what differs, as it is there and as it is here.
        """
        difference = _difference(self.facts, mine.facts) or _of_parts(self.parts, mine.parts)
        if difference:
            raise PlanError(
                f"another plan is being run here: {difference}",
                where=where,
                todo="run all shards with one recipe; for another one use another run directory "
                "and output, or wait until this one is complete",
            )


def _digest(described: Any) -> str:
    return xxhash.xxh3_128_hexdigest(json.dumps(described).encode())


def _difference(there: dict[str, Any], here: dict[str, Any]) -> str:
    for name in ("pipeline", "output", "limit"):
        if there[name] != here[name]:
            return f"{name} is {there[name]!r} there and {here[name]!r} here"
    deciding = [[facts["source"], facts["fingerprints"]] for facts in (there, here)]
    if deciding[0] == deciding[1]:
        return ""
    left, right = there["stages"], here["stages"]
    if len(left) != len(right):
        return f"it has {len(left)} stages there and {len(right)} here"
    for number, (a, b) in enumerate(zip(left, right, strict=True), 1):
        if a != b:
            return f"stage {number} is {a} there and {b} here"
    prints = [" ".join(facts["fingerprints"]) for facts in (there, here)]
    return f"the code of its stages has fingerprint {prints[0]} there and {prints[1]} here"


def _of_parts(there: Sequence[Part], here: Sequence[Part]) -> str:
    """Initial tasks are each driver's own."""
    left, right = ([(part.name, part.version) for part in parts] for parts in (there, here))
    if left == right:
        return ""
    if len(left) != len(right):
        return f"it has {len(left)} parts there and {len(right)} here"
    name = next(a[0] for a, b in zip(left, right, strict=True) if a != b)
    return f"part {name!r} is not the same there and here"


def _of_part(part: Part) -> dict[str, Any]:
    facts = {name: getattr(part, name) for name in _PART_FACTS if getattr(part, name)}
    task = part.task
    if isinstance(task, FileGroupTask):
        facts["slices"] = [_of_slice(piece) for piece in task.slices]
        facts["task"] = base64.b64encode(to_bytes(task.evolve(data=[], slices=()))).decode()
    return facts


def _part(facts: dict[str, Any]) -> Part:
    slices = facts.pop("slices", None)
    if slices is None:
        return Part(0, task=_Elsewhere("", None), **facts)
    bare = from_bytes(base64.b64decode(facts.pop("task")))
    pieces = tuple(FileSlice(**piece) for piece in slices)
    task = bare.evolve(data=list(dict.fromkeys(p.path for p in pieces)), slices=pieces)
    return Part(0, task=task, **facts)


def _of_slice(piece: FileSlice) -> dict[str, Any]:
    default = FileSlice("")
    return {k: v for k, v in vars(piece).items() if v != getattr(default, k)}


def _encoded(columns: SourceColumns | None) -> dict[str, Any] | None:
    if columns is None:
        return None
    return {
        "types": encode(
            {n: NOTHING if n in columns.conflicts else k for n, k in columns.types.items()}
        ),
        "varying": sorted(columns.varying),
        "first_names": columns.first_names,
        "is_whole": columns.is_whole,
        "are_facts": columns.are_facts,
    }


def _decoded(values: dict[str, Any]) -> SourceColumns:
    names = tuple(values["first_names"])
    return SourceColumns(
        decode(values["types"]),
        names,
        bool(values["is_whole"]),
        bool(values["are_facts"]),
        varying=frozenset(values["varying"]),
    )


class _Elsewhere(Task[None]):
    """Stands for an initial task, which its driver was given."""

    @property
    def num_items(self) -> int:
        return 0
