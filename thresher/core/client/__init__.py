# SPDX-License-Identifier: Apache-2.0
"""Clusters of Ray that a script starts for itself."""

from thresher.core.client.ray_client import RayClient as RayClient
from thresher.core.client.slurm import SlurmRayClient as SlurmRayClient
