# SPDX-License-Identifier: Apache-2.0
"""A private Slurm on this machine: its own ports, key, configuration and processes."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

NEEDED = ("munged", "slurmctld", "slurmd", "sbatch")


def is_here() -> bool:
    """Whether Slurm is installed and may be started."""
    return os.geteuid() == 0 and all(map(shutil.which, NEEDED))


def _free_ports(n: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@contextlib.contextmanager
def slurm(folder: Path) -> Iterator[dict[str, str]]:
    """Start it; gives the environment for its commands. ``folder`` has to have a short path."""
    host = socket.gethostname()
    for name in ("munge", "state", "spool"):
        (folder / name).mkdir(mode=0o700)
    key = folder / "munge" / "key"
    key.write_bytes(secrets.token_bytes(128))
    key.chmod(0o600)
    controller, node = _free_ports(2)
    config = folder / "slurm.conf"
    config.write_text(
        f"ClusterName=test\nSlurmctldHost={host}(127.0.0.1)\nSlurmUser=root\n"
        f"AuthType=auth/munge\nAuthInfo=socket={folder}/munge/sock\nCredType=cred/munge\n"
        f"SlurmctldPort={controller}\nSlurmdPort={node}\n"
        f"StateSaveLocation={folder}/state\nSlurmdSpoolDir={folder}/spool\n"
        f"SlurmctldPidFile={folder}/ctld.pid\nSlurmdPidFile={folder}/d.pid\n"
        f"SlurmctldLogFile={folder}/ctld.log\nSlurmdLogFile={folder}/d.log\n"
        "ProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\nSwitchType=switch/none\n"
        "MpiDefault=none\nSelectType=select/cons_tres\nSelectTypeParameters=CR_CPU\n"
        "SchedulerParameters=sched_interval=2,batch_sched_delay=0\nReturnToService=2\n"
        "SlurmdParameters=config_overrides\nMaxArraySize=2\n"
        f"NodeName={host} NodeAddr=127.0.0.1 CPUs=8 RealMemory=4000 State=UNKNOWN\n"
        "PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP\n"
    )
    environment = {**os.environ, "SLURM_CONF": str(config)}
    munge = folder / "munge"
    started: list[subprocess.Popen[bytes]] = []
    commands = (
        ["munged", "-F", f"--key-file={key}", f"--socket={munge}/sock", f"--pid-file={munge}/pid",
         f"--log-file={munge}/log", f"--seed-file={munge}/seed", "--force"],
        ["slurmctld", "-D", "-c", "-f", str(config)],
        ["slurmd", "-D", "-f", str(config), "-N", host],
    )  # fmt: skip
    try:
        for command in commands:
            started.append(
                subprocess.Popen(
                    command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                )
            )
            time.sleep(0.5)
        _until(lambda: "idle" in said(environment, "sinfo", "-h", "-o", "%t"), 60)
        yield environment
    finally:
        for process in reversed(started):
            process.send_signal(signal.SIGTERM)
        for process in reversed(started):
            process.wait(timeout=30)


def said(environment: dict[str, str], *command: str) -> str:
    """What a command prints."""
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return ran.stdout + ran.stderr


def wait_for_jobs(environment: dict[str, str], seconds: float = 240) -> None:
    """Until the queue is empty."""
    _until(lambda: said(environment, "squeue", "-h").strip() == "", seconds)


def _until(holds: object, seconds: float) -> None:
    assert callable(holds)
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.2)
