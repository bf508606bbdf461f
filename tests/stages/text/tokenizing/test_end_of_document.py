# SPDX-License-Identifier: Apache-2.0
"""Pipelines that write tokens: as many ends of documents as there are documents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tokenizers import Tokenizer

from tests.stages.text.io.megatron_reader import IndexedDataset
from tests.stages.text.tokenizing.kinds import KINDS
from tests.tokenizer_files import EOS
from tests.toys import run_quietly
from thresher.backends.local import LocalExecutor
from thresher.config import dump_recipe, parse_recipe
from thresher.pipeline import Pipeline
from thresher.stages.text.filters import TokenCountFilter
from thresher.stages.text.io import JsonlReader, MegatronTokenizerWriter, PackedSequenceWriter

WRITERS = (MegatronTokenizerWriter, PackedSequenceWriter)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def model(kind: str, tmp_path: Path) -> str:
    return KINDS[kind].save(tmp_path / "model")


def write_source(folder: Path, end: str) -> list[str]:
    """A file of documents that spell the end of a document everywhere."""
    texts = [
        f"GPT-2 ends documents with {end} as we know.",
        end,
        f"{end} in front",
        f"behind {end}",
        f"a{end}b{end}{end}",
        "nothing of it",
    ]
    folder.mkdir()
    lines = [json.dumps({"text": text}) for text in texts]
    (folder / "a.jsonl").write_text("\n".join(lines) + "\n")
    return texts


def run(source: Path, output: Path, writer: type, model: str, **options: Any) -> list[list[int]]:
    """The ids of each document, or of each sequence."""
    stages = [JsonlReader(str(source)), writer(str(output), model, append_eod=True, **options)]
    run_quietly(Pipeline("p", stages=stages), LocalExecutor(workers=0))
    if writer is MegatronTokenizerWriter:
        return IndexedDataset(output / "a.jsonl").sequences()
    table = pq.read_table(output / "a.jsonl.parquet").to_pylist()
    return [row["input_ids"][: row["n_tokens"]] for row in table]


@pytest.mark.parametrize("writer", WRITERS)
def test_the_id_that_ends_documents_ends_documents_only(
    kind: str, model: str, writer: type, tmp_path: Path
) -> None:
    end = KINDS[kind].special[0]
    texts = write_source(tmp_path / "in", end)
    eos = Tokenizer.from_file(f"{model}/tokenizer.json").token_to_id(end)

    found = run(tmp_path / "in", tmp_path / "plain", writer, model)
    assert sum(ids.count(eos) for ids in found) == len(texts)
    allowing = run(tmp_path / "in", tmp_path / "allowing", writer, model, allow_special_tokens=True)
    assert sum(ids.count(eos) for ids in allowing) == len(texts) + 7


def test_counts_agree_with_what_is_written(tmp_path: Path) -> None:
    model = KINDS["byte_level"].save(tmp_path / "model")
    texts = write_source(tmp_path / "in", EOS)
    lengths = [
        len(ids) - 1
        for ids in run(tmp_path / "in", tmp_path / "out", MegatronTokenizerWriter, model)
    ]
    rule = TokenCountFilter(hf_model_name=model)
    assert [rule.score_document(text) - 1 for text in texts] == lengths  # without <s> in front

    stages = [JsonlReader(str(tmp_path / "in")), PackedSequenceWriter(str(tmp_path / "2"), model)]
    pipeline = Pipeline("p", stages=stages, tokenizer=model)
    result = run_quietly(pipeline, LocalExecutor(workers=0))
    assert result.counts[-1].metrics["tokens_in"] == sum(lengths)


@pytest.mark.parametrize("writer", WRITERS)
def test_another_choice_is_other_work(writer: Any, tmp_path: Path) -> None:
    model = KINDS["byte_level"].save(tmp_path / "model")
    write_source(tmp_path / "in", EOS)

    def status(**options: Any) -> str:
        stages = [
            JsonlReader(str(tmp_path / "in")),
            writer(str(tmp_path / "out"), model, **options),
        ]
        return run_quietly(Pipeline("p", stages=stages), LocalExecutor(workers=0)).status

    assert status() == "complete"
    assert status() == "nothing to do"
    assert status(allow_special_tokens=True) == "complete"


@pytest.mark.parametrize("writer", WRITERS)
def test_a_recipe_has_the_option(writer: Any) -> None:
    recipe = parse_recipe(
        "name: r\nstages:\n  - JsonlReader: {file_paths: in}\n"
        f"  - {writer.__name__}: {{path: out, model_identifier: m, allow_special_tokens: true}}\n"
    )

    assert recipe.pipeline.stages[1] == writer("out", "m", allow_special_tokens=True)
    assert parse_recipe(dump_recipe(recipe.pipeline)).pipeline.stages == recipe.pipeline.stages
    assert writer("out", "m").allow_special_tokens is False
