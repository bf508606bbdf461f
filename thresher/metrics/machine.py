# SPDX-License-Identifier: Apache-2.0
"""What the driver's machine tells: room on its disks, memory of its GPUs."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from thresher.metrics.values import Values

_GPU_QUERY = "--query-gpu=index,memory.used,memory.total"


def sample_disks(values: Values, output: str) -> None:
    """Free and total bytes under the output, if that is a local path, and for scratch files."""
    for place, path in (("output", output), ("scratch", tempfile.gettempdir())):
        if not path or "://" in path:
            continue
        there = next((p for p in (Path(path), *Path(path).parents) if p.exists()), None)
        if there is None:
            continue
        usage = shutil.disk_usage(there)
        values.set("disk_free_bytes", usage.free, place)
        values.set("disk_size_bytes", usage.total, place)


def sample_gpus(values: Values) -> None:
    """Used and total memory of every GPU that ``nvidia-smi`` lists; nothing without it."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return
    try:
        ran = subprocess.run(
            [tool, _GPU_QUERY, "--format=csv,noheader,nounits"],
            capture_output=True, text=True, timeout=5, check=True,
        )  # fmt: skip
        for line in ran.stdout.splitlines():
            gpu, used, total = (field.strip() for field in line.split(","))
            values.set("gpu_memory_bytes", int(used) * 2**20, gpu)
            values.set("gpu_memory_limit_bytes", int(total) * 2**20, gpu)
    except (OSError, ValueError, subprocess.SubprocessError):
        return  # a GPU that does not answer is none to report on
