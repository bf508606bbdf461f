# SPDX-License-Identifier: Apache-2.0
"""ModelFile: a model on disk, looked for before a run."""

from __future__ import annotations

import os
from dataclasses import dataclass

from thresher import storage
from thresher.errors import ModelError, ThresherError


class ModelNotFoundError(ModelError, FileNotFoundError):
    """There is no model where one was said to be."""


@dataclass(frozen=True)
class ModelFile:
    """The path of a model on a local disk, or one that all machines see."""

    identifier: str

    @property
    def path(self) -> str:
        """The file."""
        return storage.absolute(self.identifier)

    @property
    def files(self) -> list[str]:
        """What there is of its files."""
        return [self.path] if os.path.isfile(self.path) else []

    def check(self, who: str) -> None:
        """See that the file is there.

        Raises
        ------
        ModelNotFoundError
            If it is not.
        """
        for mistake in self.mistakes(who):
            raise mistake

    def mistakes(self, who: str) -> list[ThresherError]:
        """What is wrong with it, as far as can be told without loading it."""
        if self.files:
            return []
        return [
            ModelNotFoundError(
                f"{who} finds no such model",
                where=self.path,
                todo="give the path of a file that every machine can read",
            )
        ]
