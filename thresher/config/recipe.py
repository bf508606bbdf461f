# SPDX-License-Identifier: Apache-2.0
"""Recipe: what a recipe describes, and where."""

from __future__ import annotations

import re
from copy import copy
from dataclasses import dataclass

from thresher.backends.executor import BaseExecutor
from thresher.errors import PlanError, ThresherError
from thresher.pipeline import Pipeline

# How errors name a stage: "stage 'x'", or "stage 3, 'x'" where its number tells more.
_STAGE = re.compile(r"stage (?:(\d+), )?'([^']*)'")


@dataclass(frozen=True)
class Recipe:
    """What a recipe describes.

    Parameters
    ----------
    executor : BaseExecutor | None
        None if the recipe leaves it to the pipeline.
    run_dir : str | None
        None if the recipe leaves it to the pipeline.
    places : tuple[tuple[str, str], ...]
        (name, place) of each stage, with composites expanded; a place is file, line and column.
    trusted : tuple[str, ...]
        What it does that runs code which is not Thresher's.
    """

    pipeline: Pipeline
    executor: BaseExecutor | None = None
    run_dir: str | None = None
    places: tuple[tuple[str, str], ...] = ()
    trusted: tuple[str, ...] = ()

    def located(self, error: ThresherError) -> ThresherError:
        """The error with the line of the recipe in its place, where it names a stage."""
        if isinstance(error, PlanError) and error.mistakes:
            return PlanError.from_mistakes([self.located(each) for each in error.mistakes])
        named = _STAGE.search(error.where)
        place = self._place(named.group(2), int(named.group(1) or 0)) if named else None
        if named is None or place is None or place in error.where:
            return error
        found = copy(error)
        # The line says it better than a number that counts the insides of composites.
        found.where = f"{place}, {_STAGE.sub(f'stage {named.group(2)!r}', error.where)}"
        return found

    def _place(self, name: str, number: int) -> str | None:
        """Where the stage of that name, and number if it is not 0, is written."""
        if 0 < number <= len(self.places) and self.places[number - 1][0] == name:
            return self.places[number - 1][1]
        return dict(reversed(self.places)).get(name)
