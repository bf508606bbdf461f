# SPDX-License-Identifier: Apache-2.0
"""Pipeline: the stages in the order asked for; running never changes it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, Literal

from thresher.errors import PlanError
from thresher.stages.base import CompositeStage

if TYPE_CHECKING:
    from thresher.backends.executor import BaseExecutor
    from thresher.pipeline.result import RunResult
    from thresher.planning.plan import Plan
    from thresher.runs.array_task import SlurmArrayConfig
    from thresher.runs.report import Observer
    from thresher.runs.retrying import Which
    from thresher.tasks import Task


class Pipeline:
    """Stages that run one after another.

    Parameters
    ----------
    name : str
        Names the run's own folder; a pipeline keeps its ledger under it.
    description : str | None
        For people.
    stages : Iterable | None
        Stages, composites, or filters and modifiers, which stand for ``ScoreFilter(it)`` and
        ``Modify(it)``.
    config : dict | None
        Free for the caller; ``fusion=False`` keeps every stage a Step of its own.
    on_error : str
        ``"quarantine"`` sets records that fail aside with the reason; ``"raise"`` stops.
    max_error_rate : float
        Share of records in quarantine above which the run stops; judged from 1,000 records on,
        and at the end.
    tokenizer : str | None
        A Hugging Face ``tokenizer.json``: statistics then also count tokens, stage by stage.
    """

    def __init__(
        self,
        name: str,
        description: str | None = None,
        stages: Iterable[Any] | None = None,
        config: dict[str, Any] | None = None,
        *,
        on_error: Literal["quarantine", "raise"] = "quarantine",
        max_error_rate: float = 0.01,
        tokenizer: str | None = None,
    ) -> None:
        if not isinstance(name, str) or not name.strip():
            raise PlanError("a pipeline needs a name", todo="Pipeline(name='...')")
        if on_error not in ("quarantine", "raise"):
            raise PlanError(f"on_error={on_error!r}", todo="use 'quarantine' or 'raise'")
        if not 0 <= max_error_rate <= 1:
            raise PlanError(
                f"max_error_rate={max_error_rate!r} is no share", todo="give a number from 0 to 1"
            )
        self.name = name
        self.description = description
        self.stages: list[Any] = []
        self.config = dict(config or {})
        self.on_error: Literal["quarantine", "raise"] = on_error
        self.max_error_rate = max_error_rate
        self.tokenizer = tokenizer
        for stage in stages or ():
            self.add_stage(stage)

    def add_stage(self, stage: Any) -> Pipeline:
        """Append a stage, filter or modifier; returns the pipeline.

        Raises
        ------
        PlanError
            (also a ValueError) if it is none of these.
        """
        if isinstance(stage, type) or not callable(getattr(stage, "as_stage", None)):
            hint = f"{stage.__name__}(...)" if isinstance(stage, type) else "SomeStage(...)"
            raise PlanError(
                f"{stage!r} is not a stage",
                where=f"pipeline {self.name!r}, stage {len(self.stages) + 1}",
                todo=f"add an instance: {hint}",
            )
        self.stages.append(stage)
        return self

    def plan(
        self,
        executor: BaseExecutor | None = None,
        initial_tasks: Sequence[Task[Any]] | None = None,
        *,
        limit: int | None = None,
    ) -> Plan:
        """What would run. Reads a sample of the input, and writes nothing.

        Raises
        ------
        PlanError
            With every mistake found, in ``mistakes``.
        """
        from thresher.planning.compile import compile_plan

        fusion = bool(self.config.get("fusion", True))
        stages = self.counted_stages()
        machine = executor.machine() if executor is not None else None
        return compile_plan(
            self.name, stages, initial_tasks, limit=limit, fusion=fusion, machine=machine
        )

    def counted_stages(self) -> list[Any]:
        """The stages; with a counter of tokens where documents begin, if a tokenizer is given."""
        if self.tokenizer is None:
            return self.stages
        from thresher.stages.text.tokens import TokenCounter, documents_begin

        place = documents_begin(self.stages)
        return [*self.stages[:place], TokenCounter(self.tokenizer), *self.stages[place:]]

    def run(
        self,
        executor: BaseExecutor | None = None,
        initial_tasks: Sequence[Task[Any]] | None = None,
        *,
        run_dir: str | PathLike[str] | None = None,
        resume: bool = True,
        checkpoint_path: str | PathLike[str] | None = None,
        fresh_from: str | None = None,
        limit: int | None = None,
        take_over: bool = False,
        observer: Observer | None = None,
        shard: str | tuple[int, int] | SlurmArrayConfig | None = None,
        wait: float = 60.0,
        retry_failed: bool | Literal["all"] = True,
    ) -> RunResult:
        """Run the pipeline, or what is left of it.

        Parameters
        ----------
        executor : BaseExecutor | None
            ``LocalExecutor()`` when not given.
        initial_tasks : Sequence[Task] | None
            What the first stage is given, where it is no reader.
        run_dir : path | None
            Where the run keeps its ledger; ``<output>/_thresher/<name>`` when not given. Without
            a writer a temporary folder, which cannot be resumed.
        resume : bool
            Skip what is done already. False does everything anew.
        checkpoint_path : path | None
            Another name for ``run_dir``.
        fresh_from : str | None
            Do anew what stands from this stage on; work is kept up to the Checkpoint before it.
        limit : int | None
            Only the first records, in part order.
        take_over : bool
            Run even if another driver seems to hold the run; that one stops.
        observer : Observer | None
            Is told how the run goes; a live view on a terminal when not given.
        shard : str | tuple[int, int] | SlurmArrayConfig | None
            Run one share of the parts only, as one of several drivers that share the run
            directory: ``"0/4"`` or ``(0, 4)`` is the first of four, ``"slurm"`` the one that
            this task of a Slurm array stands for. The last one publishes.
        wait : float
            Seconds to wait for the other drivers, once the share is done; after that the result's
            status is ``"waiting"``, and the same call goes on from there.
        retry_failed : bool | "all"
            Try again what failed in an earlier run (parts, and rows on which a stage failed), in 3
            further runs at most for one cause in one environment. ``"all"`` does nothing else, and
            tries every part with rows in quarantine again, however often that was done.

        Raises
        ------
        ThresherError
            Whatever went wrong, with what to do about it.
        """
        from thresher.pipeline.session import Session

        if run_dir is not None and checkpoint_path is not None:
            raise PlanError(
                "run_dir and checkpoint_path are two names for one thing", todo="give one"
            )
        folder = run_dir if run_dir is not None else checkpoint_path
        how: dict[str, Any] = {
            "run_dir": None if folder is None else fspath(folder),
            "resume": resume,
            "fresh_from": fresh_from,
            "take_over": take_over,
            "observer": observer,
            "retry": _which(retry_failed),
        }
        if shard is not None:
            from thresher.pipeline.sharded import ShardedSession
            from thresher.runs.shard import Shard

            share = Shard.of(shard, os.environ)
            if share.count > 1:
                return ShardedSession(self, executor, share, wait, **how).run(initial_tasks, limit)
        return Session(self, executor, **how).run(initial_tasks, limit)

    def describe(self) -> str:
        """The pipeline in words, stage by stage; problems are told, not raised."""
        lines = [
            f"Pipeline: {self.name}",
            f"Description: {self.description or 'No description provided'}",
            f"Stages: {len(self.stages)}",
        ]
        for number, given in enumerate(self.stages, 1):
            try:
                lines += _describe(number, given.as_stage())
            except Exception as error:  # a stage of the user's may raise anything
                lines.append(f"Stage {number}: error: {error}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        stages = ", ".join(f"{s.as_stage().name}({type(s).__name__})" for s in self.stages)
        return f"Pipeline(name={self.name!r}, stages=[{stages}])"


def _which(retry_failed: object) -> Which:
    if retry_failed == "all":
        return "all"
    if isinstance(retry_failed, bool):
        return "failed" if retry_failed else "none"
    raise PlanError(
        f"retry_failed={retry_failed!r} is none of True, False and 'all'",
        todo="True tries again what failed, 'all' everything that is in quarantine",
    )


def _describe(number: int, stage: Any) -> list[str]:
    needs = stage.resources
    lines = ["", f"Stage {number}: {stage.name}"]
    if isinstance(stage, CompositeStage):
        lines.append(f"  {stage.get_description()}")
    lines.append(f"  Resources: {needs.cpus:g} CPUs")
    if needs.requires_gpu:
        lines.append(f"  GPU: {needs.gpu_memory_gb:g} GB ({needs.gpus:g} GPUs)")
    lines.append(f"  Batch size: {stage.batch_size}")
    for title, (attributes, columns) in (
        ("Inputs", stage.inputs()),
        ("Outputs", stage.outputs()),
    ):
        verb = "Required" if title == "Inputs" else "Output"
        if attributes or columns:
            lines.append(f"  {title}:")
        if attributes:
            lines.append(f"    {verb} attributes: {', '.join(attributes)}")
        if columns:
            lines.append(f"    {verb} columns: {', '.join(columns)}")
    return lines
