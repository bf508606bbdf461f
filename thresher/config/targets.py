# SPDX-License-Identifier: Apache-2.0
"""``_target_``: a class named by its full path; only code one has reason to trust is imported."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from thresher.errors import PlanError

TARGET = "_target_"


def load_target(path: object, imports: Sequence[str]) -> Any:
    """The class at ``package.module.Class``.

    Raises
    ------
    PlanError
        If the path lies outside Thresher, its plug-ins and the recipe's imports, or leads nowhere.
    """
    if not isinstance(path, str) or "." not in path:
        raise PlanError(
            f"{path!r} is not the path of a class",
            todo="write e.g. thresher.stages.checkpoint.Checkpoint",
        )
    if path.startswith("nemo_curator."):
        raise PlanError(
            f"{path} is a class of NeMo Curator",
            todo=f"write thresher.{path.partition('.')[2]}, or just {path.rpartition('.')[2]}",
        )
    allowed = ["thresher", *_plug_in_packages(), *(i for i in imports if not i.endswith(".py"))]
    if not any(path.startswith(f"{each}.") for each in allowed):
        raise PlanError(
            f"{path} lies outside Thresher and what the recipe imports",
            todo=f"add it below imports: (- {path.rpartition('.')[0]})",
        )
    module, _, name = path.rpartition(".")
    try:
        made = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise PlanError(
            f"{path} is not found: {error}", todo=f"`thresher show {name}` shows where it is"
        ) from error
    if not isinstance(made, type):
        raise PlanError(f"{path} is not a class", todo="name a class")
    return made


def _plug_in_packages() -> set[str]:
    from importlib.metadata import entry_points

    points = entry_points(group="thresher.stages")
    return {point.value.partition(":")[0].partition(".")[0] for point in points}
