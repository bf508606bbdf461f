# SPDX-License-Identifier: Apache-2.0
"""Threads of LocalExecutor's, for stages that release the GIL."""

from __future__ import annotations

import sys

import pytest

from tests.toys import Pass, batch, run_quietly
from thresher.backends.executor import Done
from thresher.backends.local import LocalExecutor
from thresher.backends.memory import peak_resident_bytes
from thresher.pipeline import Pipeline
from thresher.runs.report import Observer


class Flowing(Pass):
    """Releases the GIL, in name."""

    gil_free = True


class Hearing(Observer):
    """Keeps what is done."""

    def __init__(self) -> None:
        self.done: list[Done] = []

    def heard(self, message: object) -> None:
        if isinstance(message, Done):
            self.done.append(message)


@pytest.mark.skipif(sys.platform != "linux", reason="the system does not tell")
def test_threads_have_a_share_of_their_process() -> None:
    heard = Hearing()
    tasks = [batch([number]) for number in range(8)]
    pipeline = Pipeline("p", stages=[Flowing()])

    run_quietly(pipeline, LocalExecutor(workers=4), initial_tasks=tasks, observer=heard)

    shares = [done.memory for done in heard.done]
    assert len(shares) == 8
    assert 0 < max(shares) < peak_resident_bytes() / 3
