# SPDX-License-Identifier: Apache-2.0
"""Documents to files of packed sequences."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.tokenizer_files import BPE, CORPUS, as_is, ids_of, save, texts_of
from tests.toys import read_output, run_quietly, write_input
from thresher.backends.local import LocalExecutor
from thresher.config import dump_recipe, parse_recipe
from thresher.errors import PlanError
from thresher.pipeline import Pipeline
from thresher.stages.text.io import JsonlReader, PackedSequenceWriter
from thresher.tasks import DocumentBatch

EOS, PAD = 0, 1
SIZE = 128
FRENCH = texts_of(CORPUS / "fr")

KINDS = [*itertools.product(("concatenate", "best_fit"), ("parquet", "arrow"))]
every_kind = pytest.mark.parametrize(("packing", "file_format"), KINDS)


def read(path: Path) -> pa.Table:
    if path.suffix == ".parquet":
        return pq.read_table(path)
    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_file(source).read_all()


def documents(table: pa.Table) -> dict[Any, list[int]]:
    """Documents put together again."""
    pieces: dict[Any, list[tuple[int, list[int]]]] = {}
    for row in table.to_pylist():
        assert set(row["input_ids"][row["n_tokens"] :]) <= {PAD}
        bounds = itertools.pairwise(row["cu_seqlens"])
        for name, offset, (a, b) in zip(
            row["document_ids"], row["position_offsets"], bounds, strict=True
        ):
            pieces.setdefault(name, []).append((offset, row["input_ids"][a:b]))
    return {
        name: [token for _, ids in sorted(found) for token in ids] for name, found in pieces.items()
    }


def pipeline(source: Path, output: Path, **options: Any) -> Pipeline:
    arguments = {"model_identifier": str(BPE), "sequence_length": SIZE, **options}
    writer = PackedSequenceWriter(str(output), **arguments)
    return Pipeline("p", stages=[JsonlReader(str(source)), writer], max_error_rate=0.5)


def write_one(folder: Path, columns: dict[str, Any], **options: Any) -> pa.Table:
    arguments = {"model_identifier": str(BPE), "sequence_length": 8, **options}
    writer = PackedSequenceWriter(str(folder), **arguments)
    task = writer.process(DocumentBatch("set", columns).evolve(task_id="part"))
    (path,) = task.data
    assert writer.count_rows(path) == len(columns["text"])
    return read(Path(path))


@every_kind
def test_no_token_is_lost_and_none_written_twice(
    packing: str, file_format: str, tmp_path: Path
) -> None:
    made = pipeline(CORPUS / "fr", tmp_path / "out", packing=packing, file_format=file_format)
    result = run_quietly(made, LocalExecutor(workers=0))

    names = sorted(path.name for path in (CORPUS / "fr").glob("*.jsonl"))
    assert sorted(read_output(tmp_path / "out")) == [f"{name}.{file_format}" for name in names]
    expected = [[*ids, EOS] for ids in ids_of(BPE, FRENCH)]
    found = []
    for name in names:
        table = read(tmp_path / "out" / f"{name}.{file_format}")
        assert table.schema.equals(made.stages[-1].schema)
        whole = documents(table)
        assert sorted(whole) == list(whole) or packing == "best_fit"
        found += [whole[row] for row in sorted(whole)]
    assert found == expected
    assert result.counts[-1].rows_out == len(expected)
    run_quietly(made, LocalExecutor(workers=0))


@every_kind
def test_the_same_input_gives_the_same_bytes(
    packing: str, file_format: str, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        made = pipeline(CORPUS / "fr", tmp_path / name, packing=packing, file_format=file_format)
        run_quietly(made, LocalExecutor(workers=2))

    assert read_output(tmp_path / "one") == read_output(tmp_path / "two")


def test_documents_that_fit_are_whole(tmp_path: Path) -> None:
    made = pipeline(CORPUS / "fr", tmp_path / "out", packing="best_fit", sequence_length=512)
    run_quietly(made, LocalExecutor(workers=0))

    for path in (tmp_path / "out").glob("*.parquet"):
        table = read(path)
        whole = documents(table)
        cut = {
            name
            for row in table.to_pylist()
            for name, offset in zip(row["document_ids"], row["position_offsets"], strict=True)
            if offset
        }
        assert cut == {name for name, ids in whole.items() if len(ids) > 512}


def test_ids_of_a_column(tmp_path: Path) -> None:
    table = write_one(tmp_path, {"text": ["a", "b", None], "id": [7, None, 9]}, id_field="id")

    a, b = ids_of(BPE, ["a", "b"])
    assert table.to_pylist() == [
        {
            "input_ids": [*a, EOS, *b, EOS, EOS, *[PAD] * 3],
            "n_tokens": 5,
            "cu_seqlens": [0, 2, 4, 5],
            "document_ids": ["7", None, "9"],
            "position_offsets": [0, 0, 0],
        }
    ]


def test_empty_documents_without_an_end_are_counted(tmp_path: Path) -> None:
    table = write_one(tmp_path, {"text": ["", "a", None]}, append_eod=False)

    assert table.column("cu_seqlens").to_pylist() == [[0, 0, 1, 1]]


def test_padding_without_a_token_for_it(tmp_path: Path) -> None:
    told = {"eos_token": "<s>"}
    bare = save(as_is(BPE), tmp_path / "bare")
    with_eos = write_one(
        tmp_path / "a", {"text": ["a"]}, model_identifier=bare, transformers_init_kwargs=told
    )
    with pytest.warns(UserWarning, match="names no token for the end"):
        without = write_one(tmp_path / "b", {"text": ["a"]}, model_identifier=bare)

    assert with_eos.column("input_ids").to_pylist()[0][1:] == [2] * 7
    assert without.column("input_ids").to_pylist()[0][1:] == [0] * 7


@pytest.mark.parametrize("file_format", ["parquet", "arrow"])
def test_no_documents_make_a_file_without_rows(tmp_path: Path, file_format: str) -> None:
    nothing = {"text": pa.array([], pa.string())}
    table = write_one(tmp_path, nothing, file_format=file_format)

    assert table.num_rows == 0
    assert "input_ids" in table.column_names


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"packing": "x"}, "packing='x' is not known"),
        ({"file_format": "csv"}, "file_format='csv' is not known"),
        ({"sequence_length": 0}, "is not 1 or more"),
        ({"write_kwargs": {"x": 1}}, "unknown keys: x"),
        ({"file_format": "arrow", "write_kwargs": {"version": "1"}}, "unknown keys: version"),
    ],
)
def test_wrong_arguments(options: dict[str, Any], message: str) -> None:
    with pytest.raises(PlanError, match=message):
        PackedSequenceWriter("out", "m", **options)


@pytest.mark.parametrize("file_format", ["parquet", "arrow"])
def test_options_of_the_format(tmp_path: Path, file_format: str) -> None:
    options = {"file_format": file_format, "write_kwargs": {"compression": "lz4"}}
    table = write_one(tmp_path, {"text": ["a"] * 100}, **options)

    assert table.num_rows == 25


def test_a_missing_column_is_found_when_the_pipeline_is_planned(tmp_path: Path) -> None:
    source = write_input(tmp_path / "in")
    with pytest.raises(PlanError, match="needs the column 'name'"):
        pipeline(source, tmp_path / "out", id_field="name").plan()


def test_a_recipe_names_it() -> None:
    recipe = parse_recipe(
        "name: r\nstages:\n  - JsonlReader: {file_paths: in}\n"
        "  - PackedSequenceWriter: {path: out, model_identifier: m, packing: best_fit}\n"
    )

    assert recipe.pipeline.stages[1] == PackedSequenceWriter(
        path="out", model_identifier="m", packing="best_fit"
    )
    assert parse_recipe(dump_recipe(recipe.pipeline)).pipeline.stages == recipe.pipeline.stages
