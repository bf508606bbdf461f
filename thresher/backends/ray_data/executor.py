# SPDX-License-Identifier: Apache-2.0
"""RayDataExecutor: Ray Data streams blocks of tasks through pools of actors."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Sequence
from typing import Any

from thresher.backends.ray.blocks import Block
from thresher.backends.ray.cluster import Cluster, engine
from thresher.backends.ray.placement import room_of
from thresher.backends.ray.streaming_executor import Placed, StreamingExecutor
from thresher.backends.ray_data.rows import RowStep, rows_of
from thresher.backends.ray_data.stage_spec import asked_by
from thresher.planning.plan import Step

_KEYS = ("runtime_env", "lost_after_s")


class RayDataExecutor(StreamingExecutor):
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
        Whether no workers are placed on the cluster's head node.

    Raises
    ------
    PlanError
        For unknown keys in ``config``.
    """

    def __init__(
        self, config: dict[str, Any] | None = None, ignore_head_node: bool = False
    ) -> None:
        super().__init__(config, _KEYS, Cluster(), ignore_head_node)

    def asked_by(self, step: Step) -> dict[str, Any]:
        """The Step's ``ray_stage_spec``."""
        return asked_by(step)

    def stream(self, ray: Any, placed: Sequence[Placed], blocks: list[Block]) -> None:
        """Each Step is a ``map_batches`` over blocks of envelopes."""
        data = engine("ray.data")
        _settle(data)
        room = room_of(ray, (), ignore_head_node=self.ignore_head_node)
        dataset = data.from_items(rows_of(blocks), override_num_blocks=len(blocks))
        for one in placed:
            options = one.group.options()
            gpus = one.group.request.gpus or None
            asked = float(one.spec.get("ray_num_cpus", one.step.resources.cpus))
            share = room.cpus / len(placed)
            request = min(asked, share)
            fair = math.floor(share / request) if request else len(blocks)
            environment = options.get("runtime_env")
            selector = options.get("label_selector")
            dataset = dataset.map_batches(
                RowStep,
                fn_constructor_args=(one.task,),
                batch_size=1 if gpus else None,  # rows; with GPUs Ray Data insists on a number
                batch_format="numpy",
                zero_copy_batch=True,
                compute=_actors(data, one, room.nodes, min(fair, len(blocks))),
                num_cpus=request,
                num_gpus=gpus,
                **({"runtime_env": environment} if environment else {}),
                **({"label_selector": selector} if selector else {}),
                **(one.spec.get("ray_remote_args") or {}),
            )
        for _ in dataset.iter_internal_ref_bundles():
            pass  # what the last Step makes has been reported


def _actors(data: Any, one: Placed, nodes: int, fair: int) -> Any:
    """The pool of a Step: fixed where it asks for a number of workers, else scaled.

    It begins with ``fair`` many, the Step's share of the cluster, unless it is told otherwise.
    """
    workers = one.step.workers_on(nodes)
    if workers is not None:
        return data.ActorPoolStrategy(size=workers)
    least, most = one.spec.get("min_workers", 1), one.spec.get("max_workers")
    first = least if one.step.resources.requires_gpu else max(fair, least)
    first = one.spec.get("initial_workers", first if most is None else min(first, most))
    return data.ActorPoolStrategy(min_size=least, max_size=most, initial_size=first)


def _settle(data: Any) -> None:
    """No retries but ours, no progress bars, no failed blocks that are passed over."""
    context = data.DataContext.get_current()
    os.environ.setdefault("RAY_DATA_USAGE_DISABLED", "1")  # nothing is reported to anybody
    context.enable_progress_bars = False
    context.max_errored_blocks = 0
    context.actor_task_retry_on_errors = False
    for name in ("print_on_execution_start", "enable_operator_progress_bars"):
        with contextlib.suppress(AttributeError):
            setattr(context, name, False)
