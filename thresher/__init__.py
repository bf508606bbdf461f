# SPDX-License-Identifier: Apache-2.0
"""Thresher turns raw text, images, audio and video into training-ready datasets."""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from thresher.backends.local import LocalExecutor as LocalExecutor
    from thresher.pipeline import Pipeline as Pipeline
    from thresher.pipeline import RunResult as RunResult
    from thresher.stages.base import CompositeStage as CompositeStage
    from thresher.stages.base import ProcessingStage as ProcessingStage
    from thresher.stages.checkpoint import Checkpoint as Checkpoint
    from thresher.stages.function_decorators import processing_stage as processing_stage
    from thresher.stages.resources import Resources as Resources
    from thresher.tasks import DocumentBatch as DocumentBatch

_HOMES = {
    "Checkpoint": "thresher.stages.checkpoint",
    "CompositeStage": "thresher.stages.base",
    "DocumentBatch": "thresher.tasks",
    "LocalExecutor": "thresher.backends.local",
    "Pipeline": "thresher.pipeline",
    "ProcessingStage": "thresher.stages.base",
    "Resources": "thresher.stages.resources",
    "RunResult": "thresher.pipeline",
    "processing_stage": "thresher.stages.function_decorators",
}

__all__ = ["__version__", *sorted(_HOMES)]


def __getattr__(name: str) -> object:
    """Import a public name on first use (PEP 562), so that ``import thresher`` stays light."""
    if name not in _HOMES:
        raise AttributeError(f"module 'thresher' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
