# SPDX-License-Identifier: Apache-2.0
"""One Ray node of ours on this host: its keeper, its log and its end."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

from thresher.core.client import census, keeper
from thresher.errors import EngineError

TAIL = 15
"""Lines of the log that an error shows."""

END = keeper.GRACE + keeper.PATIENCE + 5.0


class RayNode:
    """A running ``ray start --block``.

    Parameters
    ----------
    arguments : list of str
        What follows ``ray start``.
    environment : dict
        Variables beside those of this process.
    log : Path
        Where its output is appended.
    remove : list of Path
        What goes with it.
    """

    def __init__(
        self, arguments: list[str], environment: dict[str, str], log: Path, remove: list[Path]
    ) -> None:
        self.log = log
        self._environment = {**os.environ, **environment}
        paths = [each for path in remove for each in ("--remove", str(path))]
        ray = [sys.executable, "-m", "ray.scripts.scripts", "start", *arguments, "--block"]
        with log.open("ab") as output:
            self._keeper = subprocess.Popen(
                [sys.executable, "-I", keeper.__file__, *paths, "--", *ray],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process that all others of the node are below of."""
        return self._keeper.pid

    def poll(self) -> int | None:
        """The exit code once the node has ended by itself, else None."""
        return self._keeper.poll()

    def wait_for_nodes(self, address: str, count: int, timeout: float) -> int:
        """Wait until the cluster has ``count`` nodes; returns how many are alive.

        Parameters
        ----------
        address : str
            ``host:port`` of the cluster's head.
        count : int
            Nodes that must be alive.
        timeout : float
            Seconds after which fewer are returned.

        Raises
        ------
        EngineError
            If this node ends meanwhile.
        """
        deadline = time.monotonic() + timeout
        # Asked in a process of its own: Ray keeps for ever how this one was set up when first used.
        asking = subprocess.Popen(
            [sys.executable, census.__file__, address, str(count)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self._environment,
            start_new_session=True,
        )
        try:
            while asking.poll() is None and time.monotonic() < deadline:
                self._fail_if_ended()
                time.sleep(0.05)
            self._fail_if_ended()
        finally:
            asking.kill()
            told, _ = asking.communicate()
        return int((told.split() or [b"0"])[-1])

    def end(self, *, keep_files: bool = False) -> None:
        """End all processes of the node, and wait for that. May be called again.

        Parameters
        ----------
        keep_files : bool
            Leave what else would go with it.

        Raises
        ------
        EngineError
            If a process of it cannot be ended.
        """
        with contextlib.suppress(OSError, ValueError):
            # Not only closed: a fork of ours may hold the same pipe open.
            assert self._keeper.stdin is not None
            self._keeper.stdin.write(keeper.KEEP if keep_files else keeper.END)
            self._keeper.stdin.close()
        try:
            self._keeper.wait(END)
        except subprocess.TimeoutExpired:
            raise EngineError(
                f"the Ray node does not end (its processes are below {self.pid})", str(self.log)
            ) from None

    def tail(self) -> str:
        """The last lines of the log, indented."""
        try:
            lines = self.log.read_text(errors="replace").splitlines()
        except OSError:
            return ""
        return "".join(f"\n    {line}" for line in lines[-TAIL:])

    def _fail_if_ended(self) -> None:
        code = self.poll()
        if code is not None:
            raise EngineError(
                f"ray start ended with code {code}. The end of its log:{self.tail()}",
                str(self.log),
                "read the log, and those in the folder session_latest/logs beside it",
            )
