# SPDX-License-Identifier: Apache-2.0
"""What a server is asked for, and where the answer is kept, whatever characters a URL has."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.stages.text.download.quick import DATA, PATH, downloader
from tests.stages.text.download.server import Fault, Server
from thresher.errors import DataError
from thresher.pipeline import Pipeline
from thresher.stages.text.download import (
    DocumentDownloadExtractStage,
    HttpDownloader,
    JsonlIterator,
    UrlList,
)
from thresher.stages.text.download.url_generation import local_name, normalised
from thresher.stages.text.io import JsonlWriter

LINES = {
    "/a b.txt": "/a%20b.txt",
    "/a%20b.txt": "/a%20b.txt",
    "/ä.txt": "/%C3%A4.txt",
    "/%C3%A4.txt": "/%C3%A4.txt",
    "/%ff%2F..%2Fx": "/%ff%2F..%2Fx",
    "/100%": "/100%25",
    '/[1]|"<>\\^`{}': "/%5B1%5D%7C%22%3C%3E%5C%5E%60%7B%7D",
    "/a\x01b\x7fc": "/a%01b%7Fc",
    "/x\r\nHost: other": "/xHost:%20other",
    "/x.txt\n": "/x.txt",
    "/x.txt#part": "/x.txt",
    "/x;v=1/": "/x;v=1/",
    "/x?ü=[ä b]&c=%5B#d": "/x?%C3%BC=%5B%C3%A4%20b%5D&c=%5B",
    "?q": "/?q",
    "": "/",
    "/..%2E/./_x": "/..%2E/./_x",
    f"/{'ä' * 300}.txt": f"/{'%C3%A4' * 300}.txt",
}


@pytest.mark.parametrize(("path", "line"), LINES.items())
def test_request_lines(path: str, line: str, server: Server, tmp_path: Path) -> None:
    server.url(line.partition("?")[0], DATA)
    url = f" {server.base}{path} "
    fetched = downloader(tmp_path).fetch(url)
    assert [asked for asked, _ in server.requests] == [line]
    assert Path(fetched.path).read_bytes() == DATA
    assert fetched.path == str(tmp_path / local_name(server.base + line))
    assert downloader(tmp_path).fetch(normalised(url)).reused


def test_spellings_of_a_url_are_one_file(server: Server, tmp_path: Path) -> None:
    server.url("/%C3%A4", DATA)
    upper = server.base.replace("http", "HTTP")
    paths = {
        downloader(tmp_path).download(url)
        for url in (f"{server.base}/ä#1", f"{server.base}/%C3%A4#2", f"\n{upper}/ä")
    }
    assert len(paths) == len(server.requests) == 1


def test_international_hosts_and_default_ports(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.base)  # is asked for whole URLs, whatever the host
    server.url("http://xn--bcher-kva.example/x", DATA)
    for url in ("http://bücher.example/x", "HTTP://B%C3%BCcher.Example:80/x"):
        assert Path(downloader(tmp_path).fetch(url).path).read_bytes() == DATA
    assert [asked for asked, _ in server.requests] == ["http://xn--bcher-kva.example/x"]
    assert server.seen[0]["Host"] == "xn--bcher-kva.example"


# -- userinfo ---------------------------------------------------------------------------------


def with_userinfo(server: Server, path: str, userinfo: str = "us%65r:p@ss:ö") -> str:
    return server.base.replace("//", f"//{userinfo}@") + path


def test_userinfo_is_sent_as_a_header(server: Server, tmp_path: Path) -> None:
    elsewhere = Server()
    server.url(PATH, DATA)
    server.fail(PATH, Fault(redirect="/here"))
    server.fail("/here", Fault(redirect=elsewhere.url("/there", DATA)))
    downloader(tmp_path).fetch(with_userinfo(server, PATH))
    elsewhere.close()
    assert [seen.get("Authorization") for seen in (*server.seen, *elsewhere.seen)] == [
        *["Basic dXNlcjpwQHNzOsO2"] * 2, None,
    ]  # fmt: skip
    assert "@" not in server.seen[0]["Host"]


def test_a_header_that_is_given_counts_more(server: Server, tmp_path: Path) -> None:
    url = with_userinfo(server, PATH)
    server.url(PATH, DATA)
    downloader(tmp_path, headers={"authorization": "Bearer x"}).fetch(url)
    assert server.seen[0]["Authorization"] == "Bearer x"


def test_a_redirect_may_have_userinfo(server: Server, tmp_path: Path) -> None:
    server.url("/there", DATA)
    server.fail(PATH, Fault(redirect=with_userinfo(server, "/there", "a:b")))
    downloader(tmp_path).fetch(server.url(PATH))
    assert [seen.get("Authorization") for seen in server.seen] == [None, "Basic YTpi"]


def test_passwords_are_not_told(
    server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "thresher.download")
    server.url(PATH, DATA)
    quick = downloader(tmp_path, verbose=True, retries=1)
    server.fail(PATH, Fault(cut=0))
    path = quick.download(with_userinfo(server, PATH, "user:secret"))
    assert quick.download(with_userinfo(server, "/none", "user:secret")) is None
    with pytest.raises(DataError) as caught:
        quick.fetch("http://user:secret@h:port/")
    assert len(caplog.messages) >= 3
    assert "secret" not in f"{path} {caplog.messages} {caught.value}"


# -- redirects --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("location", "line"),
    [
        ("/ä b".encode().decode("latin-1"), "/%C3%A4%20b"),  # raw UTF-8
        ("/\xe4", "/%E4"),  # raw Latin-1
        ("/%C3%A4%20b", "/%C3%A4%20b"),
        ("there?x=[ü]#y".encode().decode("latin-1"), "/sets/one/there?x=%5B%C3%BC%5D"),
        ('/a|"<>%', "/a%7C%22%3C%3E%25"),
        (" /x;v=1 ", "/x;v=1"),
    ],
)
def test_redirects_to_raw_characters(
    location: str, line: str, server: Server, tmp_path: Path
) -> None:
    server.url(line.partition("?")[0], DATA)
    server.fail(PATH, Fault(redirect=location))
    fetched = downloader(tmp_path).fetch(server.url(PATH))
    assert [asked for asked, _ in server.requests] == [PATH, line]
    assert fetched.path == str(tmp_path / local_name(server.base + PATH))


def test_redirects_to_international_hosts(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.base)
    server.url("http://xn--bcher-kva.example/x", DATA)
    server.fail(
        "http://h/x", Fault(redirect="HTTP://bücher.example:80/x".encode().decode("latin-1"))
    )
    assert Path(downloader(tmp_path).fetch("http://h/x").path).read_bytes() == DATA


@pytest.mark.parametrize(
    "location", ["http://[::1/x", "http://", "http://a b/", "http://h:x/", "htp://x"]
)
def test_redirects_to_what_is_no_url(location: str, server: Server, tmp_path: Path) -> None:
    server.fail(PATH, Fault(redirect=location))
    with pytest.raises(DataError, match="redirects to what is no URL"):
        downloader(tmp_path).fetch(server.url(PATH))


def test_a_host_with_its_port_said_is_no_other_host(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.base)
    server.url("http://h/y", DATA)
    server.fail("http://h/x", Fault(redirect="http://H:80/y"))
    downloader(tmp_path, headers={"Authorization": "x"}).fetch("http://h/x")
    assert [seen["Authorization"] for seen in server.seen] == ["x", "x"]


# -- local files ------------------------------------------------------------------------------


def test_a_whole_download_of_an_earlier_version_is_used(server: Server, tmp_path: Path) -> None:
    class Earlier(HttpDownloader):
        def _get_output_filename(self, url: str) -> str:
            return "sets-one-part-0.txt"

    url = server.url(PATH, DATA)
    earlier = Earlier(str(tmp_path)).fetch(url)
    assert downloader(tmp_path).fetch(url).path == earlier.path
    assert len(server.requests) == 1
    other = server.url("/sets/one-part-0.txt", b"other")
    assert Path(downloader(tmp_path).fetch(other).path).read_bytes() == b"other"
    Path(earlier.path).write_bytes(DATA[:1000])
    fetched = downloader(tmp_path).fetch(url)
    assert fetched.path == str(tmp_path / local_name(url))
    assert Path(fetched.path).read_bytes() == DATA


def test_digests_by_any_spelling_of_a_url(server: Server, tmp_path: Path) -> None:
    server.url("/%C3%A4", DATA)
    wrong = {f"{server.base}/ä#x": f"sha256:{'0' * 64}"}
    with pytest.raises(DataError, match="digest"):
        downloader(tmp_path, retries=0, digests=wrong).fetch(f"{server.base}/%C3%A4")


def test_compressed_files_with_queries_are_read(server: Server, tmp_path: Path) -> None:
    def packed(text: str) -> bytes:
        return gzip.compress(json.dumps({"text": text}).encode())

    other = Server()
    urls = [
        server.url("/ä x.jsonl.gz?download=true"),
        server.url("/x.jsonl.gz;v=1"),
        server.url("/x.jsonl.gz"),
        server.url("/x.jsonl.gz/"),
        other.url("/x.jsonl.gz"),
    ]
    paths = ("/%C3%A4%20x.jsonl.gz", "/x.jsonl.gz;v=1", "/x.jsonl.gz", "/x.jsonl.gz/")
    server.files = {path: packed(path) for path in paths}
    other.files = {"/x.jsonl.gz": packed("other")}
    stage = DocumentDownloadExtractStage(
        UrlList(urls), HttpDownloader(str(tmp_path / "raw")), JsonlIterator()
    )
    pipeline = Pipeline("p", stages=[stage, JsonlWriter(str(tmp_path / "out"))])
    result = pipeline.run()
    assert result.counts[-1].rows_out == len(urls)
    written = [
        path for path in (tmp_path / "out").rglob("*.jsonl") if "_thresher" not in path.parts
    ]
    texts = [json.loads(path.read_text())["text"] for path in written]
    assert sorted(texts) == sorted([*paths, "other"])
    assert pipeline.run().status == "nothing to do"
    other.close()
