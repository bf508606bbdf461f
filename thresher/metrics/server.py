# SPDX-License-Identifier: Apache-2.0
"""A Prometheus of our own: started, stopped and looked after in one folder."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

from thresher.errors import EngineError, PlanError
from thresher.metrics import scrape as configuring
from thresher.metrics.folder import CONFIG, PID, PORT, default_folder, port_of, running_pid
from thresher.metrics.targets import FOLDER, sweep

READY_WITHIN_SECONDS = 30.0

_started: dict[int, subprocess.Popen[bytes]] = {}
"""Those that are children of this process, which has to wait for their end."""


@dataclass(frozen=True)
class Status:
    """Of a metrics folder's Prometheus; ``pid`` is None when none runs."""

    folder: Path
    pid: int | None
    port: int

    @property
    def url(self) -> str:
        """Where its pages and its API are."""
        return f"http://127.0.0.1:{self.port}"


def status(folder: Path | None = None) -> Status:
    """Whether one runs."""
    place = (folder or default_folder()).resolve()
    return Status(place, running_pid(place), port_of(place))


def start(port: int = 9090, folder: Path | None = None, scrape: Sequence[str] = ()) -> Status:
    """Start a Prometheus; one that runs already is left as it is.

    It listens to this machine only: whoever reaches it may also stop it.

    Parameters
    ----------
    scrape : Sequence[str]
        Endpoints of drivers elsewhere, as ``HOST:PORT``; those here announce themselves.

    Raises
    ------
    PlanError
        If there is no Prometheus on the PATH.
    EngineError
        If it does not start.
    """
    place = (folder or default_folder()).resolve()
    if running_pid(place) is not None:
        return status(place)
    binary = shutil.which("prometheus")
    if binary is None:
        raise PlanError("there is no prometheus on the PATH", todo="apt-get install prometheus")
    for target in scrape:
        host, colon, number = target.rpartition(":")
        if not (host and colon and number.isdigit()) or "/" in target:
            raise PlanError(f"--scrape {target!r} is no HOST:PORT", todo="--scrape node1:9464")
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    (place / FOLDER).mkdir(exist_ok=True)
    sweep(place)
    configuring.write(place, configuring.configuration(place, scrape))
    with (place / "prometheus.log").open("ab") as log:
        process = subprocess.Popen(
            [
                binary,
                f"--config.file={place / CONFIG}",
                f"--storage.tsdb.path={place / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--web.enable-lifecycle",
            ],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    _started[process.pid] = process
    (place / PORT).write_text(str(port))
    (place / PID).write_text(str(process.pid))
    _wait_until_ready(process, place, port)
    return status(place)


def stop(folder: Path | None = None) -> bool:
    """Stop the one that was started for this folder, and no other; whether there was one."""
    place = (folder or default_folder()).resolve()
    pid = running_pid(place)
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        end = monotonic() + READY_WITHIN_SECONDS
        while running_pid(place) == pid:
            if monotonic() > end:
                raise EngineError(
                    f"Prometheus (process {pid}) does not stop", where=str(place),
                    todo=f"see {place / 'prometheus.log'}",
                )  # fmt: skip
            sleep(0.05)
        if pid in _started:
            _started.pop(pid).wait()
    for name in (PID, PORT):
        (place / name).unlink(missing_ok=True)
    return pid is not None


def _wait_until_ready(process: subprocess.Popen[bytes], place: Path, port: int) -> None:
    end = monotonic() + READY_WITHIN_SECONDS
    while process.poll() is None and monotonic() < end:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=2):
                # The port may be another's: ours then ends at once.
                sleep(0.05)
                if process.poll() is None:
                    return
        except OSError:
            sleep(0.05)
    process.poll()
    log = (place / "prometheus.log").read_text(errors="replace").splitlines()
    if process.returncode is None:
        process.terminate()
    _started.pop(process.pid).wait()
    for name in (PID, PORT):
        (place / name).unlink(missing_ok=True)
    raise EngineError(
        f"Prometheus does not start: {log[-1] if log else 'it says nothing'}",
        where=str(place),
        todo="try another --port, or see prometheus.log there",
    )
