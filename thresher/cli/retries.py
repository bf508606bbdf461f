# SPDX-License-Identifier: Apache-2.0
"""``thresher retries``."""

from __future__ import annotations

from thresher.backends.slurm_array import (
    build_slurm_array_retry_submissions,
    find_slurm_array_retries,
    format_slurm_array_indices,
)


def list_retries(run_dir: str, max_array_size: int | None) -> None:
    """A line for each array to submit: its indices, the offset, the first number, the total."""
    plan = find_slurm_array_retries(run_dir)
    if plan is None:
        return
    for one in build_slurm_array_retry_submissions(plan, max_array_size):
        array = format_slurm_array_indices(one.array_indices)
        print(array, one.shard_index_offset, plan.minimum_shard_index, plan.total_shards)
