# SPDX-License-Identifier: Apache-2.0
"""Calls Steps as a worker does, and expects that a call fails."""

from pathlib import Path
from typing import Any

import pytest

from thresher.backends.call_failed import CallFailed
from thresher.backends.context import Attempt, RunContext
from thresher.backends.output import OutputFiles
from thresher.backends.runner import StepCall
from thresher.planning.plan import Step
from thresher.stages.base import ProcessingStage
from thresher.tasks import Task


class Calling:
    """Calls Steps as a worker does, with files below a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.n = 0

    def __call__(
        self, stages: list[Any], task: Task[Any], on_error: str = "quarantine", **attempt: Any
    ) -> tuple[list[Task[Any]], StepCall]:
        self.n += 1
        output = str(self.folder / "output")
        context = RunContext(output, output, "tmp", "tmp", "out", on_error, durable=False)
        told = Attempt(f"t{self.n}", "part", **attempt)
        step = Step(0, tuple(stage.as_stage() for stage in stages))
        call = StepCall(step, told, (), context, OutputFiles(context, told, ()))
        return list(call.run(task)), call


def failing(call: Calling, stage: ProcessingStage[Any, Any], task: Task[Any]) -> CallFailed:
    with pytest.raises(CallFailed) as caught:
        call([stage], task)
    assert caught.value.stage == stage.name
    return caught.value
