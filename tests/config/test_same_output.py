# SPDX-License-Identifier: Apache-2.0
"""A recipe and the same pipeline in Python write the same bytes."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import ROOT, blocks_of
from tests.toys import read_output, run_quietly
from thresher.backends.local import LocalExecutor
from thresher.config import parse_recipe
from thresher.pipeline import Pipeline
from thresher.stages.text.filters import (
    MeanWordLengthFilter,
    RepeatedLinesFilter,
    RepeatingTopNGramsFilter,
    ScoreFilter,
    SymbolsToWordsFilter,
    WordCountFilter,
)
from thresher.stages.text.io import JsonlReader, JsonlWriter
from thresher.stages.text.modifiers import Modify, NewlineNormalizer, UnicodeReformatter


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to be in, with the examples beside."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def output_of(pipeline: Pipeline, folder: Path) -> dict[str, bytes]:
    """What a run writes into ``folder``, which is removed for the next run."""
    run_quietly(pipeline, LocalExecutor(workers=0))
    made = read_output(folder)
    shutil.rmtree(folder)
    return made


def readme(language: str) -> str:
    """The first block of the README in a language."""
    blocks = blocks_of(ROOT / "README.md")
    return next(block.text for block in blocks if block.language == language)


def test_the_pipeline_of_the_readme(folder: Path) -> None:
    names: dict[str, Any] = {}
    exec(readme("python").replace("pipeline.run()", ""), names)
    recipe = parse_recipe(readme("yaml"), "quick_start.yaml", (), {})
    in_python = output_of(names["pipeline"], folder / "curated")
    in_yaml = output_of(recipe.pipeline, folder / "curated")

    assert recipe.pipeline.stages == names["pipeline"].stages
    assert in_yaml == in_python
    lines = b"".join(in_python.values()).splitlines()
    there = sum(
        len(f.read_bytes().splitlines()) for f in Path("examples/corpus/en").glob("*.jsonl")
    )
    assert 0 < len(lines) < there


def test_the_demo(folder: Path) -> None:
    """Of two of its languages, for speed."""
    languages = ["de", "ru"]
    text = (ROOT / "examples" / "demo.yaml").read_text()
    others = [
        f"        - ${{corpus}}/{name}\n" for name in ("ar", "en", "es", "fr", "id", "it", "pt")
    ]
    for line in others:
        assert line in text
        text = text.replace(line, "")
    pipeline = Pipeline(
        "demo",
        max_error_rate=0.05,
        stages=[
            JsonlReader([f"examples/corpus/{language}" for language in languages]),
            Modify([UnicodeReformatter(), NewlineNormalizer()]),
            ScoreFilter(WordCountFilter(10)),
            ScoreFilter(
                [
                    MeanWordLengthFilter(3, 12),
                    SymbolsToWordsFilter(0.1),
                    RepeatingTopNGramsFilter(2, 0.2),
                    RepeatedLinesFilter(0.7),
                ]
            ),
            JsonlWriter("demo-output"),
        ],
    )
    recipe = parse_recipe(text, "demo.yaml", (), {})
    in_python = output_of(pipeline, folder / "demo-output")
    in_yaml = output_of(recipe.pipeline, folder / "demo-output")

    assert in_yaml == in_python
    assert len(in_python) >= len(languages)
    assert all(in_python.values())
