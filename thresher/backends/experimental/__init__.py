# SPDX-License-Identifier: Apache-2.0
"""Earlier import paths of the executors on Ray."""

from thresher.backends.ray_actor_pool import RayActorPoolExecutor as RayActorPoolExecutor
from thresher.backends.ray_data import RayDataExecutor as RayDataExecutor
