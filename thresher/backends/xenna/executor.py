# SPDX-License-Identifier: Apache-2.0
"""XennaExecutor: Cosmos-Xenna streams and places, and scales each stage by its measured speed."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from thresher.backends.ray.blocks import Block
from thresher.backends.ray.cluster import Cluster, engine
from thresher.backends.ray.config import check_keys
from thresher.backends.ray.leave import HOOK
from thresher.backends.ray.placement import cpus_of_nodes
from thresher.backends.ray.streaming_executor import Placed, StreamingExecutor
from thresher.backends.xenna.fit import fitted, room_on, workable_share
from thresher.backends.xenna.stage import SPEC_KEYS, stage_for
from thresher.errors import PlanError
from thresher.planning.plan import Step
from thresher.stages.resources import Resources

_KEYS = (
    "execution_mode",
    "logging_interval",
    "ignore_failures",
    "cpu_allocation_percentage",
    "autoscale_interval_s",
    "lost_after_s",
)
_MODES = ("streaming", "batch")
_STORES = 4  # times the object store that a run may hold at a time, on disk and in memory
_SMALL_CLUSTER = 16  # CPUs up to which the autoscaler looks more often


class XennaExecutor(StreamingExecutor):
    """Runs pipelines on Cosmos-Xenna 0.3 (Python 3.11) or 0.5 (Python 3.12).

    Connects to the cluster of ``RAY_ADDRESS`` (see
    :class:`~thresher.core.client.RayClient`) or starts one here for the run.

    Parameters
    ----------
    config : dict | None
        ``execution_mode``: ``"streaming"`` (default) or ``"batch"``; ``logging_interval`` (60 s);
        ``ignore_failures`` (False; failures are quarantined by Thresher either way);
        ``cpu_allocation_percentage`` (0.95); ``autoscale_interval_s`` (180, on clusters of up to
        16 CPUs 15); ``lost_after_s``: a node that is silent for so long is given up (20).
    ignore_head_node : bool
        Must be False: Xenna places workers on all nodes.

    Raises
    ------
    PlanError
        For unknown keys or values in ``config``, and for ``ignore_head_node=True``.
    """

    def __init__(
        self, config: dict[str, Any] | None = None, ignore_head_node: bool = False
    ) -> None:
        super().__init__(config, _KEYS, Cluster(dashboard=True, hook=HOOK), ignore_head_node)
        if ignore_head_node:
            raise PlanError(
                "Xenna cannot leave out the head node",
                where="XennaExecutor",
                todo="use RayActorPoolExecutor(ignore_head_node=True), or give the head no CPUs",
            )
        mode = self.config.get("execution_mode", "streaming")
        if mode not in _MODES:
            raise PlanError(
                f"execution_mode={mode!r} is unknown",
                where="XennaExecutor",
                todo=f"use one of {', '.join(map(repr, _MODES))}",
            )
        self.mode = mode

    @property
    def memory(self) -> int:
        """Bytes that parts in flight may take.

        Xenna bounds its queues by the number of tasks, in batch mode not at all: what lies between
        stages, and does not fit the object store, is on disk.
        """
        found = self.cluster.connect().cluster_resources()
        return int(found.get("object_store_memory", 2**32)) * _STORES

    def describe(self) -> str:
        """One line for plans and reports."""
        return f"XennaExecutor: {self.mode}"

    def asked_by(self, step: Step) -> dict[str, Any]:
        """The stages' ``xenna_stage_spec``."""
        return _spec(step)

    def stream(self, ray: Any, placed: Sequence[Placed], blocks: list[Block]) -> None:
        """Each Step is a stage of one Xenna pipeline."""
        v1 = engine("cosmos_xenna.pipelines.v1")
        streaming = self.mode == "streaming"
        nodes = cpus_of_nodes(ray)
        share = float(self.config.get("cpu_allocation_percentage", 0.95))
        share = workable_share(nodes, share)
        steps = tuple(one.step for one in placed)
        requests, note = fitted(steps, nodes, share, streaming=streaming)
        if note:
            self.announce(note)
        specs = []
        for one, request in zip(placed, requests, strict=True):
            ranks = one.group.ranks
            gpus = one.group.request.gpus * max(ranks, 1)
            needed = Resources(cpus=min(request, max(room_on(nodes, share))), gpus=gpus)
            environment = one.group.options().get("runtime_env", {})
            stage = stage_for(one.task, f"Step{one.step.index:02d}", needed, environment)
            workers = 1 if ranks else one.step.max_workers
            specs.append(v1.StageSpec(stage, num_workers=workers, **one.spec))
        config = v1.PipelineConfig(
            execution_mode=v1.ExecutionMode.STREAMING if streaming else v1.ExecutionMode.BATCH,
            logging_interval_s=float(self.config.get("logging_interval", 60)),
            ignore_failures=bool(self.config.get("ignore_failures", False)),
            cpu_allocation_percentage=share,
            return_last_stage_outputs=False,
            actor_pool_verbosity_level=v1.VerbosityLevel.NONE,
            monitoring_verbosity_level=v1.VerbosityLevel.NONE,
            mode_specific=v1.StreamingSpecificSpec(
                autoscale_interval_s=self._autoscale_interval(sum(nodes)),
                executor_verbosity_level=v1.VerbosityLevel.NONE,
            )
            if streaming
            else None,
        )
        with named_to_xenna(ray), _quiet_output():
            v1.run_pipeline(v1.PipelineSpec(input_data=blocks, stages=specs, config=config))

    def _autoscale_interval(self, cpus: float) -> float:
        default = 15.0 if cpus <= _SMALL_CLUSTER else 180.0
        return float(self.config.get("autoscale_interval_s", default))


def _spec(step: Step) -> dict[str, Any]:
    """What the stages of a Step ask of Xenna.

    Raises
    ------
    PlanError
        For keys that Xenna does not know, and for workers asked for twice.
    """
    asked: dict[str, Any] = {}
    for stage in step.stages:
        own = stage.xenna_stage_spec()
        where = f"stage {stage.name!r}"
        todo = "give num_workers to the stage itself: stage.with_(num_workers=...)"
        todo = todo if "num_workers" in own else ""
        check_keys(own, SPEC_KEYS, "xenna_stage_spec", where, todo)
        if own.get("num_workers_per_node") is not None and step.max_workers is not None:
            raise PlanError(
                "it asks for num_workers and for num_workers_per_node",
                where=where,
                todo="give one of them",
            )
        asked.update(own)
    return asked


class _Address:
    """Xenna's questions go to the first cluster of the machine, unless told which.

    It sets variables of Ray's itself, which the next cluster of this process must not inherit: with
    one of them Ray does not tell workers their GPUs. An engine that is slow to end may overlap the
    next one: the last that ends puts back what was there before the first.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._engines = 0
        self._before: dict[str, str] = {}

    @contextlib.contextmanager
    def of(self, ray: Any) -> Iterator[None]:
        """Name the cluster to Xenna until the end of the block."""
        with self._lock:
            if not self._engines:
                self._before = {n: v for n, v in os.environ.items() if n.startswith("RAY_")}
            self._engines += 1
            os.environ["RAY_ADDRESS"] = ray.get_runtime_context().gcs_address
        try:
            yield
        finally:
            with self._lock:
                self._engines -= 1
                if not self._engines:
                    for name in [n for n in os.environ if n.startswith("RAY_")]:
                        if name not in self._before:
                            del os.environ[name]
                    os.environ.update(self._before)


named_to_xenna = _Address().of


@contextlib.contextmanager
def _quiet_output() -> Iterator[None]:
    """Xenna logs to the terminal, where the run's own view is."""
    try:
        loguru = engine("loguru")
    except PlanError:
        yield
        return
    loguru.logger.disable("cosmos_xenna")
    try:
        yield
    finally:
        loguru.logger.enable("cosmos_xenna")
