# SPDX-License-Identifier: Apache-2.0
"""The executors. A new one is listed in ``ENGINES``."""

from __future__ import annotations

from collections.abc import Callable

from thresher.backends.executor import BaseExecutor
from thresher.backends.ray_actor_pool import RayActorPoolExecutor
from thresher.backends.ray_data import RayDataExecutor
from thresher.backends.xenna import XennaExecutor

ENGINES: dict[str, Callable[[], BaseExecutor]] = {
    "ray actor pool": RayActorPoolExecutor,
    "xenna": XennaExecutor,
    "xenna batch": lambda: XennaExecutor({"execution_mode": "batch"}),
    "ray data": RayDataExecutor,
}
EXECUTORS = tuple(name for name in ENGINES if name != "xenna batch")
"""One entry each, for what the mode of an engine has no say in: Xenna's batch mode is slow."""
