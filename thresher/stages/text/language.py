# SPDX-License-Identifier: Apache-2.0
"""LanguageIdentifier: says in which language documents are written, and how surely."""

from __future__ import annotations

from typing import Any, ClassVar

import pyarrow as pa

from thresher.errors import PlanError, ThresherError
from thresher.stages.base import TEXT, Columns, ProcessingStage, WorkerMetadata
from thresher.stages.filtering import text_of
from thresher.stages.text.language_model import BUNDLED, REQUIRES, Classifier, FastTextModel
from thresher.stages.text.tokenizing import VersionOfFiles
from thresher.tasks import DocumentBatch

_QUANTUM = 4
"""Decimals of a stored score: the last bits of a float differ from machine to machine."""

_LOADED = "_model"
_CANDIDATES = pa.list_(pa.struct([("language", pa.string()), ("score", pa.float32())]))


class LanguageIdentifier(ProcessingStage[DocumentBatch, DocumentBatch]):
    """Add the language of each document and its probability, as columns with types of their own.

    ``language_field`` holds the label of the likeliest language (string; of the bundled model an
    ISO 639 code such as ``"en"``), ``score_field`` its probability (float32 from 0 to 1, rounded to
    four decimals). Both are null for a document that is null or nothing but white space, and for
    one of which the model knows nothing.

    Parameters
    ----------
    text_field : str
        Column to read.
    language_field : str
        Column for the language.
    score_field : str
        Column for its probability.
    top_k : int
        With more than 1, ``candidates_field`` holds so many languages, the likeliest first.
    candidates_field : str
        Column for them: list<struct<language: string, score: float32>>.
    model_path : str
        A fastText classifier of languages, ``.bin`` or ``.ftz``; ``"bundled"`` is the small one of
        176 languages that comes with the extra ``text`` (lid.176.ftz, CC BY-SA 3.0).
    max_characters : int | None
        Look at so many characters of a document only; at all of them when not given.

    Raises
    ------
    PlanError
        If ``top_k`` or ``max_characters`` is less than 1, or two columns share a name.
    ModelError
        In setup: if there is no such model.
    """

    name = "language_identifier"
    rows = "same"
    determinism = "rounded"
    requires: ClassVar[tuple[tuple[str, str], ...]] = REQUIRES
    version: ClassVar[Any] = VersionOfFiles()

    def __init__(
        self,
        text_field: str = "text",
        language_field: str = "language",
        score_field: str = "language_score",
        top_k: int = 1,
        candidates_field: str = "languages",
        model_path: str = BUNDLED,
        max_characters: int | None = None,
    ) -> None:
        for argument, value in (("top_k", top_k), ("max_characters", max_characters)):
            if value is not None and value < 1:
                raise PlanError(f"{argument}={value} is less than 1", where="LanguageIdentifier")
        self.text_field = text_field
        self.language_field = language_field
        self.score_field = score_field
        self.top_k = top_k
        self.candidates_field = candidates_field
        self.model_path = model_path
        self.max_characters = max_characters
        made = self.outputs()[1]
        if len({text_field, *made}) <= len(made):
            raise PlanError(
                "two of its columns share a name",
                where="LanguageIdentifier",
                todo="give text_field and the fields it adds names of their own",
            )

    @property
    def source(self) -> FastTextModel:
        """The model's file."""
        return FastTextModel(str(self.model_path))

    def plan_mistakes(self) -> list[ThresherError]:
        """A file that is not there."""
        return self.source.mistakes(type(self).__name__)

    def inputs(self) -> Columns:
        """The text."""
        return ["data"], [self.text_field]

    def input_kinds(self) -> dict[str, str]:
        """Text."""
        return {self.text_field: TEXT}

    def outputs(self) -> Columns:
        """Language and score, and the candidates if there are any."""
        more = [self.candidates_field] if self.top_k > 1 else []
        return ["data"], [self.language_field, self.score_field, *more]

    def setup(self, worker_metadata: WorkerMetadata | None = None) -> None:
        """Load the model."""
        self.__dict__[_LOADED] = self.source.load(type(self).__name__)

    def process(self, task: DocumentBatch) -> DocumentBatch:
        """All rows, with their languages."""
        if _LOADED not in self.__dict__:
            self.setup()
        texts = text_of(task, self.text_field, self.name).to_pylist()
        found = [self._candidates(text) for text in texts]
        languages = pa.array([each[0]["language"] if each else None for each in found], pa.string())
        scores = pa.array([each[0]["score"] if each else None for each in found], pa.float32())
        task = task.with_column(self.language_field, languages)
        task = task.with_column(self.score_field, scores)
        if self.top_k > 1:
            task = task.with_column(self.candidates_field, pa.array(found, _CANDIDATES))
        return task

    def _candidates(self, text: str | None) -> list[dict[str, Any]] | None:
        """The likeliest languages of a text, None if there are none."""
        if text is None or not text or text.isspace():
            return None
        model: Classifier = self.__dict__[_LOADED]
        top = model.top(text[: self.max_characters], self.top_k)
        return [{"language": label, "score": round(p, _QUANTUM)} for p, label in top] or None

    def __getstate__(self) -> dict[str, Any]:
        """Without the model in memory, which every worker loads for itself."""
        return {name: value for name, value in self.__dict__.items() if name != _LOADED}
