# SPDX-License-Identifier: Apache-2.0
"""Splitting and joining in pipelines: the same output however a part is cut into batches."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.toys import Pass, read_output, run_quietly
from thresher.backends import server
from thresher.backends.local import LocalExecutor
from thresher.pipeline import Pipeline
from thresher.stages.base import ProcessingStage
from thresher.stages.filtering import with_values
from thresher.stages.resources import Resources
from thresher.stages.text.filters import WordCountFilter
from thresher.stages.text.io import JsonlReader, ParquetReader
from thresher.stages.text.io.jsonl import JsonlReaderStage
from thresher.stages.text.io.parquet import ParquetReaderStage
from thresher.stages.text.io.writer import JsonlWriter, ParquetWriter
from thresher.stages.text.modules import DocumentJoiner, DocumentSplitter
from thresher.tasks import DocumentBatch

DOCUMENTS = [
    {
        "id": f"d{n % 7}",
        "text": f"one {n}|two {n} three|é",
        "n": n,
        "big": 2**60 + n,
        "odd": {"k": n},
    }
    for n in range(40)
]
PIECES = [
    {"id": f"d{n % 7}", "segment_id": 40 - n, "text": f"piece {n}", "len": n % 5} for n in range(40)
]


class Elsewhere(Pass):
    """Keeps rows as they are, in a Step of its own."""

    resources = Resources(cpus=0.5)


def write(folder: Path, rows: list[dict[str, Any]]) -> str:
    folder.mkdir()
    (folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(folder)


def small_batches(monkeypatch: pytest.MonkeyPatch, n_rows: int = 3) -> None:
    """Let readers yield batches of a few rows."""
    for reader in (JsonlReaderStage, ParquetReaderStage):

        def read(
            self: Any, task: Any, report: Any, honest: Any = reader.read
        ) -> Iterator[DocumentBatch]:
            for batch in honest(self, task, report):
                for start in range(0, batch.num_items, n_rows):
                    yield batch.with_data(batch.data.slice(start, n_rows))

        monkeypatch.setattr(reader, "read", read)
    monkeypatch.setattr(server, "TASK_BYTES", 500)


def run(out: Path, source: str, *stages: Any, **options: Any) -> tuple[list[Any], dict[str, Any]]:
    pipeline = Pipeline(
        "p", stages=[JsonlReader(source), *stages, JsonlWriter(str(out))], **options
    )
    result = run_quietly(pipeline, LocalExecutor(workers=0))
    rows = [json.loads(line) for data in read_output(out).values() for line in data.splitlines()]
    return rows, {counts.stage: counts for counts in result.counts}


def test_every_field_of_a_split_document_is_in_its_pieces(tmp_path: Path) -> None:
    rows, counts = run(tmp_path / "out", write(tmp_path / "in", DOCUMENTS), DocumentSplitter("|"))

    assert rows == [
        {**document, "text": piece, "segment_id": number}
        for document in DOCUMENTS
        for number, piece in enumerate(str(document["text"]).split("|"))
    ]
    split = counts["document_splitter"]
    assert (split.rows_in, split.expanded, split.rows_out) == (40, 80, 120)
    assert not split.opaque


@pytest.mark.parametrize(
    "options", [{}, {"max_length": 9, "length_field": "len", "drop_segment_id_field": False}]
)
def test_batches_make_no_difference_to_joined_documents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    source = write(tmp_path / "in", PIECES)
    joiner = DocumentJoiner(" ", **options)
    whole, counts = run(tmp_path / "whole", source, joiner)
    small_batches(monkeypatch)
    cut, cut_counts = run(tmp_path / "cut", source, joiner)
    elsewhere, _ = run(tmp_path / "elsewhere", source, Elsewhere(), joiner, Elsewhere())
    unfused, _ = run(tmp_path / "unfused", source, Pass(), joiner, config={"fusion": False})

    assert cut_counts["jsonl_reader_stage"].tasks == 14
    assert cut == whole
    assert elsewhere == whole
    assert unfused == whole
    assert [row["id"] for row in whole] == sorted(row["id"] for row in whole)
    for told in (counts["document_joiner"], cut_counts["document_joiner"]):
        assert not told.opaque
        assert (told.rows_in, told.rows_out) == (40, len(whole))
        assert told.merged == 40 - len(whole)
    if not options:
        assert [row["text"] for row in whole if row["id"] == "d6"] == [
            "piece 34 piece 27 piece 20 piece 13 piece 6"
        ]


def test_split_filter_and_join(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own_ids = [{**document, "id": f"{n:02}"} for n, document in enumerate(DOCUMENTS)]
    source = write(tmp_path / "in", own_ids)
    stages = [DocumentSplitter("|"), WordCountFilter(min_words=2), DocumentJoiner("|")]
    whole, counts = run(tmp_path / "whole", source, *stages)
    small_batches(monkeypatch)
    cut, cut_counts = run(tmp_path / "cut", source, *stages)

    assert cut_counts["document_splitter"].tasks == 14

    assert cut == whole
    assert whole == [{**row, "text": str(row["text"]).removesuffix("|é")} for row in own_ids]
    assert counts["word_count"].dropped == {"word_count": 40}
    assert (counts["document_joiner"].merged, counts["document_joiner"].opaque) == (40, False)


def test_parquet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write(tmp_path / "in", PIECES)
    made = ParquetWriter(str(tmp_path / "parquet"), write_kwargs={"row_group_size": 5})
    run_quietly(Pipeline("w", stages=[JsonlReader(source), made]), LocalExecutor(workers=0))
    whole, _ = run(tmp_path / "whole", source, DocumentJoiner())
    small_batches(monkeypatch)
    reader = ParquetReader(str(tmp_path / "parquet"))
    writer = JsonlWriter(str(tmp_path / "out"))
    pipeline = Pipeline("p", stages=[reader, DocumentJoiner(), writer])
    run_quietly(pipeline, LocalExecutor(workers=0))
    rows = [
        json.loads(x) for data in read_output(tmp_path / "out").values() for x in data.splitlines()
    ]
    assert rows == whole


def test_a_segment_begins_where_a_part_has_to_come_together(tmp_path: Path) -> None:
    source = JsonlReader(write(tmp_path / "in", PIECES))
    fused = Pipeline("p", stages=[source, DocumentSplitter("|"), DocumentJoiner()]).plan()
    apart = Pipeline("p", stages=[source, Elsewhere(), DocumentJoiner(), Elsewhere()]).plan()

    assert [[s.name for s in segment.stages][1:] for segment in fused.segments] == [
        ["document_splitter", "document_joiner"]
    ]
    assert [len(segment.steps) for segment in apart.segments] == [2, 2]
    assert apart.segments[1].stages[0].name == "document_joiner"
    assert [segment.sink for segment in apart.segments] == ["spill", "result"]


class Kinds(ProcessingStage[DocumentBatch, DocumentBatch]):
    """Gives a column values of every kind, so that small batches have all kinds of types."""

    rows = "same"
    values = ("a", {"a": 1}, 1, 0.5, True, None, [2**60], {"b": 0.25})

    def process(self, task: DocumentBatch) -> DocumentBatch:
        numbers = task.data.column("segment_id").to_pylist()
        return with_values(task, "kind", [self.values[number % 8] for number in numbers])


def test_batches_of_other_types_are_united(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write(tmp_path / "in", PIECES)
    whole, _ = run(tmp_path / "whole", source, Kinds(), DocumentJoiner())
    small_batches(monkeypatch, 1)
    cut, counts = run(tmp_path / "out", source, Kinds(), DocumentJoiner())

    assert counts["Kinds"].tasks == 40
    assert cut == whole
    firsts: dict[str, Any] = {}
    for piece in sorted(PIECES, key=lambda piece: piece["segment_id"]):
        value = Kinds.values[piece["segment_id"] % 8]
        if value is not None:
            firsts.setdefault(piece["id"], value)
    assert [row["kind"] for row in whole] == [firsts[row["id"]] for row in whole]
