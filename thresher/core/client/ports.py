# SPDX-License-Identifier: Apache-2.0
"""Free ports, and who of us has taken which."""

from __future__ import annotations

import contextlib
import errno
import socket
from dataclasses import dataclass, field

from thresher.errors import EngineError

WORKER_PORTS = range(10002, 20000)
"""Where Ray's workers listen unless told otherwise: not for servers."""

LAST_PORT = 65535


@dataclass
class Claims:
    """Names that no other client on this host may use meanwhile: ports and folders.

    Ray needs seconds until it listens on a port that was found free. A claim (an abstract socket)
    keeps other clients from finding it free as well. It goes with its process, however that ends.
    """

    _held: dict[str, socket.socket] = field(default_factory=dict)

    def claim(self, name: str) -> bool:
        """Whether the name is now ours; False if another client has it."""
        holder = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            holder.bind(f"\0thresher-ray-{name}")
        except OSError:
            holder.close()
            return False
        self._held[name] = holder
        return True

    def port(self, wanted: int, default: int | None, purpose: str) -> int:
        """Claim a free port.

        Parameters
        ----------
        wanted : int
            The port asked for.
        default : int, optional
            If ``wanted`` is this one, the next free port does as well; None: any port does.
        purpose : str
            What it is for, in the error.

        Raises
        ------
        EngineError
            If the port is busy, or no port is free.
        """
        if wanted != default and default is not None:
            if is_free(wanted) and self.claim(str(wanted)):
                return wanted
            raise EngineError(
                f"port {wanted} for {purpose} is in use",
                todo="give another one, or leave it out: then the next free one is taken",
            )
        for port in range(wanted, LAST_PORT + 1):
            if port not in WORKER_PORTS and is_free(port) and self.claim(str(port)):
                return port
        raise EngineError(f"no port from {wanted} on is free for {purpose}")

    def release(self) -> None:
        """Give all names back."""
        for holder in self._held.values():
            holder.close()
        self._held.clear()


def is_free(port: int) -> bool:
    """Whether nothing listens on a TCP port, on any address of this host."""
    for family, anywhere in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        try:
            server = socket.socket(family, socket.SOCK_STREAM)
        except OSError:  # no such family here
            continue
        with server:
            # Not in the way: connections of a server that has ended, which wait for stragglers.
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                server.bind((anywhere, port))
                server.listen(1)
            except OSError as error:
                if error.errno != errno.EADDRNOTAVAIL:  # else no such addresses here
                    return False
    return True


def answers(address: str, timeout: float = 5.0) -> bool:
    """Whether something listens at ``host:port``, within ``timeout`` seconds."""
    host, _, port = address.rpartition(":")
    with contextlib.suppress(OSError, ValueError):
        socket.create_connection((host.strip("[]"), int(port)), timeout).close()
        return True
    return False
