# SPDX-License-Identifier: Apache-2.0
"""The three stages and what they are made into: parts, rows, quarantine, counts."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.stages.text.download.parts import ByDownload, Copies, Numbers, Shout
from tests.stages.text.download.server import Refuse, Server
from tests.toys import Pass, RaiseOn
from thresher.backends.local import LocalExecutor
from thresher.errors import DataError, PlanError, StageError, StorageError
from thresher.pipeline import Pipeline, RunResult
from thresher.runs.report import Observer
from thresher.stages.reading import ReadReport
from thresher.stages.text.download import (
    DocumentDownloadExtractStage,
    DocumentDownloadStage,
    DocumentIterateExtractStage,
    HttpDownloader,
    JsonlIterator,
    URLGenerationStage,
    UrlList,
)
from thresher.stages.text.download.url_generation import name_of
from thresher.stages.text.io import JsonlWriter, ParquetWriter
from thresher.tasks import EmptyTask, FileGroupTask


class Told(Observer):
    """Keeps what it is warned of."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warned(self, text: str) -> None:
        self.warnings.append(text)


def files(folder: Path, **contents: str) -> list[str]:
    folder.mkdir(exist_ok=True)
    for name, text in contents.items():
        (folder / name).write_text(text)
    return [str(folder / name) for name in contents]


def run(
    tmp_path: Path, urls: Sequence[str], *more: Any, writer: Any = None, **options: Any
) -> RunResult:
    observer = options.pop("observer", Told())
    stage = DocumentDownloadExtractStage(
        UrlList(urls), options.pop("downloader", Copies(str(tmp_path / "raw"))), Numbers(), Shout(),
        **{k: options.pop(k) for k in ("url_limit", "record_limit", "add_filename_column")
           if k in options},
    )  # fmt: skip
    writer = writer or JsonlWriter(str(tmp_path / "out"))
    executor = LocalExecutor(workers=options.pop("workers", 0))
    resume = options.pop("resume", True)
    pipeline = Pipeline("p", stages=[stage, *more, writer], **{"max_error_rate": 1.0, **options})
    return pipeline.run(executor, observer=observer, resume=resume)


def written(tmp_path: Path, folder: str = "out") -> dict[str, list[dict[str, Any]]]:
    return {
        path.name: [json.loads(line) for line in path.read_text().splitlines()]
        for path in sorted((tmp_path / folder).glob("*.jsonl"))
    }


def quarantined(tmp_path: Path) -> list[dict[str, Any]]:
    found = sorted((tmp_path / "out/_thresher/p/quarantine").rglob("*.ndjson"))
    return [json.loads(line) for path in found for line in path.read_text().splitlines()]


def manifest(tmp_path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((tmp_path / "out/_thresher/p/manifest.json").read_text())
    return found


# -- addresses --------------------------------------------------------------------------------


def test_one_task_for_every_address() -> None:
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
def test_names_are_made_of_addresses(url: str, name: str) -> None:
    assert name_of(url) == name
    assert not any(part in ("", ".", "..") for part in name_of(url).split("/"))


def test_names_that_collide_are_told() -> None:
    with pytest.raises(PlanError, match="would both be named 'x'"):
        URLGenerationStage(UrlList(["http://a/x", "http://b/x"])).partitions()
    assert name_of("http://a/x?1") != name_of("http://a/x?2")


def test_no_addresses_and_the_same_twice() -> None:
    with pytest.raises(PlanError, match="no addresses"):
        URLGenerationStage(UrlList([])).partitions()
    with pytest.warns(UserWarning, match="1 addresses come twice"):
        assert len(URLGenerationStage(UrlList(["http://a/x"] * 2)).partitions()) == 1
    with pytest.raises(PlanError, match="one address"):
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


# -- what goes wrong --------------------------------------------------------------------------


def test_bad_records_are_set_aside_one_by_one(tmp_path: Path) -> None:
    text = "one\nraise\nunreadable\ndrop\nodd\nhalf\ntwo\nbroken\nnever seen\n"
    result = run(tmp_path, files(tmp_path / "in", a=text))
    assert manifest(tmp_path)["failed_parts"] == {}
    counts = result.counts[1]
    assert (counts.rows_in, counts.rows_out, counts.quarantined) == (8, 2, 5)
    assert counts.dropped == {"extractor": 1}
    assert counts.balance == 0
    rows = {entry["row"]: entry for entry in quarantined(tmp_path)}
    assert {row: entry.get("line", 0) for row, entry in rows.items()} == {
        1: 2, 2: 3, 4: 5, 5: 6, 7: 0,
    }  # fmt: skip
    assert {entry["file"] for entry in rows.values()} == {str(tmp_path / "raw" / "a")}
    reasons = [rows[row]["error"] for row in sorted(rows)]
    assert "KeyError: 'no such thing'" in reasons[0]
    assert reasons[1] == "it cannot be read"
    assert "do not fit a column" in reasons[2]
    assert "surrogates" in reasons[3]
    assert "rest of the file cannot be read: ValueError: cannot go on" in reasons[4]
    assert json.loads(rows[1]["record"])["raw"] == "raise"


def test_later_stages_find_the_line_again(tmp_path: Path) -> None:
    urls = files(tmp_path / "in", a="one\ntwo\nthree\n")
    stage = DocumentDownloadExtractStage(UrlList(urls), Copies(str(tmp_path / "raw")), Ids())
    stages = [stage, RaiseOn([2]), JsonlWriter(str(tmp_path / "out"))]
    Pipeline("p", stages=stages, max_error_rate=1.0).run(
        LocalExecutor(workers=0), observer=Observer()
    )
    [entry] = quarantined(tmp_path)
    assert (entry["row"], entry["line"], entry["file"]) == (1, 2, str(tmp_path / "raw" / "a"))


class Ids(Numbers):
    """The same with an ``id``."""

    def iterate(self, file_path: str) -> Any:
        for record in super().iterate(file_path):
            assert isinstance(record, dict)
            yield {"id": record["n"], "__line": record["__line"]}

    def output_columns(self) -> list[str]:
        return ["id"]


def test_a_file_that_cannot_be_had_costs_nothing_else(tmp_path: Path) -> None:
    good, bad = files(tmp_path / "in", good="one\n", bad="two\n")
    told = Told()
    result = run(tmp_path, [good, bad], observer=told)
    assert result.status == "complete"
    assert result.counts[-1].rows_out == 1
    [(name, reason)] = manifest(tmp_path)["failed_parts"].items()
    assert name.endswith("in/bad")
    assert "it is bad" in reason
    assert any("it is bad" in warning for warning in told.warnings)


def test_what_could_not_be_had_is_tried_again(server: Server, tmp_path: Path) -> None:
    urls = [server.url("/a", b"one\n"), server.url("/b", b"two\n")]
    server.fail("/b", Refuse(503), Refuse(503))
    downloader = HttpDownloader(str(tmp_path / "raw"), retries=0)
    options: dict[str, Any] = {"downloader": downloader}
    assert run(tmp_path, urls, **options).counts[-1].rows_out == 1
    assert list(manifest(tmp_path)["failed_parts"]) == ["b"]
    run(tmp_path, urls, **options)
    assert [path for path, _ in server.requests] == ["/a", "/b", "/b"]
    assert run(tmp_path, urls, **options).counts[-1].rows_out == 2
    assert manifest(tmp_path)["failed_parts"] == {}
    assert written(tmp_path) == {
        "a.jsonl": [{"text": "ONE", "n": 1, "file_name": "a"}],
        "b.jsonl": [{"text": "TWO", "n": 1, "file_name": "b"}],
    }
    assert run(tmp_path, urls, **options).status == "nothing to do"


def test_a_run_that_can_have_nothing_fails(server: Server, tmp_path: Path) -> None:
    with pytest.raises(StageError) as caught:
        run(
            tmp_path, [server.url("/none")], max_error_rate=0.01,
            downloader=HttpDownloader(str(tmp_path / "raw")),
        )  # fmt: skip
    assert "status 404" in caught.value.what
    with pytest.raises(StageError, match="404"):
        run(
            tmp_path, [server.url("/none")], on_error="raise",
            downloader=HttpDownloader(str(tmp_path / "raw")),
        )  # fmt: skip


def test_a_new_address_leaves_the_others_alone(server: Server, tmp_path: Path) -> None:
    urls = [server.url(f"/{name}", name.encode()) for name in "ab"]
    downloader = HttpDownloader(str(tmp_path / "raw"))
    run(tmp_path, urls[:1], downloader=downloader)
    result = run(tmp_path, urls, downloader=HttpDownloader(str(tmp_path / "elsewhere")))
    assert [path for path, _ in server.requests] == ["/a", "/b"]
    assert result.counts[-1].rows_out == 2


def test_a_full_disk_ends_the_run(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Any, url: str, on_progress: Any) -> Any:
        raise StorageError("cannot write: no space left", where="/raw/x", todo="free some space")

    monkeypatch.setattr(HttpDownloader, "fetch", full)
    with pytest.raises(StorageError) as caught:
        run(tmp_path, [server.url("/a", b"one")], downloader=HttpDownloader(str(tmp_path)))
    assert (caught.value.where, caught.value.todo) == ("/raw/x", "free some space")


def test_a_file_that_cannot_be_read_at_all_fails_its_part(tmp_path: Path) -> None:
    run(tmp_path, files(tmp_path / "in", a="broken\n", b="one\n"))
    [(name, reason)] = manifest(tmp_path)["failed_parts"].items()
    assert name.endswith("in/a")
    assert "the file cannot be read: ValueError: cannot go on" in reason


def test_a_cut_off_file_gives_what_was_before(tmp_path: Path) -> None:
    whole = gzip.compress("\n".join(f"line {n}" for n in range(5000)).encode())
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.gz").write_bytes(whole[: len(whole) // 2])
    result = run(tmp_path, [str(tmp_path / "in" / "a.gz")])
    counts = result.counts[1]
    assert counts.rows_out > 100
    assert (counts.quarantined, counts.balance) == (1, 0)
    assert "EOFError" in quarantined(tmp_path)[0]["error"]


def test_several_addresses_in_a_task_of_ones_own(tmp_path: Path) -> None:
    good, bad, last = files(tmp_path / "in", good="one\n", bad="two\n", last="three\n")
    stages = [
        DocumentDownloadStage(Copies(str(tmp_path / "raw"))),
        DocumentIterateExtractStage(Numbers(), Shout()),
        JsonlWriter(str(tmp_path / "out")),
    ]
    result = Pipeline("p", stages=stages, max_error_rate=1.0).run(
        LocalExecutor(workers=0), [FileGroupTask("d", [good, bad, last])], observer=Observer()
    )
    assert [r["text"] for r in written(tmp_path)["task-000000.jsonl"]] == ["ONE", "THREE"]
    [entry] = quarantined(tmp_path)
    assert (entry["file"], entry["row"]) == (bad, 0)
    assert "it is bad" in entry["error"]
    assert result.counts[1].rows_in == 3


def test_a_downloader_with_a_download_of_its_own(tmp_path: Path) -> None:
    good, bad = files(tmp_path / "in", good="one\n", bad="two\n")
    result = run(tmp_path, [good, bad], downloader=ByDownload(str(tmp_path / "raw")))
    assert result.counts[-1].rows_out == 1
    assert "gave no path" in str(manifest(tmp_path)["failed_parts"])


def test_places_outside_the_folder_are_refused(tmp_path: Path) -> None:
    class Outside(Copies):
        def _get_output_filename(self, url: str) -> str:
            return "../x"

    with pytest.raises(DataError, match="no place in the folder"):
        Outside(str(tmp_path / "raw")).fetch("u")


def test_a_file_that_changed_after_its_download_is_refused(tmp_path: Path) -> None:
    [url] = files(tmp_path / "in", a="one\n")
    task = DocumentDownloadStage(Copies(str(tmp_path / "raw"))).process(FileGroupTask("d", [url]))
    Path(task.data[0]).write_text("something else\n")
    with pytest.raises(DataError, match="changed after it was downloaded"):
        DocumentIterateExtractStage(Numbers()).process(task)


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
    report = ReadReport()
    for each in (stage, stage.streaming(1)):
        report = ReadReport()
        batches = list(each.read(FileGroupTask("d", ["x"]), report))
        rows = sum(batch.num_items for batch in batches)
        assert (report.found, rows + len(report.bad)) == (4, 4)
    assert stage.infer_schema(FileGroupTask("d", ["x"]), 2).names == ["a", "b", "c", "d"]


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
