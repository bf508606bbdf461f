# SPDX-License-Identifier: Apache-2.0
"""What goes wrong in the three stages: bad records, files that cannot be had, a full disk."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.stages.text.download.parts import ByDownload, Copies, Numbers, Shout
from tests.stages.text.download.server import Refuse, Server
from tests.stages.text.download.small_runs import Told, files, run
from tests.toys import RaiseOn
from thresher.backends.local import LocalExecutor
from thresher.errors import DataError, StageError, StorageError
from thresher.pipeline import Pipeline
from thresher.runs.report import Observer
from thresher.stages.reading import ReadReport
from thresher.stages.text.download import (
    DocumentDownloadExtractStage,
    DocumentDownloadStage,
    DocumentIterateExtractStage,
    HttpDownloader,
    UrlList,
)
from thresher.stages.text.io import JsonlWriter
from thresher.tasks import FileGroupTask


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
    assert reasons[2] == "field 'n' is text, and a number before"
    assert reasons[3] == "field 'text' has half a surrogate pair, which is no text"
    assert "rest of the file cannot be read: ValueError: cannot go on" in reasons[4]
    assert json.loads(rows[1]["record"])["raw"] == "raise"
    # Nobody knows how much was lost with the rest of the file; the other records are at fault.
    assert [row for row, entry in rows.items() if entry.get("failed")] == [7]
    assert [row for row, entry in rows.items() if entry.get("estimated")] == [7]
    assert result.status == "complete with failures"


def test_later_stages_find_the_line_again(tmp_path: Path) -> None:
    urls = files(tmp_path / "in", a="one\ntwo\nthree\n")
    stage = DocumentDownloadExtractStage(UrlList(urls), Copies(str(tmp_path / "raw")), Ids())
    stages = [stage, RaiseOn([2]), JsonlWriter(str(tmp_path / "out"))]
    Pipeline("p", stages=stages, max_error_rate=1.0).run(
        LocalExecutor(workers=0), observer=Observer()
    )
    [entry] = quarantined(tmp_path)
    assert (entry["row"], entry["line"], entry["file"]) == (1, 2, str(tmp_path / "raw" / "a"))


def test_lines_are_those_of_the_files_that_were_read_last(tmp_path: Path) -> None:
    a, b = (FileGroupTask("d", [path]) for path in files(tmp_path, a="one\n", b="one\n"))
    stage = DocumentIterateExtractStage(Ids())
    for task in (a, b):
        assert len(list(stage.read(task, ReadReport()))) == 1
    assert stage.locate(b, [0]) == {0: {"file": str(tmp_path / "b"), "line": 1, "offset": -1}}
    assert stage.locate(a, [0]) == {}


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
    assert result.status == "complete with failures"
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
    with pytest.raises(DataError, match="404"):
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
