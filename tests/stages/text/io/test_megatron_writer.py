# SPDX-License-Identifier: Apache-2.0
"""Documents to pairs of .bin and .idx: what is in them, how they are counted and committed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.stages.text.io.megatron_reader import IndexedDataset
from tests.tokenizer_files import BPE, CORPUS, as_is, ids_of, save, texts_of, trained
from tests.toys import Pass, RaiseOn, Twice, read_output, run_quietly, write_input
from thresher.backends.context import Attempt, RunContext
from thresher.backends.local import LocalExecutor
from thresher.backends.output import OutputFiles
from thresher.config import dump_recipe, parse_recipe
from thresher.errors import DataError, ModelError, PlanError, StorageError
from thresher.pipeline import Pipeline, RunResult
from thresher.stages.text.io import JsonlReader, JsonlWriter
from thresher.stages.text.io.writer import MegatronTokenizerWriter
from thresher.stages.text.io.writer import megatron_tokenizer as by_contract
from thresher.stages.text.tokenizing import LoadedTokenizer
from thresher.tasks import DocumentBatch

TEXTS = ["Où est la gare ?", "", None, "longue " * 200, "🙂\n\tok"]
EOS = 0


def run(source: Path, output: Path, *stages: Any, **options: Any) -> RunResult:
    writer = MegatronTokenizerWriter(str(output), str(BPE), **options)
    pipeline = Pipeline("p", stages=[JsonlReader(str(source)), *stages, writer], max_error_rate=0.5)
    return run_quietly(pipeline, LocalExecutor(workers=0))


def write_one(folder: Path, texts: list[Any], **options: Any) -> Any:
    writer = MegatronTokenizerWriter(
        str(folder), **{"model_identifier": str(BPE), "tokenization_batch_size": 2, **options}
    )
    return writer.process(DocumentBatch("set", {"text": texts}).evolve(task_id="part"))


def test_both_addresses_lead_to_it() -> None:
    assert by_contract.MegatronTokenizerWriter is MegatronTokenizerWriter


@pytest.mark.parametrize("append_eod", [False, True])
def test_every_document_is_a_sequence(tmp_path: Path, append_eod: bool) -> None:
    task = write_one(tmp_path, TEXTS, append_eod=append_eod)

    expected = [ids + [EOS] * append_eod for ids in ids_of(BPE, TEXTS)]
    assert len(expected[3]) > 200, "cut short as the file of the model says"
    assert IndexedDataset(tmp_path / "part").sequences() == expected
    assert task._metadata == {
        "format": "megatron",
        "file_prefix": str(tmp_path / "part"),
        "num_tokens": sum(map(len, expected)),
        "token_size": 2,
        "eod_token_id": EOS,
    }
    assert task.data == [str(tmp_path / "part.bin"), str(tmp_path / "part.idx")]


def test_a_large_vocabulary_takes_four_bytes(tmp_path: Path) -> None:
    tokenizer = trained()
    tokenizer.add_tokens([f"<{i}>" for i in range(65_537 - 400)])
    folder = save(tokenizer, tmp_path / "model")
    write_one(tmp_path, ["a <65136>", "b"], model_identifier=folder)

    dataset = IndexedDataset(tmp_path / "part")
    assert dataset.dtype.itemsize == 4
    assert 65_536 in dataset[0]
    assert dataset.sequences() == ids_of(folder, ["a <65136>", "b"])


def test_ids_beyond_what_was_told_leave_nothing_behind(tmp_path: Path) -> None:
    writer = MegatronTokenizerWriter(str(tmp_path), str(BPE))
    writer._loaded = LoadedTokenizer(lambda texts, special: [[70_000] for _ in texts], size=9)
    with pytest.raises(DataError, match="token id 70000 does not fit uint16"):
        writer.process(DocumentBatch("set", {"text": ["a"]}))
    assert list(tmp_path.iterdir()) == []


def test_without_a_token_for_the_end_there_is_a_warning(tmp_path: Path) -> None:
    folder = save(as_is(BPE), tmp_path / "model")
    with pytest.warns(UserWarning, match="names no token for the end of a document"):
        task = write_one(tmp_path, TEXTS, append_eod=True, model_identifier=folder)

    assert IndexedDataset(tmp_path / "part").sequences() == ids_of(BPE, TEXTS)
    assert task._metadata["eod_token_id"] == -1


def test_a_token_for_the_end_can_be_told(tmp_path: Path) -> None:
    folder = save(as_is(BPE), tmp_path / "model")
    told = {"eos_token": "<pad>"}
    write_one(
        tmp_path, ["a"], append_eod=True, model_identifier=folder, transformers_init_kwargs=told
    )

    assert IndexedDataset(tmp_path / "part")[0][-1] == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "model_identifier is missing"),
        ({"model_identifier": ""}, "model_identifier is missing"),
        ({"model_identifier": "m", "tokenization_batch_size": 0}, "is not 1 or more"),
        ({"model_identifier": "m", "mode": "x"}, "not a writer mode"),
        ({"model_identifier": "m", "transformers_init_kwargs": {"token": "t"}}, "holds 'token'"),
    ],
)
def test_wrong_arguments_are_value_errors(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        MegatronTokenizerWriter("out", **options)
    assert isinstance(caught.value, PlanError)


def test_a_pipeline_writes_a_pair_for_each_part(tmp_path: Path) -> None:
    result = run(CORPUS / "fr", tmp_path / "out", append_eod=True)

    names = sorted(path.name for path in (CORPUS / "fr").glob("*.jsonl"))
    assert set(read_output(tmp_path / "out")) == {
        name + ending for name in names for ending in (".bin", ".idx")
    }
    pairs = [IndexedDataset(tmp_path / "out" / name) for name in names]
    found = [sequence for pair in pairs for sequence in pair.sequences()]
    assert found == [[*ids, EOS] for ids in ids_of(BPE, texts_of(CORPUS / "fr"))]
    assert result.counts[-1].rows_in == result.counts[-1].rows_out == len(found)
    manifest = json.loads((tmp_path / "out" / "_thresher" / "p" / "manifest.json").read_text())
    rows = {file["path"]: file["rows"] for file in manifest["files"]}
    assert sum(rows.values()) == len(found)
    assert all(not n for path, n in rows.items() if path.endswith(".idx"))


def test_a_part_with_several_files_keeps_pairs_together(tmp_path: Path) -> None:
    source = write_input(tmp_path / "in", files=1, rows=4)

    class Halves(Pass):
        rows = "any"  # so that they stay apart

        def process(self, task: Any) -> Any:
            return [task.with_data(task.data.slice(0, 1)), task.with_data(task.data.slice(1))]

    writer = MegatronTokenizerWriter(str(tmp_path / "out"), str(BPE))
    stages = [JsonlReader(str(source)), Halves(), writer]
    run_quietly(Pipeline("p", stages=stages, config={"fusion": False}), LocalExecutor(workers=0))

    assert len(IndexedDataset(tmp_path / "out" / "f0.jsonl")) == 1
    assert len(IndexedDataset(tmp_path / "out" / "f0.jsonl-0001")) == 3


def test_an_index_of_others_is_not_overwritten(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / "a.jsonl").write_text('{"text":"a b"}\n')
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a.jsonl.idx").write_text("somebody's")
    with pytest.raises(StorageError, match=r"(?s)a\.jsonl\.idx.*nothing is overwritten"):
        run(source, tmp_path / "out")
    assert (tmp_path / "out/a.jsonl.idx").read_text() == "somebody's"
    assert not (tmp_path / "out/a.jsonl.bin").exists()


def test_resuming_finds_nothing_to_do_until_the_tokenizer_is_another(tmp_path: Path) -> None:
    source = write_input(tmp_path / "in", text="la gare est une ville de France")
    model = save(as_is(BPE), tmp_path / "model", eos_token="<|endoftext|>")
    stages = [JsonlReader(str(source)), MegatronTokenizerWriter(str(tmp_path / "out"), model)]
    pipeline = Pipeline("p", stages=stages)

    run_quietly(pipeline, LocalExecutor(workers=0))
    first = read_output(tmp_path / "out")
    assert run_quietly(pipeline, LocalExecutor(workers=0)).status == "nothing to do"
    save(trained(vocab_size=270), tmp_path / "model")
    assert run_quietly(pipeline, LocalExecutor(workers=0)).status == "complete"
    second = read_output(tmp_path / "out")

    assert first.keys() == second.keys()
    assert all(first[name] != second[name] for name in first if name.endswith(".bin"))


def test_rows_that_cannot_be_written_go_to_quarantine(tmp_path: Path) -> None:
    source = write_input(tmp_path / "in", files=1, rows=10)
    writer = MegatronTokenizerWriter(str(tmp_path / "out"), str(BPE))
    wide = LoadedTokenizer(
        lambda texts, special: [[70_000 if "3" in text else 5] for text in texts], size=9
    )
    object.__setattr__(writer, "setup", lambda metadata=None: None)
    writer._loaded = wide
    pipeline = Pipeline("p", stages=[JsonlReader(str(source)), writer], max_error_rate=0.5)
    result = run_quietly(pipeline, LocalExecutor(workers=0))

    assert result.quarantined == 1
    assert IndexedDataset(tmp_path / "out" / "f0.jsonl").sequences() == [[5]] * 9


def test_rows_that_fail_before_it_are_not_in_its_files(tmp_path: Path) -> None:
    source = write_input(tmp_path / "in", files=1, rows=10)
    result = run(source, tmp_path / "out", RaiseOn([3]), Twice())

    assert result.quarantined == 1
    assert len(IndexedDataset(tmp_path / "out" / "f0.jsonl")) == 18


def test_a_call_that_fails_leaves_no_files(tmp_path: Path) -> None:
    source = write_input(tmp_path / "in", files=1)
    model = Path(save(as_is(BPE), tmp_path / "model"))
    (model / "tokenizer.json").write_text("{}")
    writer = MegatronTokenizerWriter(str(tmp_path / "out"), str(model))
    with pytest.raises(ModelError, match="cannot be loaded"):
        run_quietly(
            Pipeline("p", stages=[JsonlReader(str(source)), writer]), LocalExecutor(workers=0)
        )

    assert read_output(tmp_path / "out") == {}
    assert not [p for p in (tmp_path / "out").rglob("*") if p.suffix in (".bin", ".idx")]


def test_what_a_call_has_written_is_discarded_with_it(tmp_path: Path) -> None:
    context = RunContext(str(tmp_path), str(tmp_path), "tmp", "tmp", "out", "raise", durable=False)
    files = OutputFiles(context, Attempt("t", "part"), ())
    with files.writing(MegatronTokenizerWriter(str(tmp_path), str(BPE)), ()) as stream:
        stream.write(DocumentBatch("set", {"text": ["a", "b"]}))
    found = sorted(path.name for path in tmp_path.rglob("*") if path.is_file())

    assert [(file.rows, file.extension) for file in files.written] == [(2, "bin"), (0, "idx")]
    assert found == [file.temp.rpartition("/")[2] for file in files.written]
    files.discard()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("change", ["bin", "idx"])
def test_counting_sees_what_is_missing(tmp_path: Path, change: str) -> None:
    write_one(tmp_path, ["a b", "c"])
    writer = MegatronTokenizerWriter(str(tmp_path), str(BPE))
    assert writer.count_rows(str(tmp_path / "part.bin")) == 2
    path = tmp_path / f"part.{change}"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError):
        writer.count_rows(str(tmp_path / "part.bin"))


def test_a_recipe_names_it() -> None:
    recipe = parse_recipe(
        "name: r\nstages:\n  - JsonlReader: {file_paths: in}\n"
        "  - MegatronTokenizerWriter: {path: out, model_identifier: m, append_eod: true}\n"
    )
    (_, writer) = recipe.pipeline.stages

    assert writer == MegatronTokenizerWriter(path="out", model_identifier="m", append_eod=True)
    assert parse_recipe(dump_recipe(recipe.pipeline)).pipeline.stages == recipe.pipeline.stages


def test_older_writers_have_kept_their_address() -> None:
    assert JsonlWriter.__module__ == "thresher.stages.text.io.writer"
