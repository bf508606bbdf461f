# SPDX-License-Identifier: Apache-2.0
"""``thresher plan --nodes``: what a recipe would take on so many nodes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from thresher.config import Recipe
from thresher.errors import PlanError, ThresherError
from thresher.pipeline.session import folder_name
from thresher.planning.compile import compile_plan
from thresher.planning.cost.engines import LOCAL, engine_for
from thresher.planning.cost.model import Prediction, predict
from thresher.planning.cost.rates import Rates, measured, records_of
from thresher.planning.machine import Machine
from thresher.planning.plan import Plan
from thresher.runs.report.figures import counted, duration, percent, size
from thresher.storage import absolute, parse_size, store_for


@dataclass(frozen=True)
class ClusterShape:
    """How many nodes, and what each has; what is None is as on this machine.

    ``source`` is the run directory to take rates from, or an output that has one.
    """

    count: int
    cpus: int | None = None
    gpus: float | None = None
    memory: str | None = None
    source: str | None = None

    def machine(self) -> Machine:
        """One of them."""
        here = Machine.here()
        memory = here.memory if self.memory is None else parse_size(self.memory)
        gpus = here.gpus if self.gpus is None else self.gpus
        return Machine(self.cpus or here.cpus, memory, gpus, "a node")


@dataclass(frozen=True)
class Forecast:
    """What was found: on 1, 2, 4, ... nodes, the last one as many as were asked for."""

    plan: Plan
    node: Machine
    executor: str
    run_dir: str
    rates: Rates
    predictions: tuple[Prediction, ...]
    notes: tuple[str, ...]


def show_forecast(recipe: Recipe, nodes: ClusterShape, as_json: bool) -> None:
    """Print what a recipe would take."""
    try:
        found = forecast(recipe, nodes)
    except ThresherError as error:
        raise recipe.located(error) from error
    print(json.dumps(as_values(found), indent=2) if as_json else as_text(found))


def forecast(recipe: Recipe, nodes: ClusterShape) -> Forecast:
    """Plan a recipe for a cluster, and predict what it takes there."""
    pipeline, node = recipe.pipeline, nodes.machine()
    fusion = bool(pipeline.config.get("fusion", True))
    plan = compile_plan(pipeline.name, pipeline.counted_stages(), machine=node, fusion=fusion)
    run_dir = _run_dir(recipe, plan, nodes.source)
    rates = measured(plan, records_of(run_dir), run_dir)
    asked = LOCAL if recipe.executor is None else type(recipe.executor).__name__
    executor, engine = engine_for(asked, nodes.count)
    steps = [2**k for k in range(nodes.count.bit_length()) if 2**k < nodes.count]
    predictions = [predict(rates, plan.parts, node, n, engine) for n in (*steps, nodes.count)]
    notes = [*plan.notes, *_doubts(rates)]
    if executor != asked:
        notes.append(f"the figures are those of {executor}: {asked} is not measured on nodes")
    return Forecast(plan, node, executor, run_dir, rates, tuple(predictions), tuple(notes))


def _run_dir(recipe: Recipe, plan: Plan, source: str | None) -> str:
    """The run directory to take rates from.

    Raises
    ------
    PlanError
        If there is none.
    """
    output = plan.writer.path if plan.writer is not None else ""
    places = [_run_folder(output, plan.name)] if output else []
    if source is not None:
        places = [source, _run_folder(source, plan.name)]
    elif recipe.run_dir is not None:
        places = [recipe.run_dir]
    for place in map(absolute, places):
        if store_for(place).list(f"{place}/ledger"):
            return place
    trial = f"--set {type(plan.writer).__name__}.path=trial" if output else "--run-dir trial"
    raise PlanError(
        "no run of this recipe has been measured yet",
        where=places[0] if places else "",
        todo=f"make a small one, thresher run RECIPE --limit 10000 {trial}, "
        "and name it: --from trial",
    )


def _run_folder(output: str, name: str) -> str:
    return f"{output.rstrip('/')}/_thresher/{folder_name(name)}"


def _doubts(rates: Rates) -> list[str]:
    doubts = []
    if not rates.same:
        doubts.append("the run that was measured had other parameters, code or columns")
    if rates.unit == "part":
        doubts.append("the source's bytes are unknown: all parts are taken to be alike")
    if rates.error is None:
        doubts.append("a single part was measured: how much parts differ is unknown")
    if not rates.worker_bytes:
        doubts.append(
            "that run did not record its workers' memory: what models take is to be added"
        )
    return doubts


def as_values(found: Forecast) -> dict[str, object]:
    """The forecast for programs."""
    return {
        "name": found.plan.name,
        "executor": found.executor,
        "node": vars(found.node),
        "measured": {"run_dir": found.run_dir, **asdict(found.rates)},
        "predictions": [{**asdict(p), "bottleneck": p.bottleneck} for p in found.predictions],
        "notes": list(found.notes),
    }


def as_text(found: Forecast) -> str:
    """The forecast in lines: what was measured, the Steps, the nodes, and what they need."""
    rates, last = found.rates, found.predictions[-1]
    units = sum(part.source_bytes for part in found.plan.parts)
    error = "" if rates.error is None else f", ±{percent(2 * rates.error)}"
    gpus = f", {found.node.gpus:g} GPUs" if found.node.gpus else ""
    lines = [
        f"{found.plan.name}: {counted(len(found.plan.parts), 'part')}, {size(units)}",
        f"an estimate, from {counted(rates.rows, 'row')} in {counted(rates.parts, 'part')}{error}: "
        f"{found.run_dir}",
        "",
        *_table(("step", "work", "share", "workers", "passes on"), _step_rows(last)),
        "",
        *_table(("nodes", "time", "from", "to", "bottleneck"), _node_rows(found.predictions)),
        "",
        f"{counted(last.nodes, 'node')} of {counted(found.node.cpus, 'CPU')}{gpus}, "
        f"{size(found.node.memory)}; {found.executor}",
        f"  start-up      {duration(last.start_s)}",
        f"  memory        {size(last.memory)} on each node",
        f"  object store  {size(last.between_steps)} between steps, "
        f"{size(last.between_nodes)} of it between nodes",
        f"  storage       reads {size(units / last.seconds)}/s, "
        f"writes {size(_written(found) / last.seconds)}/s, if it can",
    ]
    return "\n".join(lines + [f"note: {note}" for note in found.notes])


def _written(found: Forecast) -> float:
    return found.rates.written * sum(map(found.rates.units, found.plan.parts))


def _step_rows(prediction: Prediction) -> list[tuple[str, ...]]:
    total = sum(load.seconds for load in prediction.loads) or 1.0
    return [
        (
            f"{number}  {load.name}",
            duration(load.seconds),
            percent(load.seconds / total),
            f"{load.workers:,}",
            size(load.passes),
        )
        for number, load in enumerate(prediction.loads, 1)
    ]


def _node_rows(predictions: Sequence[Prediction]) -> list[tuple[str, ...]]:
    return [
        (f"{p.nodes:,}", duration(p.seconds), duration(p.low), duration(p.high), p.bottleneck)
        for p in predictions
    ]


def _table(titles: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Aligned lines: the first column to the left, the others to the right, words to the left."""
    cells = [titles, *rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    wordy = [not any(row[k][:1].isdigit() for row in rows) for k in range(len(titles))]
    wordy[0] = True
    return [
        "  ".join(
            cell.ljust(width) if words else cell.rjust(width)
            for cell, width, words in zip(row, widths, wordy, strict=True)
        ).rstrip()
        for row in cells
    ]
