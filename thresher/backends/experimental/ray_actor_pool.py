# SPDX-License-Identifier: Apache-2.0
"""The earlier import path of ``RayActorPoolExecutor``."""

from thresher.backends.ray_actor_pool import RayActorPoolExecutor as RayActorPoolExecutor
