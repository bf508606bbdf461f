# SPDX-License-Identifier: Apache-2.0
"""Ray Data."""

from thresher.backends.ray_data.executor import RayDataExecutor as RayDataExecutor
