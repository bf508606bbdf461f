# SPDX-License-Identifier: Apache-2.0
"""Places in a collective: the workers that run a stage together."""

from __future__ import annotations

import socket

from thresher.stages.base import Collective


def alone() -> Collective:
    """The only worker, on this machine."""
    return Collective(0, 1, address_on("127.0.0.1"))


def address_on(host: str) -> str:
    """``host:port`` with a port that is free there now; ``host`` is this machine."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return f"{host}:{probe.getsockname()[1]}"
