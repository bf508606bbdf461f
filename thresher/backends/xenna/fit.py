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
    asked = [
        step.resources.cpus * max(step.max_workers or 1, 1) if streaming else step.resources.cpus
        for step in steps
    ]
    room = math.floor(cpus * share) or cpus
    needed = sum(asked) if streaming else max(asked)
    if needed <= room:
        return [step.resources.cpus for step in steps], ""
    scale = room / needed
    scaled = [math.floor(step.resources.cpus * scale * 100) / 100 for step in steps]
    note = (
        f"the stages ask for {needed:g} CPUs and Xenna may use {room:g} of {cpus:g}: "
        f"every request is scaled down to {scale:.0%}"
    )
    return scaled, note
