# SPDX-License-Identifier: Apache-2.0
"""Tokens are counted once, by a real tokenizer, and summed up stage by stage."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers

from thresher.backends.local import LocalExecutor
from thresher.config import dump_recipe, parse_recipe
from thresher.errors import ModelError, PlanError
from thresher.pipeline import Pipeline, RunResult
from thresher.runs.report.plain import SilentView
from thresher.runs.report.waterfall import waterfall
from thresher.stages.checkpoint import Checkpoint
from thresher.stages.file_partitioning import FilePartitioningStage
from thresher.stages.function_decorators import processing_stage
from thresher.stages.text.filters import WordCountFilter
from thresher.stages.text.io import JsonlReader, JsonlWriter, ParquetWriter
from thresher.stages.text.io.reader import JsonlReaderStage
from thresher.stages.text.tokens import TokenCounter, documents_begin
from thresher.stats import StageCounts
from thresher.tasks import TOKENS, DocumentBatch

CORPUS = Path(__file__).parents[3] / "examples" / "corpus" / "fr"
MIN_WORDS = 80


def texts_of(folder: Path) -> list[str]:
    """Every text that can be read, file by file."""
    found = []
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_bytes().splitlines():
            try:
                found.append(json.loads(line)["text"])
            except (ValueError, KeyError):
                continue
    return found


TEXTS = texts_of(CORPUS)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A BPE tokenizer trained on the corpus.

    Like the files of many models it says that inputs are cut and padded, and adds a token in front;
    none of these may change what is counted.
    """
    made = Tokenizer(models.BPE(unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    special = ["[UNK]", "[CLS]", "[PAD]"]
    trainer = trainers.BpeTrainer(vocab_size=500, special_tokens=special, show_progress=False)
    made.train_from_iterator(TEXTS, trainer)
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A", special_tokens=[("[CLS]", 1)]
    )
    made.enable_truncation(max_length=64)
    made.enable_padding(length=64, pad_id=2, pad_token="[PAD]")
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    made.save(str(path))
    return str(path)


@pytest.fixture(scope="module")
def counted(tokenizer: str) -> dict[str, int]:
    """Tokens by text, each encoded alone and whole."""
    loaded = Tokenizer.from_file(tokenizer)
    loaded.no_truncation()
    loaded.no_padding()
    return {text: len(loaded.encode(text, add_special_tokens=False).ids) for text in TEXTS}


def run(tokenizer: str | None, *stages: Any, **options: Any) -> RunResult:
    pipeline = Pipeline("tokens", stages=stages, tokenizer=tokenizer, max_error_rate=0.1)
    return pipeline.run(LocalExecutor(workers=0), observer=SilentView(), **options)


def by_stage(result: RunResult) -> dict[str, dict[str, float]]:
    return {counts.stage: counts.metrics for counts in result.counts}


def test_every_text_is_counted_as_if_encoded_alone(tokenizer: str, counted: dict[str, int]) -> None:
    stage = TokenCounter(tokenizer)
    stage.setup()
    batch = DocumentBatch("corpus", data=pa.table({"text": [*TEXTS, None, ""]}))

    column = stage.process(batch).data.column(TOKENS)

    assert column.type == pa.int32()
    assert column.to_pylist() == [*(counted[text] for text in TEXTS), 0, 0]


def test_every_stage_sums_the_tokens_of_its_rows(
    tokenizer: str, counted: dict[str, int], tmp_path: Path
) -> None:
    words = WordCountFilter(min_words=MIN_WORDS)
    result = run(tokenizer, JsonlReader(str(CORPUS)), words, JsonlWriter(str(tmp_path / "out")))

    metrics = by_stage(result)
    kept = sum(counted[text] for text in texts_of(tmp_path / "out"))
    all_tokens = sum(counted[text] for text in TEXTS)
    assert 0 < kept < all_tokens
    assert metrics["token_counter"]["tokens_out"] == all_tokens
    assert metrics["word_count"]["tokens_in"] == all_tokens
    assert metrics["word_count"]["tokens_out"] == kept
    assert metrics["jsonl_writer"]["tokens_out"] == kept


@pytest.mark.parametrize("writer", [JsonlWriter, ParquetWriter])
def test_no_writer_writes_the_counts(tokenizer: str, tmp_path: Path, writer: Any) -> None:
    reader = JsonlReader(str(CORPUS))
    run(tokenizer, reader, writer(str(tmp_path / "counted")))
    run(None, reader, writer(str(tmp_path / "plain")))

    def files(folder: str) -> dict[str, bytes]:
        paths = sorted((tmp_path / folder).glob("*.*"))
        return {path.name: path.read_bytes() for path in paths}

    assert files("plain")
    assert files("counted") == files("plain")
    for path in (tmp_path / "counted").glob("*.parquet"):
        assert TOKENS not in pq.read_schema(path).names


def test_counts_survive_a_checkpoint(tokenizer: str, tmp_path: Path) -> None:
    words = WordCountFilter(min_words=MIN_WORDS)
    stages = [JsonlReader(str(CORPUS)), Checkpoint(), words, JsonlWriter(str(tmp_path / "out"))]
    metrics = by_stage(run(tokenizer, *stages))

    assert metrics["word_count"]["tokens_in"] == metrics["token_counter"]["tokens_out"] > 0


def test_resuming_tells_the_same_tokens(tokenizer: str, tmp_path: Path) -> None:
    stages = [JsonlReader(str(CORPUS)), JsonlWriter(str(tmp_path / "out"))]
    first, second = run(tokenizer, *stages), run(tokenizer, *stages)

    assert second.status == "nothing to do"
    assert by_stage(second) == by_stage(first)


def test_rows_that_lost_their_counts_have_an_unknown_number(tokenizer: str) -> None:
    @processing_stage(name="makes_new_rows")
    def makes_new_rows(task: DocumentBatch) -> DocumentBatch:
        return DocumentBatch(task.dataset_name, data=task.data.select(["text"]))

    @processing_stage(name="drops_all", rows="subset")
    def drops_all(task: DocumentBatch) -> DocumentBatch:
        return task.with_data(task.data.slice(0, 0))

    lost = by_stage(run(tokenizer, JsonlReader(str(CORPUS)), makes_new_rows))["makes_new_rows"]
    none = by_stage(run(tokenizer, JsonlReader(str(CORPUS)), drops_all))["drops_all"]

    assert lost.keys() == {"tokens_in"}
    assert none["tokens_out"] == 0


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    file = str(tmp_path / "nowhere.json")
    with pytest.raises(PlanError) as caught:
        run(file, JsonlReader(str(CORPUS)), JsonlWriter(str(tmp_path / "out")))

    (mistake,) = caught.value.mistakes
    assert isinstance(mistake, ModelError)
    assert "the tokenizer of TokenCounter cannot be loaded" in mistake.what
    assert mistake.where == file
    assert "tokenizer.json" in mistake.todo
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_no_tokenizer_is_named(tmp_path: Path) -> None:
    file = tmp_path / "tokenizer.json"
    file.write_text('{"a": 1}')
    with pytest.raises(ModelError, match="the tokenizer cannot be loaded"):
        TokenCounter(str(file)).setup()


def test_the_counter_stands_where_documents_begin() -> None:
    @processing_stage(name="any")
    def anything(task: DocumentBatch) -> DocumentBatch:
        return task

    words = WordCountFilter()
    assert documents_begin([JsonlReader("in"), words]) == 1
    assert documents_begin([JsonlReader("in"), anything, words]) == 1
    assert documents_begin([FilePartitioningStage("in"), JsonlReaderStage(), words]) == 2
    assert documents_begin([words]) == 0
    assert documents_begin([]) == 0


def test_tokens_are_counted_of_initial_tasks(tokenizer: str, counted: dict[str, int]) -> None:
    batch = DocumentBatch("given", data=pa.table({"text": TEXTS[:9]}))
    result = run(tokenizer, WordCountFilter(min_words=0), initial_tasks=[batch])

    assert by_stage(result)["word_count"]["tokens_in"] == sum(map(counted.__getitem__, TEXTS[:9]))


def test_a_recipe_names_the_tokenizer() -> None:
    recipe = parse_recipe(
        "name: r\ntokenizer: my/tokenizer.json\nstages:\n"
        "  - JsonlReader: {file_paths: in}\n  - JsonlWriter: {path: out}\n"
    )

    assert recipe.pipeline.tokenizer == "my/tokenizer.json"
    assert parse_recipe(dump_recipe(recipe.pipeline)).pipeline.tokenizer == "my/tokenizer.json"


def test_the_waterfall_has_a_column_of_tokens_only_where_they_are_counted() -> None:
    reader, words = StageCounts("reader", 10, 10), StageCounts("word_count", 10, 10)
    assert "tokens" not in waterfall([reader, words])

    words.metrics = {"tokens_in": 12345, "tokens_out": 12345}
    head, rule, first, second, *_ = waterfall([reader, words]).split("\n")
    end = head.index("tokens") + len("tokens")
    assert second[:end].endswith(" 12,345")
    assert first[:end].split() == ["reader", "10", "10", "100.0%"]
    assert len(rule) >= len(head)
    for above, below in pairwise((head.index("rows left"), first.index("█"), second.index("█"))):
        assert above == below
