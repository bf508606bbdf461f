# SPDX-License-Identifier: Apache-2.0
"""Another Python: an interpreter, with packages of its own, that a stage asks for.

``runtime_env={"py_executable": "/opt/old-torch/bin/python"}``: each worker leads the stage's tasks
through a child process of that interpreter, so that it may be of another version than the run's. It
needs Thresher, in the run's version, and what the pipeline's stages are defined in.
"""

from __future__ import annotations

import functools
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from typing import Any

from thresher import __version__
from thresher.errors import PlanError

_ASK = """
import os, sys, thresher, thresher.backends.worker
print(os.getppid(), sys.version_info[0], sys.version_info[1], thresher.__version__)
"""
_ANSWER_WITHIN_SECONDS = 120
_PACKAGES = re.compile(
    r"[/\\](?:site|dist)-packages(?:[/\\]|$)"
    r"|[/\\]python3\d+\.zip$|[/\\]lib-dynload$|[/\\]lib(?:64)?[/\\]python3\.\d+t?$"
)
"""Folders of installed packages, and of the standard library."""


@functools.cache
def version_of(executable: str) -> tuple[int, int]:
    """Python's version of an interpreter in which stages can run.

    Raises
    ------
    PlanError
        If it cannot be started, lacks Thresher, or has another version of it.
    """
    where = f"py_executable {executable!r}"
    todo = f"install thresher {__version__} there, and what the pipeline's stages import"
    try:
        answer = subprocess.run(
            [executable, "-c", _ASK],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths_for(executable))},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_ANSWER_WITHIN_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PlanError(f"{where}: {error}", todo="name one that every node has") from error
    last = _last_line(answer.stdout if answer.returncode == 0 else answer.stderr)
    if answer.returncode:
        raise PlanError(f"{where} cannot be used: {last}", todo=todo)
    parent, major, minor, version = last.split(" ")
    if version != __version__:
        raise PlanError(f"{where} has thresher {version}", todo=todo)
    if int(parent) != os.getpid():
        raise PlanError(f"{where} starts Python as a child", todo="let it become Python: exec")
    return int(major), int(minor)


def check_stages(stages: Iterable[Any], executable: str) -> None:
    """Make sure that stages can be sent to an interpreter.

    Raises
    ------
    PlanError
        If it is of another version, and a stage or a function that it was given is defined in the
        script itself: its code would travel, and code is that of one version.
    """
    version = version_of(executable)
    if version == sys.version_info[:2]:
        return
    for stage in stages:
        parts = (type(stage), *vars(stage).values())
        if any(getattr(part, "__module__", "") == "__main__" for part in parts):
            raise PlanError(
                f"stage {stage.name!r} is defined in the script, and py_executable "
                f"{executable!r} is Python {version[0]}.{version[1]}",
                todo="put what it consists of into a module that both can import",
            )


def paths_for(executable: str) -> list[str]:
    """What a worker of an interpreter imports from: for another one, none of this one's packages.

    What remains are the folders of scripts, and of packages that are installed in place.
    """
    paths = [path or os.getcwd() for path in sys.path]
    if executable == sys.executable:
        return paths
    return [path for path in paths if not _PACKAGES.search(path)]


def _last_line(words: str) -> str:
    lines = (line.strip() for line in reversed(words.split("\n")))
    return next(filter(None, lines), "no answer")
