# SPDX-License-Identifier: Apache-2.0
"""Two hosts on this machine: network namespaces with a link between them that can be cut.

As root only. Each is a node of one Ray cluster; they share the file system, as hosts of a cluster
do.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.faults.jobs import ROOT
from thresher.core.client.environment import ray_environment

RAY = str(Path(sys.executable).with_name("ray"))
ADDRESSES = ("10.77.0.1", "10.77.0.2")
PORT = 6399
_UP_WITHIN_SECONDS = 90


class TwoHosts:
    """The first is where drivers run; the second has a link that can be cut."""

    def __init__(self, folder: Path) -> None:
        self.names = [f"thr{os.getpid()}{letter}" for letter in "ab"]
        self.address = f"{ADDRESSES[0]}:{PORT}"
        self.folder = folder
        self._bridge = f"thr{os.getpid()}"[-15:]
        self.environment = {
            **os.environ,
            **ray_environment(spill=True),
            "RAY_AUTH_MODE": "disabled",
            "RAY_ADDRESS": self.address,
            "PYTHONPATH": str(ROOT),
        }

    def make(self) -> None:
        """The namespaces, and a bridge between them."""
        _ip("link", "add", self._bridge, "type", "bridge")
        _ip("link", "set", self._bridge, "up")
        for name, address in zip(self.names, ADDRESSES, strict=True):
            link = self._link(name)
            _ip("netns", "add", name)
            _ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name)
            _ip("link", "set", link, "master", self._bridge, "up")
            _ip("-n", name, "addr", "add", f"{address}/24", "dev", "eth0")
            _ip("-n", name, "link", "set", "eth0", "up")
            _ip("-n", name, "link", "set", "lo", "up")

    def start_head(self) -> None:
        """Ray's head on the first host."""
        arguments = ["--head", f"--port={PORT}"]
        self._start_ray(0, [*arguments, f"--temp-dir={self.folder}"])

    def start_other(self) -> None:
        """The other host's node; returns when the cluster has both."""
        self._start_ray(1, [f"--address={self.address}"])
        deadline = time.monotonic() + _UP_WITHIN_SECONDS
        while self._nodes() < len(self.names):
            if time.monotonic() > deadline:
                raise TimeoutError("the second host did not join")
            time.sleep(0.5)

    def cut(self) -> None:
        """From now on nothing gets through to the second host, or from there."""
        _ip("link", "set", self._link(self.names[1]), "down")

    def mend(self) -> None:
        """End what runs on the second host, and connect it again."""
        self._end(self.names[1])
        _ip("link", "set", self._link(self.names[1]), "up")

    def run(self, host: int, command: Sequence[str], **settings: str) -> subprocess.Popen[str]:
        """Start a program on a host."""
        return subprocess.Popen(
            ["ip", "netns", "exec", self.names[host], *command],
            env={**self.environment, **settings},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def remove(self) -> None:
        """End everything that runs on the hosts, and remove them."""
        for name in self.names:
            with contextlib.suppress(subprocess.CalledProcessError):
                self._end(name)
                _ip("netns", "del", name)
        _ip("link", "del", self._bridge)

    @staticmethod
    def _link(name: str) -> str:
        return f"{name}0"

    def _start_ray(self, host: int, arguments: Sequence[str]) -> None:
        command = [RAY, "start", *arguments, f"--node-ip-address={ADDRESSES[host]}"]
        command += ["--num-cpus=2", f"--object-store-memory={150 << 20}", "--disable-usage-stats"]
        started = self.run(host, command)
        said, _ = started.communicate(timeout=_UP_WITHIN_SECONDS)
        if started.returncode:
            raise RuntimeError(said)

    def _nodes(self) -> int:
        script = "import ray; ray.init(logging_level=50, log_to_driver=False); "
        script += "print(sum(n['Alive'] for n in ray.nodes()))"
        asked = self.run(0, [sys.executable, "-c", script])
        said, _ = asked.communicate(timeout=_UP_WITHIN_SECONDS)
        return int(said.split()[-1]) if asked.returncode == 0 else 0

    @staticmethod
    def _end(name: str) -> None:
        while pids := _ip("netns", "pids", name).split():
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
            time.sleep(0.1)


@contextlib.contextmanager
def two_hosts() -> Iterator[TwoHosts]:
    """Both hosts with Ray on them, until the end of the block."""
    folder = Path(tempfile.mkdtemp(prefix="thr-", dir="/tmp"))
    hosts = TwoHosts(folder)
    try:
        hosts.make()
        hosts.start_head()
        hosts.start_other()
        yield hosts
    finally:
        hosts.remove()
        shutil.rmtree(folder, ignore_errors=True)


def _ip(*arguments: str) -> str:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, done.args, done.stdout, done.stderr)
    return done.stdout
