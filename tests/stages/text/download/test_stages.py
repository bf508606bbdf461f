# SPDX-License-Identifier: Apache-2.0
"""The three stages and what they are made into: parts, rows, columns, counts."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.stages.text.download.parts import Copies, Numbers, Shout
from tests.stages.text.download.small_runs import files, run
from tests.toys import Pass
from thresher.errors import PlanError
from thresher.pipeline import Pipeline
from thresher.stages.reading import ReadReport
from thresher.stages.text.download import (
    DocumentDownloadExtractStage,
    DocumentIterateExtractStage,
    JsonlIterator,
    URLGenerationStage,
    UrlList,
)
from thresher.stages.text.download.url_generation import name_of
from thresher.stages.text.io import JsonlWriter, ParquetWriter
from thresher.tasks import ROW, EmptyTask, FileGroupTask
from thresher.tasks.joining import join
from thresher.tasks.types import is_json

# -- URLs -------------------------------------------------------------------------------------


def test_one_task_for_every_url() -> None:
    stage = URLGenerationStage(UrlList(["http://h/a/x.txt", "http://h/a/y.txt"]))
    tasks = stage.process(EmptyTask())
    assert [task.data for task in tasks] == [["http://h/a/x.txt"], ["http://h/a/y.txt"]]
    assert tasks[0]._metadata == {"source_url": "http://h/a/x.txt"}
    assert [name for name, _ in stage.partitions()] == ["a/x.txt", "a/y.txt"]
    assert stage.name == "url_generation_urllist"
    assert (stage.resources.cpus, stage.num_workers()) == (0.5, 1)
    assert len(URLGenerationStage(UrlList(["http://h/a", "http://h/b"]), 1).partitions()) == 1


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://h/a/b.txt", "a/b.txt"),
        ("http://h", "h"),
        ("http://h/../_x/.y/ z*/", "x/y/z-"),
        ("http://h/%C3%A4.txt", "%C3%A4.txt"),
        ("http://h/a?b=1", name_of("http://h/a?b=1")),
    ],
)
def test_names_are_made_of_urls(url: str, name: str) -> None:
    assert name_of(url) == name
    assert not any(part in ("", ".", "..") for part in name_of(url).split("/"))


def test_no_urls_and_the_same_twice() -> None:
    with pytest.raises(PlanError, match="no URLs"):
        URLGenerationStage(UrlList([])).partitions()
    with pytest.warns(UserWarning, match="1 URLs come twice"):
        assert len(URLGenerationStage(UrlList(["http://a/x"] * 2)).partitions()) == 1
    with pytest.raises(PlanError, match="is one URL"):
        UrlList("http://a/x")


# -- the composite ----------------------------------------------------------------------------


def test_its_stages_and_their_names(tmp_path: Path) -> None:
    stage = DocumentDownloadExtractStage(
        UrlList(["u"]), Copies(str(tmp_path)), Numbers(), Shout(),
        extractor_max_calls_per_worker=2,
    )  # fmt: skip
    names = ["url_generation_urllist", "download_copies", "iterate_extract_numbers"]
    assert [each.name for each in stage.stages] == names
    assert stage.stages[1].batch_size is None
    assert stage.stages[2].ray_stage_spec() == {"max_calls_per_worker": 2}
    assert stage.outputs() == ([], ["text", "n", "file_name"])
    assert "Copies" in stage.get_description()
    with pytest.raises(PlanError, match="record_limit"):
        DocumentDownloadExtractStage(UrlList(["u"]), Copies("x"), Numbers(), record_limit=0)


def test_downloading_and_extracting_are_two_steps(tmp_path: Path) -> None:
    stage = DocumentDownloadExtractStage(UrlList(["a", "b"]), Copies(str(tmp_path)), Numbers())
    plan = Pipeline("p", stages=[stage, Pass(), JsonlWriter(str(tmp_path / "o"))]).plan()
    assert [part.name for part in plan.parts] == ["a", "b"]
    assert [len(step.stages) for step in plan.segments[0].steps] == [1, 3]
    assert plan.segments[0].row_wise
    assert plan.segments[0].steps[1].streamed


@pytest.mark.parametrize("workers", [0, 2])
def test_from_addresses_to_documents(tmp_path: Path, workers: int) -> None:
    urls = files(tmp_path / "in", a="one\ntwo\n", b="three\n")
    result = run(tmp_path, urls, workers=workers)
    stem = str(tmp_path / "in")[1:]
    assert [record for path in sorted((tmp_path / "out" / stem).iterdir())
            for record in map(json.loads, path.read_text().splitlines())] == [
        {"text": "ONE", "n": 1, "file_name": "a"},
        {"text": "TWO", "n": 2, "file_name": "a"},
        {"text": "THREE", "n": 1, "file_name": "b"},
    ]  # fmt: skip
    assert "every row is accounted for" in result.report()
    assert result.report().splitlines()[-1].startswith("3 in = 3 out")
    assert run(tmp_path, urls, workers=workers).status == "nothing to do"


@pytest.mark.parametrize(
    ("given", "name"), [(True, "file_name"), ("where", "where"), (False, None)]
)
def test_the_column_of_file_names(tmp_path: Path, given: bool | str, name: str | None) -> None:
    stage = DocumentIterateExtractStage(Numbers(), Shout(), add_filename_column=given)
    [batch] = stage.process(FileGroupTask("d", files(tmp_path, a="x\n")))
    expected = ["text", "n", *([name] if name else [])]
    assert batch.get_columns() == expected == stage.outputs()[1]
    if name:
        assert batch.data.column(name).to_pylist() == ["a"]


def test_limits(tmp_path: Path) -> None:
    urls = files(tmp_path / "in", a="drop\none\nraise\ntwo\nthree\n", b="four\n", c="five\n")
    result = run(tmp_path, urls, url_limit=2, record_limit=2)
    # Of "a" the first two that are kept, and nothing behind them is read.
    assert [c.rows_out for c in result.counts] == [2, 3, 3]
    assert result.counts[1].rows_in == 5
    assert result.counts[1].dropped == {"extractor": 1}


# -- batches ----------------------------------------------------------------------------------


def test_records_come_in_batches_as_they_are_read(tmp_path: Path) -> None:
    task = FileGroupTask("d", files(tmp_path, a="x" * 999 + "\n" + ("y" * 999 + "\n") * 999))
    stage = DocumentIterateExtractStage(Numbers()).streaming(10_000)
    batches = list(stage.read(task, ReadReport()))
    assert max(batch.num_items for batch in batches) <= 10
    rows = [row for batch in batches for row in batch.data.column("__row").to_pylist()]
    assert rows == list(range(1000))
    assert len({batch.data.schema for batch in batches if batch.num_items}) == 1


def test_columns_keep_their_types(tmp_path: Path) -> None:
    class Mixed(Numbers):
        def iterate(self, file_path: str) -> Any:
            yield {"a": None, "b": [1, 2], "c": "x"}
            yield {"a": 1, "b": [], "d": b"bytes"}
            yield {"a": 2.5}
            yield {"a": True, "e": {"x": 1}}

    stage = DocumentIterateExtractStage(Mixed(), add_filename_column=False)
    found = []
    for each in (stage, stage.streaming(1)):
        report = ReadReport()
        batches = list(each.read(FileGroupTask("d", ["x"]), report))
        [bad] = report.bad
        assert (report.found, bad.row) == (4, 3)
        assert bad.reason == "field 'a' is true or false, and a number before"
        assert bad.record == b'{"a": true, "e": {"x": 1}}'
        found.append(join([batch for batch in batches if batch.num_items]).data)
    kinds = {"a": "JSON", "b": "JSON", "c": "string", "d": "binary"}
    assert [types_of(table) for table in found] == [
        {**kinds, "e": "null"},
        kinds,
    ]
    for table in found:
        assert table.select(list(kinds)).to_pylist()[1:] == [
            {"a": "1", "b": "[]", "c": None, "d": b"bytes"},
            {"a": "2.5", "b": None, "c": None, "d": None},
        ]
    # A sample decides nothing.
    sample = stage.sample(FileGroupTask("d", ["x"]), 2)
    assert {name: str(kind) for name, kind in sample.columns.items()} == {**kinds, "a": "int64"}
    assert sample.first_names == ("a", "b", "c", "d")
    assert not sample.is_whole


def types_of(table: pa.Table) -> dict[str, str]:
    return {f.name: "JSON" if is_json(f) else str(f.type) for f in table.schema if f.name != ROW}


def test_parquet_out(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    urls = files(tmp_path / "in", a="one\ntwo\n")
    run(tmp_path, urls, writer=ParquetWriter(str(tmp_path / "out")))
    [path] = [p for p in (tmp_path / "out").rglob("*.parquet") if "_thresher" not in p.parts]
    assert pq.read_table(path).to_pydict() == {
        "text": ["ONE", "TWO"], "n": [1, 2], "file_name": ["a", "a"],
    }  # fmt: skip


def test_the_lines_of_json(tmp_path: Path) -> None:
    text = b'{"text": "one", "x": 1}\n\nno json\n[1]\n{"text": null}\n{"text": "last"}'
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(text))
    (tmp_path / "a.jsonl").write_bytes(text)
    for name in ("a.jsonl.gz", "a.jsonl"):
        stage = DocumentIterateExtractStage(JsonlIterator(), add_filename_column=False)
        report = ReadReport()
        batches = list(stage.read(FileGroupTask("d", [str(tmp_path / name)]), report))
        texts = [t for b in batches for t in b.data.column("text").to_pylist()]
        assert texts == ["one", None, "last"]
        assert [(bad.line, bad.row) for bad in report.bad] == [(3, 1), (4, 2)]
