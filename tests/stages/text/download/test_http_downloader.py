# SPDX-License-Identifier: Apache-2.0
"""A file is downloaded once and checked, by many at once, onto a disk that may be full."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.stages.text.download.quick import DATA, PATH, downloader
from tests.stages.text.download.server import Fault, Server, md5_header
from thresher.errors import DataError, PlanError, StorageError
from thresher.stages.text.download import HttpDownloader
from thresher.stages.text.download.digests import offered, parse_digest
from thresher.stages.text.download.url_generation import local_name


def test_a_file_is_downloaded_once(server: Server, tmp_path: Path) -> None:
    url = server.url(PATH, DATA)
    path = downloader(tmp_path).download(url)
    assert path is not None
    assert path == str(tmp_path / local_name(url))
    assert Path(path).name == "sets-one-part-0.txt"
    assert Path(path).read_bytes() == DATA
    assert downloader(tmp_path).fetch(url).reused
    assert len(server.requests) == 1
    assert [p for p in tmp_path.rglob("*.*") if p.is_file() and ".thresher" not in p.parts] == [
        Path(path)
    ]


def test_a_file_of_the_users_own_is_taken(server: Server, tmp_path: Path) -> None:
    url = server.url(PATH, DATA)
    own = tmp_path / local_name(url)
    own.parent.mkdir()
    own.write_bytes(b"mine")
    assert downloader(tmp_path).download(url) == str(own)
    assert server.requests == []


def test_an_empty_or_shortened_file_is_downloaded_again(server: Server, tmp_path: Path) -> None:
    url = server.url(PATH, DATA)
    path = tmp_path / local_name(url)
    path.parent.mkdir()
    path.touch()
    downloader(tmp_path).fetch(url)
    path.write_bytes(DATA[:1000])
    downloader(tmp_path).fetch(url)
    assert path.read_bytes() == DATA
    assert len(server.requests) == 2


def test_urls_with_one_readable_name_have_a_file_each(server: Server, tmp_path: Path) -> None:
    other = Server()
    contents = {
        server.url(PATH, DATA): DATA,
        server.url("/sets-one/part-0.txt", b"one"): b"one",
        server.url("/sets/one-part-0.txt", b"two"): b"two",
        other.url(PATH, b"three"): b"three",
    }
    for _ in range(2):
        for url, data in contents.items():
            assert Path(downloader(tmp_path).fetch(url).path).read_bytes() == data
    assert len(server.requests) + len(other.requests) == len(contents)
    other.close()


@pytest.mark.parametrize("cut", [None, 1000])
def test_bodies_in_chunks(cut: int | None, tmp_path: Path) -> None:
    server = Server(chunked=True)
    if cut is not None:
        server.fail(PATH, Fault(cut=cut))
    fetched = downloader(tmp_path).fetch(server.url(PATH, DATA))
    server.close()
    assert Path(fetched.path).read_bytes() == DATA


def test_an_empty_file(server: Server, tmp_path: Path) -> None:
    fetched = downloader(tmp_path).fetch(server.url(PATH, b""))
    assert (fetched.size, Path(fetched.path).read_bytes()) == (0, b"")


# -- digests ----------------------------------------------------------------------------------

SHA = hashlib.sha256(DATA)


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-MD5": md5_header(DATA)},
        {"Digest": f"md5={md5_header(DATA)}"},
        {"x-goog-hash": f"crc32c=AAAAAA==,md5={md5_header(DATA)}"},
        {"X-Linked-ETag": f'"{SHA.hexdigest()}"'},
    ],
    ids=lambda headers: next(iter(headers)),
)
def test_offered_digests_are_checked(
    headers: dict[str, str], server: Server, tmp_path: Path
) -> None:
    server.headers = headers
    server.fail(PATH, Fault(flip=True))
    fetched = downloader(tmp_path).fetch(server.url(PATH, DATA))
    assert Path(fetched.path).read_bytes() == DATA
    assert len(server.requests) == 2


def test_a_digest_on_the_way_counts(server: Server, tmp_path: Path) -> None:
    server.headers = {"X-Linked-ETag": "0" * 64}
    server.fail(PATH, *[Fault(redirect="/there")] * 2)
    server.url("/there", DATA)
    with pytest.raises(DataError, match="do not have the digest sha256:0000"):
        downloader(tmp_path, retries=1).fetch(server.url(PATH))


@pytest.mark.parametrize("by", ["name", "url"])
def test_declared_digests_are_checked(by: str, server: Server, tmp_path: Path) -> None:
    url = server.url(PATH, DATA)
    key = url if by == "url" else "sets-one-part-0.txt"
    right = {key: f"SHA256:{SHA.hexdigest()}"}
    wrong = {key: f"sha256:{'0' * 64}"}
    with pytest.raises(DataError, match="digest"):
        downloader(tmp_path, retries=0, digests=wrong).fetch(url)
    assert downloader(tmp_path, digests=right).fetch(url).size == len(DATA)


@pytest.mark.parametrize("text", ["sha256:12", "md4:00", "x", "md5:" + "g" * 32])
def test_what_is_no_digest_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="no digest"):
        downloader(tmp_path, digests={"a": text})


def test_broken_digest_headers_are_passed_by() -> None:
    from email.message import Message

    message = Message()
    message["Digest"] = "sha-256=!!, md5=AAAA, unknown=AAAA"
    message["Content-MD5"] = "hello"
    assert offered([message], whole=True) == ()
    message["Repr-Digest"] = "sha-256=:" + "A" * 43 + "=:"
    assert offered([message], whole=False) == ("sha256:" + "00" * 32,)
    assert parse_digest("SHA-256:" + "AB" * 32) == "sha256:" + "ab" * 32


# -- many at once -----------------------------------------------------------------------------


def test_no_more_connections_to_a_host_than_allowed(server: Server, tmp_path: Path) -> None:
    server.pause = 0.05
    urls = [server.url(f"/{n}", b"%d" % n) for n in range(12)]
    threads = [
        threading.Thread(target=downloader(tmp_path, max_per_host=3).download, args=(url,))
        for url in urls
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.most_open <= 3
    found = [(tmp_path / local_name(url)).read_bytes() for url in urls]
    assert found == [b"%d" % n for n in range(12)]


def test_one_file_asked_for_at_once_is_downloaded_once(server: Server, tmp_path: Path) -> None:
    server.pause = 0.1
    url = server.url(PATH, DATA)
    threads = [threading.Thread(target=downloader(tmp_path).fetch, args=(url,)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.requests) == 1
    assert (tmp_path / local_name(url)).read_bytes() == DATA


# -- the disk ---------------------------------------------------------------------------------


def test_a_full_disk_is_told(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.open

    def full(self: Path, *arguments: Any, **options: Any) -> Any:
        return (
            real(Path("/dev/full"), "wb", buffering=0)
            if self.suffix == ".tmp"
            else real(self, *arguments, **options)
        )

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(StorageError) as caught:
        downloader(tmp_path).download(server.url(PATH, DATA))
    assert "no space left" in caught.value.what
    assert caught.value.where.endswith("sets-one-part-0.txt.tmp")
    assert "free some space" in caught.value.todo


def test_a_folder_that_cannot_be_made_is_told(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"not a folder|directory"):
        downloader(tmp_path / "file" / "raw").download(server.url(PATH, DATA))


def test_remote_folders_are_refused() -> None:
    with pytest.raises(PlanError, match="no local folder"):
        HttpDownloader("s3://bucket/raw")


def test_what_it_does_and_where_it_does_it_are_told_apart(tmp_path: Path) -> None:
    from thresher.planning.fingerprint import describe

    one = HttpDownloader(str(tmp_path / "a"), retries=1)
    two = HttpDownloader(str(tmp_path / "b"), verbose=True)
    assert describe(one) == describe(two)
    assert describe(one) != describe(HttpDownloader("a", headers={"X": "1"}))
