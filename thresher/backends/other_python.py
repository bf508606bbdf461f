# SPDX-License-Identifier: Apache-2.0
"""Another Python: an interpreter, with packages of its own, that a stage asks for.

``runtime_env={"py_executable": "/opt/old-torch/bin/python"}``: each worker leads the stage's tasks
through a child process of that interpreter, so that it may be of another version than the run's. It
needs Thresher, in the run's version, and what the pipeline's stages are defined in.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys

from thresher import __version__
from thresher.errors import PlanError

_ASK = "import thresher, thresher.backends.worker as _; print(thresher.__version__)"
_ANSWER_WITHIN_SECONDS = 120


@functools.cache
def check_python(executable: str) -> None:
    """Make sure that stages can run in an interpreter.

    Raises
    ------
    PlanError
        If it cannot be started, lacks Thresher, or has another version of it.
    """
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
        todo = "name an interpreter that every node has"
        raise PlanError(f"py_executable {executable!r}: {error}", todo=todo) from error
    words = (answer.stdout if answer.returncode == 0 else answer.stderr).split("\n")
    last = next((line.strip() for line in reversed(words) if line.strip()), "no answer")
    if answer.returncode:
        raise PlanError(f"py_executable {executable!r} cannot be used: {last}", todo=todo)
    if last != __version__:
        raise PlanError(f"py_executable {executable!r} has thresher {last}", todo=todo)


def paths_for(executable: str) -> list[str]:
    """What a worker of an interpreter imports from: for another one, none of this one's packages.

    What remains are the folders of scripts, and of packages that are installed in place.
    """
    paths = [path or os.getcwd() for path in sys.path]
    if executable == sys.executable:
        return paths
    own = {os.path.realpath(base) for base in (sys.prefix, sys.base_prefix, sys.exec_prefix)}
    return [path for path in paths if not _is_below(path, own)]


def _is_below(path: str, folders: set[str]) -> bool:
    path = os.path.realpath(path)
    return "site-packages" in path or any(
        path == folder or path.startswith(folder + os.sep) for folder in folders
    )
