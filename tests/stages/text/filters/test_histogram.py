# SPDX-License-Identifier: Apache-2.0
"""HistogramFilter: by files on disk, and by an archive that a server gives or does not."""

import io
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path

import pytest

from tests.conformance.examples import HISTOGRAMS
from thresher.errors import ModelError
from thresher.stages.text.filters import HistogramFilter, histogram_files

INSIDE = "checkpoint/edunov/cc60_multilingual/clean_hists"


def archive(folder: Path) -> Path:
    """An archive as it is published: each language's file, some folders deep."""
    path = folder / "histograms.tar.gz"
    with tarfile.open(path, "w:gz") as out:
        for file in sorted(Path(HISTOGRAMS).iterdir()):
            data = file.read_bytes()
            told = tarfile.TarInfo(f"{INSIDE}/{file.name}")
            told.size = len(data)
            out.addfile(told, io.BytesIO(data))
    return path


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder and counts what it is asked for."""

    asked: list[str] = []  # noqa: RUF012

    def do_GET(self) -> None:
        self.asked.append(self.path)
        super().do_GET()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def served(tmp_path, monkeypatch) -> Iterator[Path]:
    folder = tmp_path / "served"
    folder.mkdir()
    Quiet.asked.clear()
    server = HTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}/histograms.tar.gz"
    monkeypatch.setattr(histogram_files, "URL", address)
    yield folder
    server.shutdown()
    thread.join()
    server.server_close()


def test_text_in_the_characters_of_its_language() -> None:
    rule = HistogramFilter(cache_dir=HISTOGRAMS)

    assert rule.score_document("  Plain English text.\n") == 1
    assert rule.score_document("中文中文 text") == 0
    assert rule.score_document(" \n") == 0
    assert rule.score_document("") == 0
    assert rule.keep_document(1)
    assert not rule.keep_document(0)


def test_characters_behind_the_threshold_are_rare() -> None:
    text = "]" * 9 + "a"

    assert HistogramFilter(cache_dir=HISTOGRAMS).score_document(text) == 0
    assert HistogramFilter(cache_dir=HISTOGRAMS, threshold_char="").score_document(text) == 1


def test_the_threshold_must_be_exceeded() -> None:
    assert HistogramFilter(cache_dir=HISTOGRAMS, threshold=0.5).score_document("a中") == 0
    assert HistogramFilter(cache_dir=HISTOGRAMS, threshold=0.49).score_document("a中") == 1


def test_histograms_are_fetched_once(served, tmp_path) -> None:
    archive(served)
    for _ in range(2):
        rule = HistogramFilter(cache_dir=str(tmp_path / "cache"))
        rule.model_check_or_download()
        rule.load_model()
        assert rule.score_document("Plain English text.") == 1

    assert len(Quiet.asked) == 1
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["histograms"]


def test_without_a_folder_the_users_cache_is_used(served, tmp_path, monkeypatch) -> None:
    archive(served)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    HistogramFilter().load_model()

    assert (tmp_path / "home" / "thresher" / "histograms" / INSIDE / "en").is_file()


@pytest.mark.parametrize("kind", ["nothing", "broken", "truncated"])
def test_what_cannot_be_fetched_leaves_nothing_behind(served, tmp_path, kind: str) -> None:
    if kind == "broken":
        (served / "histograms.tar.gz").write_bytes(b"no archive")
    if kind == "truncated":
        path = archive(served)
        path.write_bytes(path.read_bytes()[:-200])
    rule = HistogramFilter(cache_dir=str(tmp_path / "cache"))

    with pytest.raises(ModelError, match="cannot be fetched") as caught:
        rule.model_check_or_download()

    assert "cache_dir" in caught.value.todo
    assert list((tmp_path / "cache").iterdir()) == []


def test_an_archive_cannot_write_elsewhere(served, tmp_path) -> None:
    with tarfile.open(served / "histograms.tar.gz", "w:gz") as out:
        for name in (f"{INSIDE}/en", "../../escaped"):
            out.addfile(tarfile.TarInfo(name), io.BytesIO())

    with pytest.raises(ModelError):
        HistogramFilter(cache_dir=str(tmp_path / "cache")).model_check_or_download()
    assert not list(tmp_path.rglob("escaped"))


def test_a_language_without_a_histogram(served, tmp_path) -> None:
    archive(served)

    with pytest.raises(ModelError, match="'xx'") as caught:
        HistogramFilter(lang="xx", cache_dir=str(tmp_path)).load_model()
    assert "de, en" in caught.value.todo
