# SPDX-License-Identifier: Apache-2.0
"""How a pipeline's requests are made to fit a small cluster."""

from __future__ import annotations

import math
from collections.abc import Sequence

from thresher.planning.plan import Step


def fitted(
    steps: Sequence[Step], cpus: float, share: float, *, streaming: bool
) -> tuple[list[float], str]:
    """CPUs to ask for each Step, and what was decided, empty if nothing had to be.

    Xenna's streaming mode runs all stages at once and refuses to start if one worker of each does
    not fit into ``floor(cpus * share)``; batch mode runs one stage after another.
    """
    requests = [step.resources.cpus for step in steps]
    room = math.floor(cpus * share) or cpus
    if not streaming:
        if max(requests) <= room:
            return requests, ""
        note = f"a stage asks for {max(requests):g} CPUs and Xenna may use {room:g}: it gets those"
        return [min(request, room) for request in requests], note
    needed = sum(
        request * max(step.max_workers or 1, 1)
        for request, step in zip(requests, steps, strict=True)
    )
    if needed <= room:
        return requests, ""
    scale = room / needed
    note = (
        f"the stages ask for {needed:g} CPUs and Xenna may use {room:g} of {cpus:g}: "
        f"every request is scaled down to {scale:.0%}"
    )
    return [math.floor(request * scale * 100) / 100 for request in requests], note
