# SPDX-License-Identifier: Apache-2.0
import dataclasses

import pytest

from thresher.errors import PlanError
from thresher.stages.resources import Resources


def test_one_core_is_the_default() -> None:
    assert Resources() == Resources(cpus=1.0, gpu_memory_gb=0.0, gpus=0.0, memory_gb=0.0)
    assert not Resources().requires_gpu


def test_a_share_of_a_gpu_is_a_gpu() -> None:
    assert Resources(gpus=0.25).requires_gpu
    assert Resources(gpu_memory_gb=10).requires_gpu


def test_resources_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Resources().cpus = 2  # type: ignore[misc]


@pytest.mark.parametrize("amount", [-1, "2", True, None])
def test_what_is_no_amount_is_refused(amount: object) -> None:
    with pytest.raises(PlanError, match="cpus"):
        Resources(cpus=amount)  # type: ignore[arg-type]


def test_gpus_are_asked_for_in_one_way() -> None:
    with pytest.raises(ValueError, match="not both"):
        Resources(gpus=1, gpu_memory_gb=8)
