# SPDX-License-Identifier: Apache-2.0
"""A Ray cluster on all nodes of a Slurm job."""

from __future__ import annotations

import os
import shutil
import sys
import time
import warnings
from dataclasses import dataclass, field

from thresher.core.client import authentication
from thresher.core.client.allocation import Allocation, number
from thresher.core.client.environment import ray_environment
from thresher.core.client.head import node_arguments
from thresher.core.client.holding import PRIVATE, Holding
from thresher.core.client.meeting_point import FOLDER, Head, MeetingPoint
from thresher.core.client.ports import Claims, answers
from thresher.core.client.ray_client import ADDRESS, RayClient
from thresher.errors import EngineError

HEAD_TIMEOUT_S = 600.0
POLL_S = 0.5
MISSES = 3
"""A file must be gone as often; one look at a network file system is no proof."""


class ConnectTimeout(EngineError, TimeoutError):
    """Nodes of a job did not meet in time (also a TimeoutError)."""


@dataclass
class SlurmRayClient(RayClient):
    """A Ray cluster on all nodes of a Slurm job, each of which runs the same script.

    Start the script with ``srun --ntasks-per-node=1``. On the first node :meth:`start` starts the
    cluster's head and returns when all nodes have joined. On the others it joins the head and does
    not return: it ends the process when the cluster ends, with code 0 if the head ended in order
    and else with that of ``ray start``. So what follows ``start`` runs once.

    With ``RAY_ADDRESS`` set, or outside of a Slurm job (with a warning), it is a ``RayClient``.

    The nodes meet in a file below ``RAY_PORT_BROADCAST_DIR`` (``/tmp`` unless set), which must be a
    folder that all of them see. It holds Ray's token and is readable by its owner only.

    Parameters
    ----------
    ray_dashboard_host : str
        Address at which the dashboard listens.
    num_cpus, num_gpus : int, optional
        ``SLURM_CPUS_ON_NODE`` and ``SLURM_GPUS_ON_NODE`` unless told.
    worker_connect_timeout_s : int
        Seconds that the head waits for the other nodes.
    cleanup_on_start : bool
        Whether the head first removes what an earlier run of the same job has left on its node: the
        file of the meeting, and private temporary folders. Nothing else is touched, and no process:
        those of a requeued job Slurm has ended itself, and others are not ours to end.

    Other parameters are those of ``RayClient``.
    """

    ray_dashboard_host: str = "0.0.0.0"
    worker_connect_timeout_s: int = 300
    cleanup_on_start: bool = True

    _allocation: Allocation | None = field(default=None, init=False, repr=False, compare=False)
    _meeting: MeetingPoint | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if os.environ.get("SLURM_JOB_ID"):
            if self.num_cpus is None:
                self.num_cpus = number("SLURM_CPUS_ON_NODE")
            if self.num_gpus is None:
                self.num_gpus = number("SLURM_GPUS_ON_NODE")

    def start(self) -> None:
        """Start or join the cluster of this job; returns on the head only.

        Raises
        ------
        EngineError
            As ``RayClient.start``; also if a node runs the script twice.
        TimeoutError
            If the nodes do not meet in time (also an EngineError); the cluster is ended.
        PlanError
            If Ray is not installed.
        SystemExit
            On the other nodes, when the cluster has ended.
        """
        if self._address is not None:
            return
        self._allocation = Allocation.from_environment()
        if self._allocation is None and ADDRESS not in os.environ:
            warnings.warn(
                "this is no Slurm job: the cluster is this machine alone (start the script with "
                "srun)",
                stacklevel=2,
            )
        super().start()

    def _prefix(self) -> str:
        job = self._allocation and self._allocation.job
        return f"thresher-job-{job}-" if job else super()._prefix()

    def _bring_up(self, holding: Holding) -> None:
        if self._allocation is None:
            super()._bring_up(holding)
            return
        if self.cleanup_on_start:
            remove_leftovers(self._prefix())
        meeting = MeetingPoint(self._allocation)
        if self._allocation.index == 0:
            self._be_head(holding, self._allocation, meeting)
        else:
            self._be_worker(holding, meeting)

    def _be_head(self, holding: Holding, allocation: Allocation, meeting: MeetingPoint) -> None:
        if self.cleanup_on_start:
            meeting.withdraw()
        self._meeting = meeting
        holding.remove.append(meeting.path)  # for the case that this process is killed
        node = self._launch_head(holding)
        assert self._address is not None
        meeting.publish(Head(self._address, authentication.token()))
        wanted = len(allocation.nodes)
        there = node.wait_for_nodes(self._address, wanted, self.worker_connect_timeout_s)
        if there < wanted:
            raise ConnectTimeout(
                f"{there} of {wanted} nodes joined the cluster within "
                f"{self.worker_connect_timeout_s} s",
                f"Slurm job {allocation.job}",
                "start the script with srun on every node, and set "
                f"{FOLDER} to a folder that all of them see",
            )

    def _be_worker(self, holding: Holding, meeting: MeetingPoint) -> None:
        head = wait_for_head(meeting, HEAD_TIMEOUT_S)
        environment = ray_environment(self.enable_object_spilling)
        if head.token:
            environment |= {authentication.MODE: "token", authentication.TOKEN: head.token}
        node = holding.launch(
            [f"--address={head.address}", *node_arguments(self, holding)],
            environment,
            self.ray_stdouterr_capture_file,
        )
        missed = 0
        while (code := node.poll()) is None and missed < MISSES:
            time.sleep(POLL_S)
            missed = 0 if meeting.read() == head else missed + 1
        # A head that ends in order withdraws its file first.
        code = code if meeting.read() == head else 0
        self._stop()
        sys.exit(code)

    def _stop(self, *, keep_files: bool = False) -> None:
        meeting, self._meeting = self._meeting, None
        if meeting is not None and self._holding is not None and self._holding.ours:
            meeting.withdraw()
        super()._stop(keep_files=keep_files)


def wait_for_head(meeting: MeetingPoint, timeout: float) -> Head:
    """Where the head is, once it says so and answers; a file left from before does not count.

    Raises
    ------
    ConnectTimeout
        If it does not within ``timeout`` seconds.
    """
    deadline = time.monotonic() + timeout
    while (head := meeting.read()) is None or not answers(head.address):
        if time.monotonic() > deadline:
            raise ConnectTimeout(
                f"the head of the cluster did not tell its port within {timeout:.0f} s",
                str(meeting.path),
                f"set {FOLDER} to a folder that all nodes of the job see",
            )
        time.sleep(POLL_S)
    return head


def remove_leftovers(prefix: str) -> None:
    """Remove private folders of this user that begin so and belong to no running client."""
    for folder in PRIVATE.glob(f"{prefix}*"):
        claims = Claims()
        try:
            if folder.lstat().st_uid == os.getuid() and claims.claim(str(folder)):
                shutil.rmtree(folder, ignore_errors=True)
        except FileNotFoundError:
            continue
        finally:
            claims.release()
