# SPDX-License-Identifier: Apache-2.0
"""How much memory GPUs have: asked on the nodes that have them, not on the driver's."""

from __future__ import annotations

import subprocess
from typing import Any

from thresher.backends.ray.cluster import engine

RESOURCE = "gpu_memory_gb"
"""A node may be started with this resource, in GiB; then it is not asked."""
_ANSWER_WITHIN_SECONDS = 30.0
_QUESTION = ("nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits")


def least_gpu_memory_gb(ray: Any) -> float:
    """GiB of the smallest GPU of the cluster; 0 where nobody knows."""
    nodes = [n for n in ray.nodes() if n.get("Alive") and n["Resources"].get("GPU")]
    known = [float(n["Resources"][RESOURCE]) for n in nodes if RESOURCE in n["Resources"]]
    unknown = [n["NodeID"] for n in nodes if RESOURCE not in n["Resources"]]
    affinity = engine("ray.util.scheduling_strategies").NodeAffinitySchedulingStrategy
    ask = ray.remote(num_cpus=0, max_retries=0)(told_here)
    asked = [
        ask.options(scheduling_strategy=affinity(node, soft=False)).remote() for node in unknown
    ]
    if asked:
        answered, _ = ray.wait(asked, num_returns=len(asked), timeout=_ANSWER_WITHIN_SECONDS)
        known += [amount for amount in ray.get(answered) if amount]
    return min(known, default=0.0)


def told_here() -> float:
    """GiB of this machine's smallest GPU, by ``nvidia-smi``; 0 if it cannot be told."""
    try:
        told = subprocess.run(_QUESTION, capture_output=True, text=True, check=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return 0.0
    return smallest(told.stdout)


def smallest(answer: str) -> float:
    """The least of what ``nvidia-smi`` prints, MiB of a GPU in each line, in GiB."""
    amounts = [float(line) for line in answer.split("\n") if line.strip().isdecimal()]
    return min(amounts, default=0.0) / 1024
