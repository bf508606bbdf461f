# SPDX-License-Identifier: Apache-2.0
"""Requests for Xenna, which rounds each node's CPUs down."""

from __future__ import annotations

import os

import pytest

from tests.toys import Pass
from thresher.backends.xenna.executor import named_to_xenna
from thresher.backends.xenna.fit import fitted, workable_share
from thresher.planning.plan import Step
from thresher.stages.resources import Resources


class Cluster:
    """As much of Ray as the executor asks."""

    def __init__(self, address: str) -> None:
        self.gcs_address = address

    def get_runtime_context(self) -> Cluster:
        return self


def test_engines_that_overlap_leave_the_environment_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "mine")
    monkeypatch.setenv("RAY_OWN", "1")
    before = dict(os.environ)
    slow, next_one = named_to_xenna(Cluster("slow")), named_to_xenna(Cluster("next"))
    slow.__enter__()
    os.environ["RAY_EXPERIMENTAL_NOSET_CUDA_VISIBLE_DEVICES"] = "1"
    next_one.__enter__()
    assert os.environ["RAY_ADDRESS"] == "next"
    slow.__exit__(None, None, None)
    assert os.environ["RAY_ADDRESS"] == "next"
    next_one.__exit__(None, None, None)
    assert dict(os.environ) == before


def steps(*cpus: float) -> list[Step]:
    return [
        Step(index, (Pass().with_(resources=Resources(cpus=each)),))
        for index, each in enumerate(cpus)
    ]


def test_what_fits_is_left_alone() -> None:
    assert fitted(steps(1.0, 0.5), [4.0], 0.95, streaming=True) == ([1.0, 0.5], "")
    assert fitted(steps(3.0, 3.0), [4.0], 0.95, streaming=False) == ([3.0, 3.0], "")


def test_one_worker_of_each_fits_together() -> None:
    requests, note = fitted(steps(1.0, 1.0, 1.0, 1.0), [3.0], 0.95, streaming=True)

    assert sum(requests) <= 2
    assert note.startswith("the stages ask for 4 CPUs and Xenna may use 2 of 3: ")


def test_a_worker_does_not_lie_across_nodes() -> None:
    """Two nodes of which one CPU each may be used: three workers of 0.6 would need three."""
    requests, note = fitted(steps(0.6, 0.6, 0.6), [2.0, 2.0], 0.95, streaming=True)

    assert note
    assert max(requests) <= 0.5


def test_batch_mode_runs_one_after_another() -> None:
    requests, note = fitted(steps(8.0, 1.0), [4.0, 2.0], 0.95, streaming=False)

    assert requests == [3.0, 1.0]
    assert "asks for 8 CPUs and Xenna may use 3" in note


@pytest.mark.parametrize(("nodes", "share"), [([1.0, 1.0], 1.0), ([2.0, 1.0], 0.95)])
def test_nodes_of_one_cpu(nodes: list[float], share: float) -> None:
    assert workable_share(nodes, 0.95) == share
