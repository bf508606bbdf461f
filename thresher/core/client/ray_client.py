# SPDX-License-Identifier: Apache-2.0
"""A Ray cluster on this machine, for as long as a script needs it."""

from __future__ import annotations

import atexit
import os
import sys
import time
from dataclasses import dataclass, field
from typing import Self

from thresher.core.client import authentication, metrics
from thresher.core.client.environment import XENNA, unset
from thresher.core.client.head import (
    CLIENT_SERVER_PORT,
    DASHBOARD_PORT,
    METRICS_PORT,
    RAY_PORT,
    Command,
    head_command,
    require_ray,
)
from thresher.core.client.holding import DEFAULT_TEMP_DIR, Holding
from thresher.core.client.node import RayNode
from thresher.core.client.ports import answers
from thresher.errors import EngineError

ADDRESS = "RAY_ADDRESS"
START_TIMEOUT_S = 300.0
TOO_SLOW = "timed out during startup"
"""What Ray says where it gives up after 30 s, on a machine that is only busy: it is tried again."""


@dataclass
class RayClient:
    """A Ray cluster on this machine.

    Where ``RAY_ADDRESS`` is set, :meth:`start` uses that cluster and :meth:`stop` leaves it alone.
    Else ``start`` makes a cluster and sets ``RAY_ADDRESS``, so that executors, ``ray.init()`` and
    Ray's command line find it. It ends with :meth:`stop`, with a ``with`` block, or with this
    process, however that ends. Other clusters on the machine are never touched.

    The cluster asks for Ray's token (``RAY_AUTH_MODE=disabled`` to opt out). Without one in
    ``RAY_AUTH_TOKEN``, ``RAY_AUTH_TOKEN_PATH`` or ``~/.ray/auth_token`` one is made in that file.

    Parameters
    ----------
    ray_port, ray_dashboard_port, ray_client_server_port, ray_metrics_port : int
        Ports. Where the default is busy, the next free one is taken; another one must be free.
    ray_temp_dir : str
        Ray's folder for logs, sockets and spilled objects, at most 40 characters. The default
        stands for a new private folder below ``/tmp``, which is removed at the end.
    include_dashboard : bool
        Xenna needs it.
    ray_dashboard_host : str
        Address at which the dashboard listens.
    num_gpus, num_cpus : int, optional
        What Ray counts on this machine unless told.
    object_store_memory : int, optional
        Bytes. Unless told, 30% of the machine's or container's memory, but at most half of what is
        free in ``/dev/shm``.
    enable_object_spilling : bool
        Whether objects go to disk, below the temporary folder, when the object store is full.
    ray_stdouterr_capture_file : str, optional
        Where the output of ``ray start`` goes; it must not exist yet. In the temporary folder
        unless told.
    metrics_dir : str, optional
        Folder of a Prometheus that ``thresher metrics start`` runs, which is told about this
        cluster; the usual one unless told.

    Raises
    ------
    FileExistsError
        If the capture file exists.
    """

    ray_port: int = RAY_PORT
    ray_dashboard_port: int = DASHBOARD_PORT
    ray_client_server_port: int = CLIENT_SERVER_PORT
    ray_temp_dir: str = DEFAULT_TEMP_DIR
    include_dashboard: bool = True
    ray_metrics_port: int = METRICS_PORT
    ray_dashboard_host: str = "127.0.0.1"
    num_gpus: int | None = None
    num_cpus: int | None = None
    object_store_memory: int | None = None
    enable_object_spilling: bool = False
    ray_stdouterr_capture_file: str | None = None
    metrics_dir: str | None = None

    _holding: Holding | None = field(default=None, init=False, repr=False, compare=False)
    _address: str | None = field(default=None, init=False, repr=False, compare=False)
    _dashboard: str | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        file = self.ray_stdouterr_capture_file
        if file is not None and os.path.lexists(file):
            raise FileExistsError(f"{file} exists already: give another file, or remove it")

    @property
    def address(self) -> str | None:
        """``host:port`` of the cluster in use; None before :meth:`start` and after :meth:`stop`."""
        return self._address

    @property
    def dashboard_url(self) -> str | None:
        """Where the dashboard of a cluster of ours is."""
        return self._dashboard

    @property
    def temp_dir(self) -> str | None:
        """Ray's folder of a cluster of ours; its logs are in ``session_latest/logs`` there."""
        return None if self._holding is None else str(self._holding.folder)

    def start(self) -> None:
        """Start a cluster and wait until it answers, or use that of ``RAY_ADDRESS``.

        Started already: nothing happens.

        Raises
        ------
        EngineError
            If a port is busy, or the cluster does not come up or does not answer; then nothing is
            left of it but its logs. Also if nothing answers at ``RAY_ADDRESS``.
        PlanError
            If Ray is not installed.
        """
        if self._address is not None:
            return
        require_ray()
        if given := os.environ.get(ADDRESS):
            self._use(given)
        else:
            self._start_own()

    def stop(self) -> None:
        """End the cluster if :meth:`start` started it, and restore ``RAY_ADDRESS``; idempotent.

        Raises
        ------
        EngineError
            If a process of it cannot be ended.
        """
        self._stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def _use(self, address: str) -> None:
        place = address.removeprefix("ray://")
        if ":" in place and not answers(place):
            raise EngineError(
                "no Ray cluster answers there",
                f"{ADDRESS}={address}",
                f"start it, or unset {ADDRESS} to have one started",
            )
        self._address = address

    def _start_own(self) -> None:
        # Ray's client code reads these as well, on import.
        os.environ.update(unset(XENNA))
        self._holding = Holding(self.ray_temp_dir, self._prefix())
        atexit.register(self._stop)
        try:
            self._bring_up(self._holding)
        except EngineError as error:
            self._stop(keep_files=not isinstance(error, TimeoutError))
            raise
        except BaseException:  # Ctrl-C too: no half a cluster is left behind
            self._stop()
            raise

    def _prefix(self) -> str:
        return "thresher-ray-"

    def _bring_up(self, holding: Holding) -> None:
        self._launch_head(holding)

    def _launch_head(self, holding: Holding) -> RayNode:
        authentication.turn_on(holding.variables)
        command = head_command(self, holding)
        node = self._launch(holding, command)
        holding.variables.set(ADDRESS, command.address)
        self._address, self._dashboard = command.address, command.dashboard_url
        metrics.register(str(holding.folder), self.metrics_dir)
        return node

    def _launch(self, holding: Holding, command: Command) -> RayNode:
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            node = holding.launch(
                command.arguments, command.environment, self.ray_stdouterr_capture_file
            )
            try:
                there = node.wait_for_nodes(command.address, 1, deadline - time.monotonic())
            except EngineError as error:
                if TOO_SLOW in error.what and time.monotonic() < deadline:
                    continue
                raise
            if there:
                return node
            raise EngineError(
                f"the Ray cluster does not answer within {START_TIMEOUT_S:.0f} s. The end of its "
                f"log:{node.tail()}",
                str(node.log),
                "read the logs in the folder session_latest/logs beside it",
            )

    def _stop(self, *, keep_files: bool = False) -> None:
        holding, address = self._holding, self._address
        self._holding = self._address = self._dashboard = None
        if holding is None or not holding.ours:
            return
        atexit.unregister(self._stop)
        if address is not None:
            metrics.unregister(str(holding.folder), self.metrics_dir)
            disconnect(address)
        holding.let_go(keep_files=keep_files)
        authentication.refresh()


def disconnect(address: str) -> None:
    """Leave a cluster before it ends: Ray ends processes whose cluster has gone."""
    ray = sys.modules.get("ray")
    if ray is None or not ray.is_initialized():
        return
    if ray.get_runtime_context().gcs_address == address:
        ray.shutdown()
