# SPDX-License-Identifier: Apache-2.0
"""``thresher plan``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from thresher.config import Recipe
from thresher.errors import ThresherError
from thresher.runs.report.figures import counted, size

if TYPE_CHECKING:
    from thresher.planning.plan import Plan, Step


def show_plan(recipe: Recipe, as_json: bool) -> None:
    """Print what a recipe would do."""
    try:
        print_plan(recipe, as_json)
    except ThresherError as error:
        raise recipe.located(error) from error


def print_plan(recipe: Recipe, as_json: bool, limit: int | None = None) -> None:
    """Plan a recipe and print the plan."""
    plan = recipe.pipeline.plan(recipe.executor, limit=limit)
    print(json.dumps(plan_as_json(plan), indent=2) if as_json else plan_as_text(plan))


def plan_as_text(plan: Plan) -> str:
    """The plan in lines: segments, the steps in them, the stages in those."""
    total = sum(part.source_bytes for part in plan.parts)
    source = f", {size(total)}" if total else ""
    lines = [f"{plan.name}: {counted(len(plan.parts), 'part')}{source}"]
    for segment in plan.segments:
        if len(plan.segments) > 1:
            lines.append(f"\nsegment {segment.index + 1} of {len(plan.segments)}")
        for step in segment.steps:
            lines.append(f"\n  step {step.index + 1}: {_placement(step)}")
            width = max(len(stage.name) for stage in step.stages)
            lines += [f"    {s.name:<{width}}  {_columns(s)}".rstrip() for s in step.stages]
    if plan.writer is not None:
        lines.append(f"\noutput: {plan.writer.path}")
    lines += [f"note: {note}" for note in plan.notes]
    return "\n".join(lines)


def plan_as_json(plan: Plan) -> dict[str, Any]:
    """The plan for programs."""
    return {
        "name": plan.name,
        "parts": [
            {"name": part.name, "bytes": part.source_bytes, "rows": part.rows}
            for part in plan.parts
        ],
        "segments": [
            {
                "sink": segment.sink,
                "steps": [
                    {
                        "resources": vars(step.resources),
                        "stages": [
                            {
                                "name": stage.name,
                                "class": f"{type(stage).__module__}.{type(stage).__qualname__}",
                                "reads": stage.inputs()[1],
                                "writes": stage.outputs()[1],
                                "rows": stage.rows,
                                "determinism": stage.determinism,
                            }
                            for stage in step.stages
                        ],
                    }
                    for step in segment.steps
                ],
            }
            for segment in plan.segments
        ],
        "columns": {}
        if plan.columns is None
        else {n: str(k) for n, k in plan.columns.types.items()},
        "output": plan.writer.path if plan.writer is not None else None,
        "notes": list(plan.notes),
    }


def _placement(step: Step) -> str:
    needs = [f"{counted(len(step.stages), 'stage')} in one call", f"{step.resources.cpus:g} CPU"]
    if step.resources.gpus:
        needs.append(f"{step.resources.gpus:g} GPU")
    if step.resources.gpu_memory_gb:
        needs.append(f"{step.resources.gpu_memory_gb:g} GiB of GPU memory")
    if step.resources.memory_gb:
        needs.append(f"{step.resources.memory_gb:g} GiB of memory")
    if step.max_workers is not None:
        needs.append(f"at most {counted(step.max_workers, 'worker')}")
    needs.append("in threads" if step.gil_free else "in processes")
    return ", ".join(needs)


def _columns(stage: Any) -> str:
    told = []
    if reads := stage.inputs()[1]:
        told.append(f"reads {', '.join(reads)}")
    if writes := stage.outputs()[1]:
        told.append(f"writes {', '.join(writes)}")
    return "; ".join(told)
