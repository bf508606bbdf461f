# SPDX-License-Identifier: Apache-2.0
"""What Slurm says about the job that this process is part of."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass

from thresher.core.client.node_list import expand_node_list
from thresher.errors import EngineError


@dataclass(frozen=True)
class Allocation:
    """A job, and this process's place in it.

    Parameters
    ----------
    job : str
        Number of the job; an array task has one of its own.
    nodes : tuple of str
        Names of the nodes: of the job's step, if this is part of one.
    index : int
        Number of this node; 0 is the head.
    """

    job: str
    nodes: tuple[str, ...]
    index: int

    @classmethod
    def from_environment(cls) -> Allocation | None:
        """The job of this process; None outside of one.

        Raises
        ------
        EngineError
            If a variable of Slurm is not understood, or this is not the first task on its node.
        """
        environ = os.environ
        job = environ.get("SLURM_JOB_ID")
        if not job:
            return None
        if number("SLURM_LOCALID"):
            raise EngineError(
                "a node of this job runs the script more than once, and each would start Ray",
                f"Slurm job {job}",
                "use srun --ntasks-per-node=1",
            )
        nodes = environ.get("SLURM_STEP_NODELIST") or environ.get("SLURM_JOB_NODELIST")
        names = node_names(nodes) if nodes else ["localhost"]
        return cls(job, tuple(names), number("SLURM_NODEID") or 0)


def node_names(text: str) -> list[str]:
    """The names of a node list, as Slurm expands it, and where it is not at hand as we do."""
    if scontrol := shutil.which("scontrol"):
        try:
            asked = subprocess.run(
                [scontrol, "show", "hostnames", text],
                capture_output=True,
                text=True,
                timeout=10,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            asked = None
        if asked is not None and asked.returncode == 0 and asked.stdout.strip():
            return asked.stdout.split()
    return expand_node_list(text)


def number(name: str) -> int | None:
    """A variable's number, of ``a100:2`` the 2; None if it is not set.

    Raises
    ------
    EngineError
        If it is no number.
    """
    text = os.environ.get(name, "").rpartition(":")[2]
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        raise EngineError(f"{text!r} is not a number", name) from None
