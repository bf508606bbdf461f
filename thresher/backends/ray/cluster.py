# SPDX-License-Identifier: Apache-2.0
"""The cluster an executor works on: one that runs, or one of its own on this machine."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from thresher.backends.limits import memory_bytes
from thresher.core.allowance import cpu_limit
from thresher.core.client.environment import ray_environment
from thresher.errors import EngineError, missing_extra
from thresher.planning.machine import Machine

_STORE_SHARE = 0.3  # of memory, for objects between Steps
_STORE_MOST = 16 * 2**30


def engine(name: str) -> Any:
    """A module of an engine, imported only when an executor needs it.

    Raises
    ------
    PlanError
        If it is not installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise missing_extra("an executor on Ray", name.partition(".")[0], "ray") from error


class Cluster:
    """A connection to Ray, made when it is first needed.

    A running cluster is used if ``RAY_ADDRESS`` names one or this process is connected already;
    otherwise a cluster with a folder and ports of its own is started and ended with
    :meth:`close`.

    Parameters
    ----------
    dashboard : bool
        Whether the engine needs Ray's dashboard and its state API.
    hook : str
        A function that every worker calls when it starts.
    """

    def __init__(self, *, dashboard: bool = False, hook: str = "") -> None:
        self.dashboard = dashboard
        self.hook = hook
        self._connected = False
        self._folder = ""

    def connect(self) -> Any:
        """The ``ray`` module, connected.

        Raises
        ------
        EngineError
            If there is no cluster at the address, or none can be started.
        """
        ray = engine("ray")
        if ray.is_initialized():
            return ray
        options: dict[str, Any] = {"log_to_driver": False, "configure_logging": False}
        if self.hook:
            options["runtime_env"] = {"worker_process_setup_hook": self.hook}
        address = os.environ.get("RAY_ADDRESS", "")
        try:
            with quietly():
                if address:
                    ray.init(address=address, **options)
                else:
                    self._start(ray, options)
        except (ConnectionError, OSError, RuntimeError, ValueError) as error:
            self.close()
            where = address or "this machine"
            raise EngineError(
                f"Ray cannot be reached: {str(error).strip().splitlines()[0]}",
                where=where,
                todo="check the cluster (`ray status`), or unset RAY_ADDRESS to start one here"
                if address
                else "see the logs below its folder, or use LocalExecutor",
            ) from error
        self._connected = True
        return ray

    def machine(self) -> Machine | None:
        """The largest node, once connected; before that nothing is known of a cluster elsewhere."""
        if not self._connected and not _is_connected():
            return Machine(2**31, 2**62, 2**31) if os.environ.get("RAY_ADDRESS") else None
        nodes = [node["Resources"] for node in engine("ray").nodes() if node.get("Alive")]

        def most(name: str) -> float:
            return max((float(node.get(name, 0.0)) for node in nodes), default=0.0)

        return Machine(int(most("CPU")) or 1, int(most("memory")), most("GPU"), "the largest node")

    def close(self) -> None:
        """Disconnect; end the cluster if it was started here."""
        if self._connected or self._folder:
            with contextlib.suppress(Exception), quietly():
                engine("ray").shutdown()
        self._connected = False
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = ""

    def _start(self, ray: Any, options: dict[str, Any]) -> None:
        self._folder = tempfile.mkdtemp(prefix="thr-", dir=_short_folder())
        os.environ.update(ray_environment(spill=True))
        ray.init(
            num_cpus=cpu_limit(),
            include_dashboard=self.dashboard,
            dashboard_port=_free_port() if self.dashboard else None,
            object_store_memory=store_bytes(),
            _temp_dir=self._folder,
            **options,
        )


def _is_connected() -> bool:
    """Whether this process is connected, by whomever."""
    ray = sys.modules.get("ray")
    return ray is not None and bool(ray.is_initialized())


def store_bytes() -> int:
    """What Ray's object store may take: a share of memory, and of what shared memory has free."""
    shared = shutil.disk_usage("/dev/shm").free if os.path.isdir("/dev/shm") else _STORE_MOST
    return int(min(_STORE_SHARE * memory_bytes(), 0.6 * shared, _STORE_MOST))


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Ray's warnings are about its own code, and would be errors where warnings are."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _short_folder() -> str:
    """Paths of Unix sockets have at most 107 bytes, of which Ray needs some 60."""
    folder = tempfile.gettempdir()
    return folder if len(folder) <= 30 else "/tmp"


def _free_port() -> int:
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
