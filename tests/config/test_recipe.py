# SPDX-License-Identifier: Apache-2.0
"""Recipes: read into pipelines, with every mistake told at once and in its place."""

from pathlib import Path
from textwrap import dedent

import pytest

from thresher.backends.local import LocalExecutor
from thresher.config import Recipe, dump_recipe, load_recipe, parse_recipe
from thresher.errors import PlanError, StorageError
from thresher.pipeline import Pipeline
from thresher.stages.checkpoint import Checkpoint
from thresher.stages.resources import Resources
from thresher.stages.text.filters import ScoreFilter, WordCountFilter
from thresher.stages.text.io.reader import JsonlReader
from thresher.stages.text.io.writer import JsonlWriter
from thresher.stages.text.modifiers import Modify, UnicodeReformatter


def read(text: str, *sets: str, **env: str) -> Recipe:
    return parse_recipe(dedent(text), "r.yaml", sets, env, trust=True)


def mistakes_of(text: str, *sets: str, **env: str) -> list[PlanError]:
    with pytest.raises(PlanError) as caught:
        read(text, *sets, **env)
    return list(caught.value.mistakes) or [caught.value]


WHOLE = """
    name: whole
    description: All there is.
    on_error: raise
    max_error_rate: 0.2
    run_dir: runs
    executor: {LocalExecutor: {workers: 2, memory: 1GB}}
    stages:
      - JsonlReader: {file_paths: in, fields: [text]}
      - WordCountFilter: {min_words: 80}
      - UnicodeReformatter
      - ScoreFilter:
          filter_obj: {WordCountFilter: {min_words: 3}}
          score_field: words
        with:
          name: second
          resources: {cpus: 2}
          batch_size: 4
      - Checkpoint
      - JsonlWriter: {path: out}
"""


def test_a_recipe_is_the_pipeline_one_would_write_in_python() -> None:
    recipe = read(WHOLE)
    assert recipe.pipeline.stages == [
        JsonlReader(file_paths="in", fields=["text"]),
        ScoreFilter(WordCountFilter(min_words=80)),
        Modify(UnicodeReformatter()),
        ScoreFilter(filter_obj=WordCountFilter(min_words=3), score_field="words").with_(
            name="second", resources=Resources(cpus=2), batch_size=4
        ),
        Checkpoint(),
        JsonlWriter(path="out"),
    ]
    pipeline = recipe.pipeline
    assert (pipeline.name, pipeline.description) == ("whole", "All there is.")
    assert (pipeline.on_error, pipeline.max_error_rate) == ("raise", 0.2)
    assert recipe.run_dir == "runs"
    assert isinstance(recipe.executor, LocalExecutor)
    assert (recipe.executor.workers, recipe.executor.memory) == (2, 10**9)


def test_without_a_name_the_file_gives_it(tmp_path: Path) -> None:
    path = tmp_path / "clean_web.yaml"
    path.write_text("stages: [Checkpoint]\n")
    recipe = load_recipe(path)
    assert recipe.pipeline.name == "clean_web"
    assert recipe.executor is None


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be read"):
        load_recipe(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"name: caf\xe9\n")
    with pytest.raises(PlanError, match="UTF-8"):
        load_recipe(tmp_path / "latin.yaml")


def test_all_mistakes_are_told_at_once() -> None:
    told = mistakes_of(
        """
        nam: x
        stages:
          - JsonReader: {file_paths: in}
          - WordCountFilter: {min_word: 3, max_words: many}
          - JsonlReader: {fields: text}
            with: {batch: 2}
        executor: {LocalExecutor: {workers: two}}
        max_error_rate: 3
        """
    )
    lines = [each.where.split(", ")[1] for each in told]
    assert lines == [f"line {n}" for n in (2, 4, 5, 5, 6, 6, 8, 9)]
    assert all(each.what and each.todo for each in told)


@pytest.mark.parametrize(
    ("stage", "what", "todo"),
    [
        ("WordCountFilter: {min_words: '80'}", "the text '80'", "remove the quotes"),
        ("WordCountFilter: {min_words: true}", "not a whole number", "a whole number"),
        ("WordCountFilter: {min_words: 1.5}", "the number 1.5", "a whole number"),
        ("WordCountFilter: {lang: 3}", "not text", 'quotes: lang: "3"'),
        ("WordCountFilter: 80", "where its parameters belong", "{min_words: 80}"),
        ("WordCountFilter: [80]", "a list", "{min_words: [...]}"),
        ("JsonlReader: {file_paths: in, fields: text}", "not a list of text", "fields: [text]"),
        ("ScoreFilter: {filter_obj: WordCountFilter, invert: yes}", "invert", "invert: true"),
        ("ScoreFilter: {filter_obj: UnicodeReformatter}", "not a DocumentFilter", "DocumentFilter"),
        ("ScoreFilter: {filter_obj: {WordCountFiltr: {}}}", "WordCountFiltr", "WordCountFilter?"),
        ("LocalExecutor: {}", "an executor", "thresher show"),
        ("{A: 1, B: 2}", "one entry", "- B:"),
        ("", "nothing stands", "write Name"),
        ("3", "the number 3", "write Name"),
        ("JsonlWriter: {path: out, mode: owerwrite}", "owerwrite", "overwrite"),
        ("JsonlReader: {file_paths: in, blocksize: 64 megs}", "not a size", "64MB"),
    ],
)
def test_mistakes_of_one_stage(stage: str, what: str, todo: str) -> None:
    [told] = mistakes_of(f"stages:\n  - {stage}\n")
    assert what in told.what
    assert todo in told.todo
    assert told.where.startswith("r.yaml, line 2, column ")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "empty"),
        ("[1]", "a list"),
        ("name: x", "no stages"),
        ("stages: []", "no stages"),
        ("stages: {JsonlReader: {}}", "not a list"),
        ("stages: [Checkpoint]\non_error: skip", "on_error"),
        ("stages: [Checkpoint]\nmax_error_rate: 1%", "max_error_rate"),
        ("stages: [Checkpoint]\nname: [a]", "name"),
        ("stages: [Checkpoint]\nexecutor: JsonlReader", "JsonlReader is a stage"),
        ("stages: [Checkpoint]\nparams: 3", "params"),
        ("stages: [Checkpoint]\nimports: {a: b}", "imports"),
        ("stages: [Checkpoint]\nimports: no_such_file.py", "no_such_file.py"),
    ],
)
def test_mistakes_of_the_whole(text: str, what: str) -> None:
    told = mistakes_of(text)[0]
    assert what in told.what
    assert told.where.startswith("r.yaml")
    assert told.todo


# -- variables -----------------------------------------------------------------------------------


def test_variables_keep_their_types() -> None:
    recipe = read(
        """
        params: {folder: in, min: 80, both: "${folder}/${DAY:-monday}", fields: [text, id]}
        stages:
          - JsonlReader: {file_paths: "${both}", fields: "${fields}"}
          - WordCountFilter: {min_words: "${min}", max_words: "${MAX}", lang: "${LANG_OF:-en}"}
        """,
        MAX="200",
    )
    assert recipe.pipeline.stages == [
        JsonlReader(file_paths="in/monday", fields=["text", "id"]),
        ScoreFilter(WordCountFilter(min_words=80, max_words=200, lang="en")),
    ]


def test_a_number_from_the_environment_can_be_text() -> None:
    recipe = read("stages: [{JsonlReader: {file_paths: '${YEAR}'}}]\nname: ${YEAR}", YEAR="2024")
    assert recipe.pipeline.stages == [JsonlReader(file_paths="2024")]
    assert recipe.pipeline.name == "2024"


def test_two_dollars_stand_for_one() -> None:
    recipe = read("stages: [{JsonlReader: {file_paths: 'a$${b}'}}]")
    assert recipe.pipeline.stages == [JsonlReader(file_paths="a${b}")]


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("${NOT_SET}", "NOT_SET is not set"),
        ("in/${NOT_SET}", "NOT_SET is not set"),
        ("${NOT SET}", "not a variable"),
        ("${}", "not a variable"),
        ("${NOT_CLOSED", "not a variable"),
        ("in/${list}", "cannot stand inside a text"),
    ],
)
def test_variables_that_do_not_work(value: str, what: str) -> None:
    text = f"params: {{list: [1]}}\nstages:\n  - JsonlReader: {{file_paths: '{value}'}}\n"
    [told] = mistakes_of(text)
    assert what in told.what
    assert told.where == "r.yaml, line 3, column 31"


def test_the_nearest_variable_is_proposed() -> None:
    [told] = mistakes_of("stages: [{JsonlReader: {file_paths: '${CORPSU}'}}]", CORPUS="in")
    assert "did you mean ${CORPUS}?" in told.todo


# -- classes by their path, and one's own --------------------------------------------------------


def test_a_class_by_its_path() -> None:
    recipe = read(
        """
        stages:
          - _target_: thresher.stages.text.filters.ScoreFilter
            filter_obj: {_target_: thresher.stages.text.filters.WordCountFilter, min_words: 3}
        """
    )
    assert recipe.pipeline.stages == [ScoreFilter(filter_obj=WordCountFilter(min_words=3))]


@pytest.mark.parametrize(
    ("path", "what", "todo"),
    [
        ("os.system", "is no stage", "imports"),
        ("thresherx.Stage", "is no stage", "imports"),
        ("nemo_curator.stages.text.filters.WordCountFilter", "NeMo Curator", "thresher.stages"),
        ("thresher.stages.text.filters.Nothing", "is no stage", "thresher list"),
        ("thresher.no.module.WordCountFilter", "is no stage", "thresher show WordCountFilter"),
        ("thresher.catalog.catalog", "is no stage", "thresher list"),
        ("nodots", "not the path of a class", "thresher."),
    ],
)
def test_paths_that_are_refused(path: str, what: str, todo: str) -> None:
    [told] = mistakes_of(f"stages:\n  - {{_target_: {path}}}\n")
    assert what in told.what
    assert todo in told.todo
    assert told.where == "r.yaml, line 2, column 16"


OWN = '''
from thresher import processing_stage
from thresher.stages.base import ProcessingStage


class Marker(ProcessingStage):
    """Marks."""

    rows = "same"

    def __init__(self, mark: str = "x", options: dict[str, int] | None = None) -> None:
        if mark == "bad":
            raise ValueError("a bad mark")
        self.mark = mark

    def process(self, task):
        return task


@processing_stage(name="pass_it_on")
def pass_on(task):
    """Passes on."""
    return task
'''


def test_stages_of_ones_own_lie_beside_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "my_markers.py").write_text(OWN)
    path = tmp_path / "r.yaml"
    path.write_text(
        "imports: my_markers.py\nstages:\n  - Marker: {mark: y, options: {a: 1}}\n  - pass_on\n"
    )
    marker, function = load_recipe(path, trust=True).pipeline.stages
    assert (marker.mark, function.name) == ("y", "pass_it_on")
    dumped = dump_recipe(Pipeline("p", stages=[marker]))
    [again] = parse_recipe(dumped, trust=True).pipeline.stages
    assert again == marker

    path.write_text(
        "imports: [my_markers.py]\nstages:\n  - Marker: {mark: bad}\n  - pass_on: {a: 1}\n"
    )
    with pytest.raises(PlanError) as caught:
        load_recipe(path, trust=True)
    first, second = caught.value.mistakes
    assert "a bad mark" in first.what
    assert "no parameters" in second.what


def test_placement() -> None:
    [stage] = read(
        "stages: [{Checkpoint: , with: {num_workers: 1, runtime_env: {env_vars: {A: b}}}}]"
    ).pipeline.stages
    assert stage.num_workers() == 1
    assert stage.runtime_env == {"env_vars": {"A": "b"}}


@pytest.mark.parametrize(
    ("placement", "what"),
    [
        ("{batchsize: 2}", "batchsize"),
        ("{batch_size: two}", "batch_size"),
        ("{batch_size: 0}", "batch_size"),
        ("{resources: {cpu: 2}}", "cpu"),
        ("{resources: {cpus: -1}}", "cpus"),
        ("{resources: 2}", "resources"),
        ("{substages: {a: {name: b}}}", "substages"),
        ("[1]", "with is a list"),
    ],
)
def test_placements_that_do_not_work(placement: str, what: str) -> None:
    [told] = mistakes_of(f"stages:\n  - Checkpoint:\n    with: {placement}\n")
    assert what in told.what
    assert "line 3" in told.where


def test_substages_are_placed_by_name() -> None:
    [reader] = read(
        """
        stages:
          - JsonlReader: {file_paths: in}
            with: {substages: {file_partitioning: {resources: {cpus: 2}}}}
        """
    ).pipeline.stages
    assert reader.expand()[0].resources == Resources(cpus=2)


def test_errors_of_the_plan_are_told_with_the_line_of_the_stage() -> None:
    recipe = read(
        "stages:\n  - JsonlReader: {file_paths: in}\n  - WordCountFilter\n  - WordCountFilter\n"
    )
    wheres = ["stage 'word_count'", "stage 4, 'word_count'", "stage 1, 'file_partitioning'", "x"]
    located = recipe.located(PlanError.from_mistakes(PlanError("no", where=w) for w in wheres))
    assert isinstance(located, PlanError)
    assert [each.where for each in located.mistakes] == [
        "r.yaml, line 3, column 5, stage 'word_count'",
        "r.yaml, line 4, column 5, stage 'word_count'",
        "r.yaml, line 2, column 5, stage 'file_partitioning'",
        "x",
    ]
