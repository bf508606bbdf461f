# SPDX-License-Identifier: Apache-2.0
"""Ray actors as workers."""

from thresher.backends.ray_actor_pool.executor import RayActorPoolExecutor as RayActorPoolExecutor
