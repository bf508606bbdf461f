# SPDX-License-Identifier: Apache-2.0
"""The file through which the nodes of a Slurm job find their head.

Its first line is the head's port. The second is ours: a JSON object with the head's address and
Ray's token; so it is readable by its owner only.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from thresher.core.client.allocation import Allocation
from thresher.errors import EngineError

FOLDER = "RAY_PORT_BROADCAST_DIR"


@dataclass(frozen=True)
class Head:
    """Where the head is.

    Parameters
    ----------
    address : str
        ``host:port``.
    token : str, optional
        Ray's token; None for a cluster without.
    """

    address: str
    token: str | None


class MeetingPoint:
    """The file of a job, ``$RAY_PORT_BROADCAST_DIR/ray_head_port_<job>``; all nodes must see it."""

    def __init__(self, allocation: Allocation) -> None:
        folder = Path(os.environ.get(FOLDER) or "/tmp")
        self.path = folder / f"ray_head_port_{allocation.job}"
        self._first_node = allocation.nodes[0]

    def publish(self, head: Head) -> None:
        """Write the file, whole or not at all.

        Raises
        ------
        EngineError
            If that cannot be done.
        """
        note = {"address": head.address, "token": head.token}
        text = f"{head.address.rpartition(':')[2]}\n{json.dumps(note)}\n"
        try:
            # Made with mode 0600.
            draft, name = tempfile.mkstemp(prefix=f".{self.path.name}-", dir=self.path.parent)
            try:
                with os.fdopen(draft, "w") as file:
                    file.write(text)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(name, self.path)
            except BaseException:  # Ctrl-C too: no draft is left behind
                os.unlink(name)
                raise
        except OSError as error:
            raise EngineError(
                f"the head cannot tell its port there: {error.strerror}",
                str(self.path),
                f"set {FOLDER} to a folder that all nodes of the job see and may write to",
            ) from error

    def read(self) -> Head | None:
        """Where the head is; None until it says so, and once it is gone.

        A file of somebody else is none.
        """
        try:
            with self.path.open() as file:
                found = os.fstat(file.fileno())
                if found.st_uid != os.getuid() or not stat.S_ISREG(found.st_mode):
                    return None
                port, _, rest = file.read().partition("\n")
            if not rest.strip():  # a head that only tells its port
                return Head(f"{self._first_node}:{int(port)}", None)
            note = json.loads(rest)
            return Head(note["address"], note["token"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def withdraw(self) -> None:
        """Remove the file: the head is gone. One of somebody else stays."""
        with contextlib.suppress(OSError):
            if self.path.stat().st_uid == os.getuid():
                self.path.unlink()
