# SPDX-License-Identifier: Apache-2.0
"""The earlier import path of ``RayDataExecutor``."""

from thresher.backends.ray_data import RayDataExecutor as RayDataExecutor
