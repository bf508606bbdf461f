# SPDX-License-Identifier: Apache-2.0
"""A filter and a stage of one's own.

    python examples/own_stage.py          (from the repository's root)

The same file serves recipes: ``imports: [examples/own_stage.py]``, then ``QuestionFilter: {}``.
"""

import pyarrow.compute as pc

from thresher.pipeline import Pipeline
from thresher.stages.filtering import Bounds
from thresher.stages.function_decorators import processing_stage
from thresher.stages.text.filters import DocumentFilter
from thresher.stages.text.io import JsonlReader, JsonlWriter
from thresher.tasks import DocumentBatch


class QuestionFilter(DocumentFilter):
    """Keep documents that ask little.

    Score: float, question marks for every 100 characters; 0 for an empty document.
    """

    def __init__(self, max_questions: float = 0.5) -> None:
        self.max_questions = max_questions

    def score_document(self, text: str) -> float:
        """Question marks for every 100 characters."""
        return 100 * text.count("?") / len(text) if text else 0.0

    def bounds(self) -> Bounds:
        """No lower end."""
        return None, self.max_questions


# rows="same": an error in one row is narrowed down to it, and only that row goes to quarantine.
@processing_stage(name="text_length", rows="same")
def text_length(task: DocumentBatch) -> DocumentBatch:
    """Add a column with the number of characters."""
    return task.with_column("n_characters", pc.utf8_length(task.data["text"]))


if __name__ == "__main__":
    pipeline = Pipeline(
        name="own_stage",
        max_error_rate=0.05,
        stages=[
            JsonlReader(file_paths="examples/corpus/de"),
            QuestionFilter(max_questions=0.3),
            text_length,
            JsonlWriter(path="demo-output/own_stage"),
        ],
    )
    pipeline.run()
