# SPDX-License-Identifier: Apache-2.0
"""How a pipeline's requests are made to fit a small cluster."""

from __future__ import annotations

import math
from collections.abc import Sequence

from thresher.planning.plan import Step

_SMALLER = 0.9


def room_on(nodes: Sequence[float], share: float) -> list[int]:
    """CPUs that Xenna may use on each node: it rounds ``cpus * share`` down, node by node."""
    return [math.floor(cpus * share) for cpus in nodes]


def workable_share(nodes: Sequence[float], share: float) -> float:
    """The share; all of them where rounding down would leave no CPU on any node."""
    return share if any(room_on(nodes, share)) else 1.0


def fitted(
    steps: Sequence[Step], nodes: Sequence[float], share: float, *, streaming: bool
) -> tuple[list[float], str]:
    """CPUs to ask for each Step, and what was decided, empty if nothing had to be.

    Xenna's streaming mode runs all stages at once and refuses to start if one worker of each does
    not find a place; batch mode runs one stage after another.

    Parameters
    ----------
    nodes : sequence of float
        The CPUs of each node.
    share : float
        Of them, what Xenna may use.
    """
    requests = [step.resources.cpus * _ranks(step) for step in steps]
    room = room_on(nodes, share)
    if not streaming:
        most = max(room)
        if max(requests) <= most:
            return requests, ""
        note = f"a stage asks for {max(requests):g} CPUs and Xenna may use {most:g}: it gets those"
        return [min(request, most) for request in requests], note
    workers = [1 if s.collective else max(s.workers_on(len(nodes)) or 1, 1) for s in steps]
    scale = 1.0
    needed = sum(request * n for request, n in zip(requests, workers, strict=True))
    if needed > sum(room):
        scale = sum(room) / needed
    while not _fits(scaled := _scaled(requests, scale), workers, room):
        scale *= _SMALLER
    if scale == 1.0:
        return requests, ""
    note = (
        f"the stages ask for {needed:g} CPUs and Xenna may use {sum(room):g} of {sum(nodes):g}: "
        f"every request is scaled down to {scale:.0%}"
    )
    return scaled, note


def _ranks(step: Step) -> int:
    """Workers that are one to Xenna: they run together."""
    return (step.max_workers or 1) if step.collective else 1


def _scaled(requests: Sequence[float], scale: float) -> list[float]:
    if scale == 1.0:
        return list(requests)
    return [math.floor(request * scale * 100) / 100 for request in requests]


def _fits(requests: Sequence[float], workers: Sequence[int], room: Sequence[int]) -> bool:
    """Whether all workers find a place, the largest first, each on the first node with room."""
    left = [float(cpus) for cpus in room]
    places = [r for r, n in zip(requests, workers, strict=True) for _ in range(n)]
    for request in sorted(places, reverse=True):
        found = next((k for k, cpus in enumerate(left) if cpus >= request - 1e-9), None)
        if found is None:
            return False
        left[found] -= request
    return True
