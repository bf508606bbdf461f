# SPDX-License-Identifier: Apache-2.0
"""Filters by fastText classifiers: of quality, and of languages."""

from __future__ import annotations

import ast
import json
import math
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import xxhash

from thresher.errors import PlanError, ThresherError
from thresher.stages.filtering import Mask, Scores, as_numbers, as_objects
from thresher.stages.text.arguments import WrongTypeError
from thresher.stages.text.filters.document_filter import DocumentFilter
from thresher.stages.text.language_model import LABEL, REQUIRES, Classifier, FastTextModel
from thresher.stages.text.tokenizing import VersionOfFiles

_LOADED = "_model"
_STEPS = 1 << 24  # of a probability: fastText computes in 32-bit floats
_BELOW = 29  # bits of a 64-bit float that are left below a step
_TOP = float.fromhex("0x1p-53")


class FastTextFilter(DocumentFilter):
    """Base of filters with a fastText classifier, which every worker loads for itself."""

    EXAMPLES = ()
    requires: ClassVar[tuple[tuple[str, str], ...]] = REQUIRES
    version: ClassVar[Any] = VersionOfFiles()

    def __init__(self, model_path: str | None) -> None:
        if model_path is None:
            raise PlanError(
                "model_path is not given",
                where=type(self).__name__,
                todo="give the path of a fastText classifier, .bin or .ftz",
            )
        self.model_path = model_path

    @property
    def source(self) -> FastTextModel:
        """The model's file."""
        return FastTextModel(str(self.model_path))

    def plan_mistakes(self) -> list[ThresherError]:
        """A file that is not there."""
        return self.source.mistakes(type(self).__name__)

    def model_check_or_download(self) -> None:
        """See that the model is there.

        Raises
        ------
        ModelNotFoundError
            If it is not (also a FileNotFoundError).
        """
        self.source.check(type(self).__name__)

    def load_model(self) -> None:
        """Load the model.

        Raises
        ------
        ModelError
            If it cannot be loaded.
        """
        _ = self._model

    @cached_property
    def _model(self) -> Classifier:
        return self.source.load(type(self).__name__)

    def __getstate__(self) -> dict[str, Any]:
        """Without the model in memory."""
        return {name: value for name, value in self.__dict__.items() if name != _LOADED}


class FastTextQualityFilter(FastTextFilter):
    """Keep documents that a classifier finds good, and by chance some of the others.

    Score: float64 from 0 to 1, the probability p of the likeliest label if that is ``label``, else
    1 - p; as fastText computes it, in steps of 2**-24. Below these steps the score holds a hash of
    the document, so that documents as good as one another are still told apart.

    Kept is a document for which a draw from the Pareto (Lomax) distribution of shape ``alpha``
    exceeds 1 - score. The draw is made from ``seed`` and the score alone: it is the same in every
    run, whatever the batch, its order or the worker, and also from a stored score (float64).

    Null rule: a document of which the model knows nothing, not even a label, scores 0.0.

    Source: Brown et al. 2020, GPT-3 (arXiv:2005.14165), appendix A.

    >>> FastTextQualityFilter("quality.bin", seed=1).keep_document(0.999)
    True

    Parameters
    ----------
    model_path : str
        A fastText classifier, ``.bin`` or ``.ftz``.
    label : str
        The label of good documents.
    alpha : float
        The higher, the fewer documents of low score are kept.
    seed : int
        Another seed draws otherwise.

    Raises
    ------
    PlanError
        If no model is named, or ``alpha`` is not more than 0 (also a ValueError).
    """

    name = "fasttext_quality_filter"

    def __init__(
        self,
        model_path: str | None = None,
        label: str = "__label__hq",
        alpha: float = 3,
        seed: int = 42,
    ) -> None:
        super().__init__(model_path)
        if not alpha > 0:
            raise PlanError(
                f"alpha={alpha} is not more than 0", where="FastTextQualityFilter", todo="give 3"
            )
        self.label = label
        self.alpha = alpha
        self.seed = seed

    def score_document(self, text: str) -> float:
        """The probability that the document is good."""
        top = self._model.top(text.replace(LABEL, " "))
        if not top:
            return 0.0
        probability, label = top[0]
        good = probability if label == self.label.removeprefix(LABEL) else 1.0 - probability
        steps = min(max(round(good * _STEPS), 0), _STEPS - 1)
        below = xxhash.xxh3_64_intdigest(text.encode("utf-8", "surrogatepass")) >> (64 - _BELOW)
        return (steps << _BELOW | below) * _TOP

    def keep_document(self, score: Any) -> bool:
        """Whether the draw of this score exceeds what it lacks."""
        return bool(self.keep_scores([score])[0])

    def keep_scores(self, scores: Scores) -> Mask:
        """bool[n_rows]: which documents stay; none without a score."""
        found = as_numbers(scores)
        if found is None:
            values = (math.nan if score is None else score for score in as_objects(scores))
            found = np.fromiter(values, np.float64, count=len(scores))
        numbers = found.astype(np.float64)
        with np.errstate(invalid="ignore"):
            return np.asarray(_pareto(numbers, self.alpha, self.seed) > 1.0 - numbers)


def _pareto(scores: Any, alpha: float, seed: int) -> Any:
    """float64[n] -> float64[n]: a draw for each score; the same score gives the same draw."""
    bits = np.ascontiguousarray(scores, np.float64).view(np.uint64)
    key = np.uint64(xxhash.xxh3_64_intdigest(str(seed).encode()))
    # The finalizer of SplitMix64, which makes bits that look random of any that differ.
    mixed = bits ^ key
    mixed = (mixed ^ mixed >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ mixed >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    uniform = (mixed >> np.uint64(11)).astype(np.float64) * _TOP  # [0, 1)
    return (1.0 - uniform) ** (-1.0 / alpha) - 1.0


class FastTextLangId(FastTextFilter):
    """Keep documents of a language, or those whose language is clear.

    Score: str, a list of the probability and the code of the likeliest language (its label less
    the prefix), such as ``[0.97, 'en']``. ``LanguageIdentifier`` gives the same as columns with
    types of their own.

    Null rule: a null or empty document scores what the model says of no text at all, and
    ``[0.0, '']`` if it says nothing.

    Source: Joulin et al. 2016, fastText (arXiv:1607.01759).

    >>> FastTextLangId("bundled", lang="en").keep_document("[0.97, 'en']")
    True

    Parameters
    ----------
    model_path : str
        A fastText classifier of languages, ``.bin`` or ``.ftz``; ``"bundled"`` is the small one of
        176 languages that comes with the extra ``text``.
    min_langid_score : float
        The lowest probability that is kept.
    lang : str | None
        The only language that is kept, in whatever case. Without a ``_`` in it, only what stands
        before the first ``_`` of a label counts: ``"zh"`` keeps ``zh_Hant``.

    Raises
    ------
    PlanError
        If no model is named (also a ValueError).
    """

    name = "lang_id"

    def __init__(
        self,
        model_path: str | None = None,
        min_langid_score: float = 0.3,
        lang: str | None = None,
    ) -> None:
        super().__init__(model_path)
        self.min_langid_score = min_langid_score
        self.lang = lang

    def score_document(self, text: str) -> str:
        """Probability and code of the language."""
        top = self._model.top(text)
        probability, label = top[0] if top else (0.0, "")
        return str([probability, label])

    def keep_document(self, score: Any) -> bool:
        """Whether a language of this score is wanted, and clear enough.

        Raises
        ------
        WrongTypeError
            If the score is no text (also a TypeError).
        """
        probability, code = _read(score)
        if probability < self.min_langid_score:
            return False
        if self.lang is None:
            return True
        found = code if "_" in self.lang else code.partition("_")[0]
        return found.upper() == self.lang.upper()


def _read(score: Any) -> tuple[float, str]:
    """The probability and the code of a score."""
    if not isinstance(score, str):
        raise WrongTypeError(
            f"the score is a {type(score).__name__}, not text such as \"[0.97, 'en']\"",
            where="FastTextLangId",
            todo="name the column that this filter's score was stored in",
        )
    try:
        probability, code = json.loads(score) if '"' in score else ast.literal_eval(score)
        return float(probability), str(code)
    except (ValueError, TypeError, SyntaxError):
        raise PlanError(
            f"the score {score[:80]!r} is no list of a probability and a code",
            where="FastTextLangId",
            todo="name the column that this filter's score was stored in",
        ) from None
