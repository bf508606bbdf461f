# SPDX-License-Identifier: Apache-2.0
"""Counts the nodes of a Ray cluster until there are enough of them.

    python census.py HOST:PORT COUNT

Run as a file and without Thresher. Prints how many nodes are alive whenever that changes.
"""

from __future__ import annotations

import os
import socket
import sys
import time

POLL = 0.2


def alive(address: str) -> int:
    """Nodes that have registered with the head and have not been lost."""
    from ray._raylet import GcsClient  # type: ignore[attr-defined]
    from ray.core.generated.gcs_pb2 import GcsNodeInfo  # type: ignore[attr-defined]

    nodes = GcsClient(address=address).get_all_node_info(timeout=5)
    return sum(node.state == GcsNodeInfo.ALIVE for node in nodes.values())


def listens(address: str) -> bool:
    """Whether the head takes connections."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=2).close()
    except OSError:
        return False
    return True


def count(address: str, wanted: int) -> None:
    """Count until it is enough, or until who wants to know is gone."""
    parent, before = os.getppid(), -1
    while before < wanted and os.getppid() == parent:
        time.sleep(POLL)
        if not listens(address):
            continue
        try:
            now = alive(address)
        except Exception:  # the head is up, and not yet ready
            continue
        if now != before:
            print(now, flush=True)
        before = now


if __name__ == "__main__":
    sys.path.pop(0)  # the folder of this file, whose names are not top-level ones
    import ray  # noqa: F401  # while the head starts

    count(sys.argv[1], int(sys.argv[2]))
