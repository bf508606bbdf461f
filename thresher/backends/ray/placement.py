# SPDX-License-Identifier: Apache-2.0
"""Which actors a Segment needs: groups of Steps that run on the same resources."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from thresher.backends.guard import needs_guard
from thresher.backends.ray.gpus import least_gpu_memory_gb
from thresher.errors import PlanError
from thresher.planning.plan import Step
from thresher.stages.resources import Resources

GIB = 2**30
_LEAST_CPUS = 0.25  # for which an actor is worth its memory
_HEAD = "node:__internal_head__"


@dataclass(frozen=True)
class Group:
    """Actors that run these Steps.

    Parameters
    ----------
    request : Resources
        Of one actor, with GPU memory as a share of a GPU.
    runtime_env : str
        As JSON; empty for the cluster's own.
    guarded : bool
        Whether the work is done in a child process of the actor.
    not_on : str
        The node that is left out; empty if none is.
    ranks : int
        Of a collective Step, the workers; ``request`` is of one of them, and the actor that leads
        them needs nothing itself.
    """

    steps: tuple[int, ...]
    request: Resources
    size: int
    runtime_env: str = ""
    guarded: bool = False
    not_on: str = ""
    ranks: int = 0

    def options(self) -> dict[str, Any]:
        """What Ray is asked for."""
        options: dict[str, Any] = {"num_cpus": 0 if self.ranks else self.request.cpus}
        if self.request.gpus and not self.ranks:
            options["num_gpus"] = self.request.gpus
        if self.request.memory_gb:
            options["memory"] = int(self.request.memory_gb * GIB)
        if self.runtime_env:
            options["runtime_env"] = json.loads(self.runtime_env)
        if self.not_on:
            options["label_selector"] = {"ray.io/node-id": f"!{self.not_on}"}
        return options


@dataclass(frozen=True)
class Room:
    """What a cluster has: CPUs, GPUs, and the memory of its smallest GPU in GiB (0: unknown).

    ``without`` is the node that is left out; empty if none is.
    """

    cpus: float
    gpus: float = 0.0
    gpu_memory_gb: float = 0.0
    nodes: int = 1
    without: str = ""


def groups_for(steps: Sequence[Step], room: Room) -> tuple[list[Group], list[str]]:
    """Groups of actors that fit, and what was decided on the way, for the log.

    Steps that need neither a GPU nor an environment of their own share all CPUs, with an actor for
    each, or for each fraction that one of them asks for; each of the others has its own actors.

    Raises
    ------
    PlanError
        If a Step needs a GPU and there is none, or more than there is.
    """
    notes: list[str] = []
    own: list[Group] = []
    shared: list[Step] = []
    for step in steps:
        needed = step.resources
        environment = _environment(step)
        if step.collective:
            own.append(_gang(step, environment, room))
            continue
        if not needed.requires_gpu and not environment:
            shared.append(step)
            continue
        share = _gpu_share(step, room)
        request = Resources(cpus=min(needed.cpus, room.cpus), gpus=share)
        fits = _fits(request, room)
        size = min(step.workers_on(room.nodes) or fits, fits)
        guarded = needs_guard(step)
        group = Group((step.index,), request, max(size, 1), environment, guarded, room.without)
        own.append(group)
    taken = sum(group.size * max(group.ranks, 1) * group.request.cpus for group in own)
    if shared:
        least = min(max(step.resources.cpus, _LEAST_CPUS) for step in shared)
        cpus = max(0.0, min(1.0, least, room.cpus - taken))
        left = math.floor((room.cpus - taken) / cpus + 1e-6) if cpus else 1
        left = max(1, min(left, sum(_at_most(step, room) for step in shared)))
        most = max(step.resources.cpus for step in shared)
        if most > room.cpus:
            notes.append(
                f"a stage asks for {most:g} CPUs, the cluster has {room.cpus:g}: "
                "it runs alone on what there is"
            )
        indices = tuple(step.index for step in shared)
        guarded = any(needs_guard(step) for step in shared)
        request = Resources(cpus=cpus)
        own.append(Group(indices, request, left, guarded=guarded, not_on=room.without))
    return own, notes


def _gang(step: Step, environment: str, room: Room) -> Group:
    """The group of a collective Step: one actor, which leads all of its workers.

    Raises
    ------
    PlanError
        If the cluster does not have room for all of them at a time.
    """
    ranks = step.max_workers or 1
    request = Resources(cpus=step.resources.cpus, gpus=_gpu_share(step, room))
    if request.cpus * ranks > room.cpus or request.gpus * ranks > room.gpus:
        gpus = f" and {room.gpus:g} GPUs" if request.gpus else ""
        raise PlanError(
            f"its {ranks} workers start together, and the cluster has {room.cpus:g} CPUs{gpus}",
            where=f"stage {step.stages[0].name!r}",
            todo="ask for fewer workers or less for each, or run on a larger cluster",
        )
    return Group((step.index,), request, 1, environment, not_on=room.without, ranks=ranks)


def _at_most(step: Step, room: Room) -> int:
    """Workers of a Step that can run at a time."""
    fits = math.floor(room.cpus / max(step.resources.cpus, _LEAST_CPUS) + 1e-6)
    return max(1, min(step.workers_on(room.nodes) or fits, fits))


def one_of(group: Group) -> Group:
    """The group with one actor, which asks for no CPU: an engine may have taken them all."""
    return replace(group, request=Resources(cpus=0.0, gpus=group.request.gpus), size=1)


def room_of(ray: Any, steps: Sequence[Step], *, ignore_head_node: bool = False) -> Room:
    """What the connected cluster has for these Steps.

    Raises
    ------
    PlanError
        If the head node is to be left out, and there is no other.
    """
    nodes = [node for node in ray.nodes() if node.get("Alive")]
    head = ""
    if ignore_head_node:
        head = next((n["NodeID"] for n in nodes if _HEAD in n["Resources"]), "")
        nodes = [node for node in nodes if node["NodeID"] != head]
        if not nodes:
            raise PlanError(
                "the cluster has no node beside its head node, which is to be left out",
                where="ignore_head_node=True",
                todo="add nodes to the cluster, or set ignore_head_node=False",
            )

    def total(name: str) -> float:
        return sum(float(node["Resources"].get(name, 0.0)) for node in nodes)

    asks = any(step.resources.gpu_memory_gb for step in steps)
    least = least_gpu_memory_gb(ray) if asks else 0.0
    return Room(total("CPU"), total("GPU"), least, len(nodes), head)


def cpus_of_nodes(ray: Any) -> list[float]:
    """The CPUs of each node that is there."""
    return [float(n["Resources"].get("CPU", 0.0)) for n in ray.nodes() if n.get("Alive")]


def _environment(step: Step) -> str:
    """What Ray is asked for; another interpreter is a child process of ours."""
    found = next((stage.runtime_env for stage in step.stages if stage.runtime_env), None) or {}
    found = {name: value for name, value in found.items() if name != "py_executable"}
    return json.dumps(found, sort_keys=True) if found else ""


def _gpu_share(step: Step, room: Room) -> float:
    needed = step.resources
    if not needed.requires_gpu:
        return 0.0
    if room.gpus == 0:
        raise PlanError(
            "it needs a GPU, and the cluster has none",
            where=f"stage {step.stages[0].name!r}",
            todo="run on a cluster with GPUs, or take the stage's GPU out of its resources",
        )
    if needed.gpus > room.gpus:
        raise PlanError(
            f"it needs {needed.gpus:g} GPUs, and the cluster has {room.gpus:g}",
            where=f"stage {step.stages[0].name!r}",
            todo="ask for fewer, or run on a larger cluster",
        )
    if needed.gpus:
        return needed.gpus
    if not room.gpu_memory_gb:
        return 1.0  # nobody knows how much there is
    share = needed.gpu_memory_gb / room.gpu_memory_gb
    if share > 1:
        raise PlanError(
            f"it needs {needed.gpu_memory_gb:g} GiB of GPU memory, and a GPU here has "
            f"{room.gpu_memory_gb:g}",
            where=f"stage {step.stages[0].name!r}",
            todo="use a smaller model or batch, or larger GPUs",
        )
    return round(math.ceil(share * 100) / 100, 2)


def _fits(request: Resources, room: Room) -> int:
    by_cpu = math.floor(room.cpus / request.cpus) if request.cpus else 2**31
    by_gpu = math.floor(room.gpus / request.gpus) if request.gpus else 2**31
    return max(1, min(by_cpu, by_gpu))
