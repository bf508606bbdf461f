# SPDX-License-Identifier: Apache-2.0
"""Workers that end without taking their interpreter apart."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import atexit
from thresher.backends.ray.leave import leave_without_ado

atexit.register(print, "of the engine")
leave_without_ado()
atexit.register(print, "of a stage's library")
print("the work")
"""


def test_handlers_of_stages_run_and_the_engines_do_not() -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)

    assert ended.returncode == 0
    assert ended.stdout.splitlines() == ["the work", "of a stage's library"]
