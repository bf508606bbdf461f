# SPDX-License-Identifier: Apache-2.0
"""A Step as a stage of Cosmos-Xenna."""

from __future__ import annotations

from typing import Any

from thresher.backends.ray.cluster import engine
from thresher.backends.ray.engine_step import EngineStep
from thresher.stages.base import Collective
from thresher.stages.resources import Resources

SPEC_KEYS = (
    "num_workers_per_node",
    "num_setup_attempts_python",
    "num_run_attempts_python",
    "ignore_failures",
    "reset_workers_on_failure",
    "slots_per_actor",
    "worker_max_lifetime_m",
    "worker_restart_interval_m",
    "max_setup_failure_percentage",
    "over_provision_factor",
)


class Environment:
    """A Ray ``runtime_env`` as Xenna takes it, which by itself knows only conda and variables."""

    def __init__(self, wanted: dict[str, Any]) -> None:
        self._wanted = wanted
        self.conda = None
        self.extra_env_vars: dict[str, str] = dict(wanted.get("env_vars", {}))

    def to_ray_runtime_env(self) -> Any:
        """What Ray is given."""
        found = {**self._wanted, "env_vars": dict(self.extra_env_vars)}
        return engine("ray").runtime_env.RuntimeEnv(**found)

    def format(self) -> str:
        """One line for Xenna's log."""
        return ", ".join(sorted(self._wanted))


def stage_for(step: EngineStep, name: str, needed: Resources, runtime_env: dict[str, Any]) -> Any:
    """An instance of a class of Xenna's, of its own name.

    A collective Step on GPUs is one of Xenna's SPMD stages, which start a worker for each GPU; on
    CPUs, where Xenna has none, its worker starts the others.
    """
    v1 = engine("cosmos_xenna.pipelines.v1")
    spmd = step.ranks > 0 and needed.requires_gpu

    class _Stage(v1.Stage):  # type: ignore[misc, name-defined]
        @property
        def stage_batch_size(self) -> int:
            return 1

        @property
        def required_resources(self) -> Any:
            return v1.Resources(cpus=needed.cpus, gpus=needed.gpus, is_spmd=spmd)

        @property
        def env_info(self) -> Any:
            return Environment(runtime_env) if runtime_env else None

        def setup(self, worker_metadata: Any) -> None:
            step.start(_place(worker_metadata) if spmd else None)

        def process_data(self, in_data: list[Any]) -> list[Any]:
            return [made for block in in_data for made in step.call(block)]

        def destroy(self) -> None:
            """Called by Xenna 0.5 and later."""
            step.stop()

    _Stage.__name__ = _Stage.__qualname__ = name
    return _Stage()


def _place(worker: Any) -> Collective:
    """The rank that Xenna gives a worker of an SPMD stage."""
    meeting = worker.rendevous_params
    address = f"{meeting.master_addr}:{meeting.master_port}"
    return Collective(worker.rank, worker.world_size, address)
