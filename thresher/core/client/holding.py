# SPDX-License-Identifier: Apache-2.0
"""All that one start takes from this host, to be given back: folder, ports, variables, a node."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from thresher.core.client.environment import Variables
from thresher.core.client.node import RayNode
from thresher.core.client.ports import Claims
from thresher.errors import EngineError

DEFAULT_TEMP_DIR = "/tmp/ray"
PRIVATE = Path("/tmp")
"""Where private folders are: TMPDIR is often too long a path for sockets."""

LONGEST_TEMP_DIR = 40
"""Characters. Ray appends up to 65 for its sockets, and the system takes paths of 107."""


class Holding:
    """What one start has taken.

    Parameters
    ----------
    temp_dir : str
        Ray's folder; for Ray's own default a new private one, which goes at the end. Two clusters
        in one folder would overwrite each other's files.
    prefix : str
        Begins the name of a private folder.

    Raises
    ------
    EngineError
        If the folder cannot be used.
    """

    def __init__(self, temp_dir: str, prefix: str) -> None:
        self.claims = Claims()
        self.variables = Variables()
        self.remove: list[Path] = []
        self._node: RayNode | None = None
        self._owner = os.getpid()
        if temp_dir == DEFAULT_TEMP_DIR:
            private = Path(tempfile.mkdtemp(prefix=prefix, dir=PRIVATE))
            self.claims.claim(str(private))
            self.remove.append(private)
            self.folder = private / "ray"  # which Ray opens to everybody
            self.folder.mkdir()
        else:
            self.folder = self._asked_for(Path(temp_dir))

    @property
    def ours(self) -> bool:
        """Whether this is the process that took it, and not a fork of that."""
        return os.getpid() == self._owner

    def launch(self, arguments: list[str], environment: dict[str, str], log: str | None) -> RayNode:
        """Start ``ray start`` with these arguments and variables."""
        file = Path(log).expanduser() if log else self.folder / "start.log"
        self._node = RayNode(arguments, environment, file, self.remove)
        return self._node

    def let_go(self, *, keep_files: bool = False) -> None:
        """End the node, remove what is ours, give ports and variables back.

        Parameters
        ----------
        keep_files : bool
            If a node was launched, leave its files for who wants to read why it did not start.

        Raises
        ------
        EngineError
            If a process cannot be ended.
        """
        keep_files = keep_files and self._node is not None
        try:
            if self._node is not None:
                self._node.end(keep_files=keep_files)
        finally:
            self.variables.restore()
            self.claims.release()
            for path in () if keep_files else self.remove:
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)

    def _asked_for(self, folder: Path) -> Path:
        folder = folder.expanduser().resolve()
        if len(str(folder)) > LONGEST_TEMP_DIR:
            raise EngineError(
                f"the path has {len(str(folder))} characters; with Ray's sockets in it there is "
                f"room for {LONGEST_TEMP_DIR}",
                str(folder),
                "give a shorter ray_temp_dir",
            )
        if not self.claims.claim(str(folder)):
            raise EngineError(
                "another Ray cluster has its files there",
                str(folder),
                "leave ray_temp_dir out: each cluster then gets a folder of its own",
            )
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self.claims.release()
            raise EngineError(
                f"the folder cannot be made: {error.strerror}", str(folder), "give another one"
            ) from error
        return folder
