# SPDX-License-Identifier: Apache-2.0
"""``thresher run``."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from thresher.catalog import catalog
from thresher.cli import exit_codes
from thresher.cli.command import remember
from thresher.cli.plan import print_plan
from thresher.config import Recipe, load_recipe
from thresher.config.dump import short_name
from thresher.errors import ThresherError
from thresher.metrics.switch import metrics_at
from thresher.runs.report.closing import failed_in_words
from thresher.runs.report.live import view_for
from thresher.runs.report.observer import Observer, Observers, RunStart
from thresher.runs.report.plain import PlainView, SilentView

if TYPE_CHECKING:
    from thresher.pipeline import RunResult
    from thresher.runs.report.closing import Hints


_CODES = {
    "complete with failures": exit_codes.FAILURES,
    "interrupted": exit_codes.INTERRUPTED,
    "waiting": exit_codes.AGAIN,
}


@dataclass(frozen=True)
class RunOptions:
    """What was asked for on the command line."""

    recipe: str
    sets: tuple[str, ...]
    dry_run: bool
    limit: int | None
    workers: int | None
    memory: str | None
    run_dir: str | None
    fresh: bool
    fresh_from: str | None
    take_over: bool
    shard: str | None
    wait: float
    as_json: bool
    quiet: bool
    no_progress: bool
    metrics_port: int | None
    trust: bool
    retry_failed: bool | Literal["all"] = True


def run_recipe(options: RunOptions) -> int:
    """Run it and say how it went; returns the exit code."""
    try:
        with metrics_at(options.metrics_port):
            return _run_recipe(options)
    except ThresherError as error:
        if options.as_json and not options.dry_run:
            print(json.dumps(error_as_json(error), indent=2))
        raise


def _run_recipe(options: RunOptions) -> int:
    sets = (*options.sets, *_executor_sets(options))
    recipe = load_recipe(options.recipe, sets, trust=options.trust)
    if recipe.trusted and not (options.quiet or options.as_json):
        print(f"trusted: the recipe {', '.join(recipe.trusted)}")
    try:
        if options.dry_run:
            print_plan(recipe, options.as_json, options.limit)
            return exit_codes.OK
        result = recipe.pipeline.run(
            recipe.executor,
            run_dir=options.run_dir or recipe.run_dir,
            resume=not options.fresh,
            fresh_from=options.fresh_from,
            limit=options.limit,
            take_over=options.take_over,
            observer=Observers(_Remembering(options), _view(options, recipe)),
            shard=options.shard,
            wait=options.wait,
            retry_failed=options.retry_failed,
        )
    except ThresherError as error:
        raise recipe.located(error) from error
    if options.as_json:
        print(json.dumps(as_json(result), indent=2))
    if result.status == "waiting":
        print("this shard is done, others are not: run the same command again", file=sys.stderr)
    if result.failures and options.quiet:
        print(failed_in_words(result.failures), file=sys.stderr)
    return _CODES.get(result.status, exit_codes.OK)


def as_json(result: RunResult) -> dict[str, Any]:
    """What a program wants to know of a run."""
    return {
        "status": result.status,
        "output": result.output,
        "run_dir": result.run_dir,
        "manifest": result.manifest_path,
        "quarantine": result.quarantine_dir,
        "quarantined": result.quarantined,
        "failures": [asdict(failure) for failure in result.failures],
        "stages": [counts.to_dict() for counts in result.counts],
    }


def error_as_json(error: ThresherError) -> dict[str, Any]:
    """What a program wants to know of a run that ended with an error."""
    mistakes = getattr(error, "mistakes", ())
    return {
        "status": "failed",
        "error": {"what": error.what, "where": error.where, "todo": error.todo},
        "mistakes": [{"what": m.what, "where": m.where, "todo": m.todo} for m in mistakes],
    }


def _executor_sets(options: RunOptions) -> list[str]:
    sets = []
    if options.workers is not None:
        sets.append(f"executor.workers={options.workers}")
    if options.memory is not None:
        sets.append(f"executor.memory={json.dumps(options.memory)}")
    return sets


class _Remembering(Observer):
    """Keeps the command in the folder of its run."""

    def __init__(self, options: RunOptions) -> None:
        self.options = options

    def started(self, start: RunStart) -> None:
        """The run's folder is known."""
        remember(start.run_dir, self.options)


def _view(options: RunOptions, recipe: Recipe) -> Observer:
    if options.quiet:
        return SilentView()
    # With --json, standard output belongs to the program that reads it.
    stream = sys.stderr if options.as_json else sys.stdout
    hints = () if options.as_json else _hints(options, recipe)
    return PlainView(stream, hints) if options.no_progress else view_for(stream, hints)


def _hints(options: RunOptions, recipe: Recipe) -> Hints:
    known = catalog()
    names = [name for each in recipe.pipeline.stages if (name := short_name(each)) in known]
    # Something in the middle is more worth a look than the reader or the writer.
    name = names[len(names) // 2] if names else "JsonlReader"
    return (
        (f"thresher plan {options.recipe}", "the steps, and which columns they use"),
        (f"thresher show {name}", "what a stage does and how to set it"),
        ("thresher list --kind filter", "other filters; add one and run again"),
    )
