# SPDX-License-Identifier: Apache-2.0
"""Mistakes of a recipe, gathered so that all are told at once."""

from __future__ import annotations

from thresher.errors import PlanError, ThresherError, error_text


class Mistakes:
    """A list of mistakes in the making; true when there is one."""

    def __init__(self) -> None:
        self.found: list[ThresherError] = []

    def __bool__(self) -> bool:
        return bool(self.found)

    def add(self, what: str, where: str, todo: str) -> None:
        """One more."""
        self.found.append(PlanError(what, where, todo))

    def take(self, error: Exception, where: str, what: str) -> None:
        """An error that something raised while it was made, found again at ``where``.

        ``what`` is said of errors that do not say what happened by themselves.
        """
        if isinstance(error, PlanError) and error.mistakes:
            for each in error.mistakes:
                self.take(each, where, what)
        elif isinstance(error, ThresherError):
            place = f"{where}, {error.where}" if error.where else where
            self.found.append(PlanError(error.what, place, error.todo))
        else:
            self.add(f"{what}: {error_text(error)}", where, "change it, or mend the class")

    def raise_if_any(self) -> None:
        """Raise one error that tells all.

        Raises
        ------
        PlanError
            If there is a mistake.
        """
        if self.found:
            raise PlanError.from_mistakes(self.found)
