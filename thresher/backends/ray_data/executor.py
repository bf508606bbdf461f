# SPDX-License-Identifier: Apache-2.0
"""RayDataExecutor: Ray Data streams blocks of tasks through pools of actors."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from threading import Event as CancelEvent
from typing import Any

from thresher.backends.context import RunContext
from thresher.backends.executor import BaseExecutor, Message, PartSource
from thresher.backends.guard import needs_guard
from thresher.backends.ray.cluster import Cluster, engine, quietly
from thresher.backends.ray.config import checked_config, not_without_head, runtime_env_of
from thresher.backends.ray.engine_step import EngineStep
from thresher.backends.ray.mailbox import opened
from thresher.backends.ray.placement import Group, groups_for, one_of, room_of
from thresher.backends.ray.pool import RayPool
from thresher.backends.ray.streamed import Streamed
from thresher.backends.ray_data.blocks import BlockStep, block_count, rows_of
from thresher.backends.ray_data.stage_spec import asked_by
from thresher.backends.server import Envelope
from thresher.backends.supervisor import packed
from thresher.planning.machine import Machine
from thresher.planning.plan import Step

_KEYS = ("runtime_env", "lost_after_s")
LOST_AFTER_SECONDS = 20.0


class RayDataExecutor(BaseExecutor):
    """Runs pipelines on Ray Data.

    Connects to the cluster of ``RAY_ADDRESS`` (see
    :class:`~thresher.core.client.RayClient`) or starts one here for the run. Each Step is a pool
    of actors that Ray Data scales; small tasks travel in blocks.

    Parameters
    ----------
    config : dict | None
        ``runtime_env`` for all workers, ``lost_after_s``: a node that is silent for so many
        seconds is given up (20).
    ignore_head_node : bool
        Must be False so far: give the head node no CPUs (``num_cpus=0``) instead.

    Raises
    ------
    PlanError
        For unknown keys in ``config``, and for ``ignore_head_node=True``.
    """

    def __init__(
        self, config: dict[str, Any] | None = None, ignore_head_node: bool = False
    ) -> None:
        self.config = checked_config("RayDataExecutor", config, _KEYS)
        if ignore_head_node:
            raise not_without_head(type(self).__name__)
        self.ignore_head_node = ignore_head_node
        self.memory = sys.maxsize  # Ray Data bounds its queues itself
        self._cluster = Cluster()

    def machine(self) -> Machine | None:
        """The largest node, once the cluster is known."""
        return self._cluster.machine()

    def prepare(self) -> None:
        """Connect to the cluster."""
        self._cluster.connect()

    def run_segment(
        self,
        steps: tuple[Step, ...],
        context: RunContext,
        parts: PartSource,
        sink: Callable[[Message], None],
        cancel: CancelEvent,
    ) -> None:
        """Give fresh attempts to Ray Data, and those that failed to a pool of actors."""
        with quietly():
            ray = self._cluster.connect()
            groups, notes = groups_for(steps, room_of(ray))
            for note in notes:
                self.announce(note)
            asked = [asked_by(step) for step in steps]
            blob = packed(steps, context)
            mailbox = opened(ray)
            reference = ray.put(blob)
            paths = tuple(path for path in sys.path if path)
            tasks = [
                EngineStep(step.index, reference, mailbox, needs_guard(step), paths)
                for step in steps
            ]

            def stream(envelopes: list[Envelope]) -> None:
                self._stream(ray, steps, tasks, groups, asked, envelopes)

            def pool() -> RayPool:
                return RayPool(
                    ray, blob, [one_of(group) for group in groups],
                    lost_after_s=float(self.config.get("lost_after_s", LOST_AFTER_SECONDS)),
                )  # fmt: skip

            Streamed(ray, steps, stream, mailbox, pool, parts, sink).run(cancel)

    def close(self) -> None:
        """Leave the cluster; end it if it was started for this run."""
        self._cluster.close()

    def _stream(
        self,
        ray: Any,
        steps: tuple[Step, ...],
        tasks: list[EngineStep],
        groups: list[Group],
        asked: list[dict[str, Any]],
        envelopes: list[Envelope],
    ) -> None:
        data = engine("ray.data")
        _settle(data)
        of_step = {index: group for group in groups for index in group.steps}
        cpus = room_of(ray).cpus
        blocks = block_count(len(envelopes), cpus)
        dataset = data.from_items(rows_of(envelopes), override_num_blocks=blocks)
        for step, task, spec in zip(steps, tasks, asked, strict=True):
            group = runtime_env_of(of_step[step.index], self.config)
            request = float(spec.get("ray_num_cpus", step.resources.cpus))
            dataset = dataset.map_batches(
                BlockStep,
                fn_constructor_args=(task,),
                batch_size=None,
                batch_format="numpy",
                zero_copy_batch=True,
                compute=_actors(data, step, spec),
                num_cpus=min(request, cpus / len(steps)),
                num_gpus=group.request.gpus or None,
                **({"runtime_env": env} if (env := group.options().get("runtime_env")) else {}),
                **(spec.get("ray_remote_args") or {}),
            )
        for _ in dataset.iter_internal_ref_bundles():
            pass  # what the last Step makes has been reported


def _actors(data: Any, step: Step, spec: dict[str, Any]) -> Any:
    """The pool of a Step: fixed where it asks for a number of workers, else scaled."""
    if step.max_workers is not None:
        return data.ActorPoolStrategy(size=step.max_workers)
    return data.ActorPoolStrategy(
        min_size=spec.get("min_workers", 1),
        max_size=spec.get("max_workers"),
        initial_size=spec.get("initial_workers"),
    )


def _settle(data: Any) -> None:
    """No retries but ours, no progress bars, no failed blocks that are passed over."""
    context = data.DataContext.get_current()
    context.enable_progress_bars = False
    context.max_errored_blocks = 0
    context.actor_task_retry_on_errors = False
    for name in ("print_on_execution_start", "enable_operator_progress_bars"):
        with contextlib.suppress(AttributeError):
            setattr(context, name, False)
