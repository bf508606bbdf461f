# SPDX-License-Identifier: Apache-2.0
"""How a cluster's head is started: its ports, its command line, its environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from thresher.core.client.environment import ray_environment
from thresher.core.client.holding import Holding
from thresher.core.client.object_store import object_store_bytes
from thresher.errors import missing_extra

if TYPE_CHECKING:
    from thresher.core.client.ray_client import RayClient

RAY_PORT = 6379
DASHBOARD_PORT = 8265
CLIENT_SERVER_PORT = 10001
METRICS_PORT = 8080
AGENT_PORT = 52365
INNER_METRICS_PORTS = {"AUTOSCALER_METRIC_PORT": 44217, "DASHBOARD_METRIC_PORT": 44227}
"""Of the autoscaler and the dashboard; told by variables only."""


@dataclass(frozen=True)
class Command:
    """What follows ``ray start``, the variables beside ours, and where the result will be.

    Parameters
    ----------
    address : str
        ``host:port`` of the cluster.
    arguments : list of str
        Arguments of ``ray start``.
    environment : dict
        Variables.
    dashboard_url : str, optional
        Where the dashboard will be.
    """

    address: str
    arguments: list[str]
    environment: dict[str, str]
    dashboard_url: str | None = None


def require_ray() -> None:
    """Say how to install Ray where it is missing.

    Raises
    ------
    PlanError
        If it is not installed.
    """
    if find_spec("ray") is None:
        raise missing_extra("A Ray cluster", "ray", "ray")


def head_command(client: RayClient, holding: Holding) -> Command:
    """How the head of a client's cluster is started; its ports are claimed."""
    import ray

    claim = holding.claims.port
    host: str = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]
    port = claim(client.ray_port, RAY_PORT, "Ray")
    client_server = claim(client.ray_client_server_port, CLIENT_SERVER_PORT, "Ray's client server")
    arguments = [
        "--head",
        f"--node-ip-address={host}",
        f"--port={port}",
        f"--ray-client-server-port={client_server}",
        f"--include-dashboard={client.include_dashboard}",
    ]
    environment = {
        name: str(claim(default, default, name))
        for name, default in INNER_METRICS_PORTS.items()
        if name not in os.environ
    }
    where = client.ray_dashboard_host
    # Without a dashboard Ray binds its port all the same.
    dashboard = claim(client.ray_dashboard_port, DASHBOARD_PORT, "Ray's dashboard")
    arguments += [f"--dashboard-host={where}", f"--dashboard-port={dashboard}"]
    reached = host if where in ("0.0.0.0", "::") else where
    url = f"http://{reached}:{dashboard}" if client.include_dashboard else None
    arguments += node_arguments(client, holding)
    environment |= ray_environment(client.enable_object_spilling)
    return Command(f"{host}:{port}", arguments, environment, url)


def node_arguments(client: RayClient, holding: Holding) -> list[str]:
    """Arguments that heads and other nodes share; ports are claimed."""
    claim = holding.claims.port
    store = client.object_store_memory
    arguments = [
        f"--temp-dir={holding.folder}",
        f"--metrics-export-port={claim(client.ray_metrics_port, METRICS_PORT, 'metrics')}",
        f"--dashboard-agent-listen-port={claim(AGENT_PORT, AGENT_PORT, 'the agent')}",
        # Ray's own range is the same for every cluster on a host; the system's choice is free.
        "--min-worker-port=0",
        "--max-worker-port=0",
        f"--object-store-memory={object_store_bytes(holding.folder) if store is None else store}",
        "--disable-usage-stats",
        "--log-color=false",
    ]
    if client.num_cpus is not None:
        arguments.append(f"--num-cpus={client.num_cpus}")
    if client.num_gpus is not None:
        arguments.append(f"--num-gpus={client.num_gpus}")
    if client.enable_object_spilling:
        arguments.append(f"--object-spilling-directory={spill_folder(holding.folder)}")
    return arguments


def spill_folder(temp_dir: Path) -> Path:
    """Where objects go that do not fit the object store."""
    folder = temp_dir / "spill"
    folder.mkdir(exist_ok=True)
    return folder
