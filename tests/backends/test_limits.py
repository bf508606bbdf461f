# SPDX-License-Identifier: Apache-2.0
"""What memory a worker has, with the processes it has started."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from thresher.backends.limits import resident_bytes

SIZE = 200 << 20
HOLD = f"held = bytearray(b'x') * {SIZE}; print('held', flush=True); input()"


@pytest.mark.skipif(sys.platform != "linux", reason="the system does not tell")
def test_children_count() -> None:
    nested = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {HOLD!r}])"
    for program in (HOLD, nested):
        before = resident_bytes(os.getpid())
        with subprocess.Popen(
            [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"held\n"
            assert SIZE < resident_bytes(os.getpid()) - before < 1.5 * SIZE
            child.communicate(b"\n")


def test_processes_that_are_gone_have_none() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert resident_bytes(child.pid) == 0
