# SPDX-License-Identifier: Apache-2.0
"""Mistakes that newcomers make in a recipe or with its input, one case each."""

from __future__ import annotations

from dataclasses import dataclass, field

from thresher.errors import PlanError, StageError, StorageError, ThresherError

GOOD = '{"id": "1", "text": "one two three"}\n{"id": "2", "text": "four five"}\n'


@dataclass(frozen=True)
class Mistake:
    """A recipe that is wrong, and what its error must say.

    Parameters
    ----------
    title : str
        The mistake, as a row of the page begins.
    recipe : str
        The whole recipe.
    telling : str
        The piece of it that the page shows.
    what, where, todo : str
        Words that must be in the error's fields.
    files : dict[str, str]
        Files that are there, by path; two good records in ``in/a.jsonl`` unless told.
    error : type
        The error's class.
    """

    title: str
    recipe: str
    telling: str
    what: str
    where: str
    todo: str
    files: dict[str, str] = field(default_factory=lambda: {"in/a.jsonl": GOOD})
    error: type[ThresherError] = PlanError


def around(*stages: str, reader: str = "{file_paths: in}", writer: str = "{path: out}") -> str:
    """A recipe with a reader, these stages and a writer."""
    listed = [f"JsonlReader: {reader}", *stages, f"JsonlWriter: {writer}"]
    return "name: mine\nstages:\n" + "".join(f"  - {stage}\n" for stage in listed)


IN_THE_RECIPE = (
    Mistake(
        "A name that does not exist",
        around("WordCounter: {min_words: 80}"),
        "- WordCounter: {min_words: 80}",
        "WordCounter",
        "line 4",
        "did you mean WordCountFilter",
    ),
    Mistake(
        "A parameter that does not exist",
        around("WordCountFilter: {min_word: 80}"),
        "- WordCountFilter: {min_word: 80}",
        "min_word",
        "line 4",
        "did you mean min_words",
    ),
    Mistake(
        "A parameter that is missing",
        around(reader="{fields: [text]}"),
        "- JsonlReader: {fields: [text]}",
        "file_paths",
        "line 3",
        "add file_paths",
    ),
    Mistake(
        "A number in quotes",
        around('WordCountFilter: {min_words: "80"}'),
        '- WordCountFilter: {min_words: "80"}',
        "not a whole number",
        "line 4",
        "remove the quotes",
    ),
    Mistake(
        "A value where parameters belong",
        around("WordCountFilter: 80"),
        "- WordCountFilter: 80",
        "where its parameters belong",
        "line 4",
        "{min_words: 80}",
    ),
    Mistake(
        "Parameters indented too little",
        around("WordCountFilter:\n    min_words: 80"),
        "- WordCountFilter:<br>&nbsp;&nbsp;min_words: 80",
        "min_words stands beside WordCountFilter",
        "line 5",
        "indent",
    ),
    Mistake(
        "A tab",
        "name: mine\nstages:\n\t- JsonlReader: {file_paths: in}\n",
        "⇥- JsonlReader: ...",
        "tab",
        "line 3",
        "spaces",
    ),
    Mistake(
        "A key given twice",
        around("WordCountFilter: {min_words: 80, min_words: 90}"),
        "- WordCountFilter: {min_words: 80, min_words: 90}",
        "'min_words' is given twice",
        "line 4",
        "remove one",
    ),
    Mistake(
        "A pattern that YAML takes for an alias",
        around(reader="{file_paths: *.jsonl}"),
        "- JsonlReader: {file_paths: *.jsonl}",
        "not YAML",
        "line 3",
        "in quotes",
    ),
    Mistake(
        "A bracket that is never closed",
        around("WordCountFilter: {min_words: 80"),
        "- WordCountFilter: {min_words: 80",
        "not YAML",
        "line 4",
        "close",
    ),
    Mistake(
        "A variable that is not set",
        around(reader="{file_paths: '${CORPUS}'}"),
        "- JsonlReader: {file_paths: '${CORPUS}'}",
        "CORPUS is not set",
        "line 3",
        "default",
    ),
    Mistake(
        "A key that a recipe does not have",
        "pipeline: mine\n" + around(),
        "pipeline: mine",
        "no key 'pipeline'",
        "line 1",
        "the keys are name",
    ),
    Mistake(
        "No stages",
        "name: mine\n",
        "name: mine",
        "no stages",
        "recipe.yaml",
        "stages:",
    ),
    Mistake(
        "A size that is none",
        around(reader="{file_paths: in, blocksize: 64 megs}"),
        "- JsonlReader: {file_paths: in, blocksize: 64 megs}",
        "not a size",
        "line 3",
        "64MB",
    ),
    Mistake(
        "Two options that exclude each other",
        around(reader="{file_paths: in, blocksize: 64MB, files_per_partition: 4}"),
        "- JsonlReader: {..., blocksize: 64MB, files_per_partition: 4}",
        "both given",
        "line 3",
        "one of them",
    ),
    Mistake(
        "A class from another package",
        around("{_target_: nemo_curator.stages.text.filters.WordCountFilter}"),
        "- {_target_: nemo_curator.stages.text.filters.WordCountFilter}",
        "NeMo Curator",
        "line 4",
        "thresher.",
    ),
    Mistake(
        "A stage of one's own that does nothing",
        "imports: [mine.py]\n" + around("Tagger"),
        "class Tagger(ProcessingStage): ...",
        "process",
        "line 5",
        "define process",
        {
            "in/a.jsonl": GOOD,
            "mine.py": "from thresher import ProcessingStage\n\n\n"
            'class Tagger(ProcessingStage):\n    """Tags."""\n',
        },
    ),
)

WITH_THE_PLAN = (
    Mistake(
        "A column that does not exist",
        around("ScoreFilter: {filter_obj: WordCountFilter, text_field: texts}"),
        "- ScoreFilter: {..., text_field: texts}",
        "the column 'texts'",
        "line 4",
        "did you mean 'text'",
    ),
    Mistake(
        "A reader that is not first",
        "name: mine\nstages:\n  - WordCountFilter\n  - JsonlReader: {file_paths: in}\n",
        "- WordCountFilter<br>- JsonlReader: ...",
        "reader must come first",
        "line 4",
        "front",
    ),
    Mistake(
        "A writer that is not last",
        "name: mine\nstages:\n  - JsonlReader: {file_paths: in}\n"
        "  - JsonlWriter: {path: out}\n  - WordCountFilter\n",
        "- JsonlWriter: {path: out}<br>- WordCountFilter",
        "writer must come last",
        "line 4",
        "end",
    ),
    Mistake(
        "Two writers to one place",
        around("JsonlWriter: {path: out}"),
        "- JsonlWriter: {path: out}<br>- JsonlWriter: {path: out}",
        "writer must come last",
        "line 4",
        "end",
    ),
    Mistake(
        "Output inside the input",
        around(writer="{path: in/clean}"),
        "- JsonlReader: {file_paths: in}<br>- JsonlWriter: {path: in/clean}",
        "inside the other",
        "line 4",
        "a folder of its own",
    ),
    Mistake(
        "More GPUs than the machine has",
        "name: mine\nstages:\n  - JsonlReader: {file_paths: in}\n"
        "  - WordCountFilter: {min_words: 1}\n    with: {resources: {gpus: 64}}\n"
        "  - JsonlWriter: {path: out}\n",
        "with: {resources: {gpus: 64}}",
        "64 GPUs",
        "line 4",
        "where there are GPUs",
    ),
)

WITH_THE_INPUT = (
    Mistake(
        "An input folder that does not exist",
        around(reader="{file_paths: inn}"),
        "- JsonlReader: {file_paths: inn}",
        "no such file or folder",
        "inn",
        "did you mean in",
        error=StorageError,
    ),
    Mistake(
        "An empty input folder",
        around(),
        "- JsonlReader: {file_paths: in}",
        "no file",
        "in",
        "empty",
        {"in/.keep": ""},
    ),
    Mistake(
        "Files with another ending",
        around(),
        "in/a.txt",
        "no file",
        "in",
        "a.txt",
        {"in/a.txt": GOOD},
    ),
    Mistake(
        "A pattern that matches nothing",
        around(reader="{file_paths: 'in/*.json'}"),
        "- JsonlReader: {file_paths: 'in/*.json'}",
        "no file",
        "in/*.json",
        "check the path",
    ),
    Mistake(
        "A `.jsonl` file that holds one JSON array",
        around(),
        '[{"text": "one"}, {"text": "two"}]',
        "an object is expected",
        "",
        "quarantine",
        {"in/a.jsonl": '[{"id": "1", "text": "one"},\n {"id": "2", "text": "two"}]\n'},
        StageError,
    ),
    Mistake(
        "Too many broken lines",
        around(),
        '{"id": "3", "text": "cut o',
        "max_error_rate=0.01",
        "",
        "quarantine",
        {"in/a.jsonl": GOOD + '{"id": "3", "text": "cut o\n'},
        StageError,
    ),
    Mistake(
        "An output folder with files of others",
        around(writer="{path: out, mode: error}"),
        "- JsonlWriter: {path: out, mode: error}",
        "the output folder holds",
        "out",
        "choose another folder",
        {"in/a.jsonl": GOOD, "out/mine.txt": "mine"},
        StorageError,
    ),
)

CHAPTERS = {
    "In the recipe": IN_THE_RECIPE,
    "In what the stages are to do": WITH_THE_PLAN,
    "With the input and the output": WITH_THE_INPUT,
}
