# SPDX-License-Identifier: Apache-2.0
"""Whatever the server does, the file is there to the letter, or it is said why not."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from email.utils import formatdate
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.stages.text.download.server import (
    Fault,
    Refuse,
    Server,
    free_port,
    md5_header,
)
from thresher.errors import DataError, PlanError, StorageError
from thresher.stages.text.download import HttpDownloader
from thresher.stages.text.download import http_downloader as module
from thresher.stages.text.download.digests import offered, parse_digest
from thresher.stages.text.download.http_errors import pause, retry_after

DATA = Random(1).randbytes(300_000)
PATH = "/sets/one/part-0.txt"
QUICK: dict[str, Any] = {"backoff": 0.01, "stall_timeout": 0.5, "connect_timeout": 2.0}


def downloader(folder: Path, **options: Any) -> HttpDownloader:
    return HttpDownloader(str(folder), **{**QUICK, **options})


def ranges(server: Server) -> list[str]:
    return [asked for _, asked in server.requests]


def test_a_file_is_downloaded_once(server: Server, tmp_path: Path) -> None:
    url = server.url(PATH, DATA)
    path = downloader(tmp_path).download(url)
    assert path == str(tmp_path / "sets-one-part-0.txt")
    assert Path(path).read_bytes() == DATA
    assert downloader(tmp_path).fetch(url).reused
    assert len(server.requests) == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == [".thresher", "sets-one-part-0.txt"]


def test_a_file_of_the_users_own_is_taken(server: Server, tmp_path: Path) -> None:
    (tmp_path / "sets-one-part-0.txt").write_bytes(b"mine")
    assert downloader(tmp_path).download(server.url(PATH, DATA)) is not None
    assert server.requests == []


def test_an_empty_or_shortened_file_is_downloaded_again(server: Server, tmp_path: Path) -> None:
    url, path = server.url(PATH, DATA), tmp_path / "sets-one-part-0.txt"
    path.touch()
    downloader(tmp_path).fetch(url)
    path.write_bytes(DATA[:1000])
    downloader(tmp_path).fetch(url)
    assert path.read_bytes() == DATA
    assert len(server.requests) == 2


def test_a_file_of_another_address_is_not_taken_for_this_one(
    server: Server, tmp_path: Path
) -> None:
    other = server.url("/sets-one/part-0.txt", b"other")
    downloader(tmp_path).fetch(other)
    fetched = downloader(tmp_path).fetch(server.url(PATH, DATA))
    assert Path(fetched.path).read_bytes() == DATA


WRONG = {
    "500": [Refuse(500)],
    "503": [Refuse(503), Refuse(503)],
    "429": [Refuse(429, Retry_After="0")],
    "408": [Refuse(408)],
    "truncated": [Fault(cut=70_000)],
    "truncated many times": [Fault(cut=70_000) for _ in range(4)],
    "truncated before the first byte": [Fault(cut=0)],
    "stalls": [Fault(cut=100_000, stall=1.5)],
    "announces more": [Fault(length=5000), Fault(length=5000)],
    "announces less": [Fault(length=-5000), Fault(length=-1)],
    "ignores the range": [Fault(cut=100_000), Fault(ignore_range=True)],
    "another range": [Fault(cut=100_000), Fault(shift_range=10)],
    "another total": [Fault(cut=100_000), Fault(total=10)],
    "flips a byte": [Fault(flip=True)],
}


@pytest.mark.parametrize("faults", WRONG.values(), ids=WRONG)
def test_a_server_that_comes_to_its_senses(
    faults: list[Refuse | Fault], server: Server, tmp_path: Path
) -> None:
    if any(isinstance(fault, Fault) and fault.flip for fault in faults):
        server.headers = {"Digest": f"md5={md5_header(DATA)}"}
    url = server.url(PATH, DATA)
    server.fail(PATH, *faults)
    fetched = downloader(tmp_path).fetch(url)
    assert Path(fetched.path).read_bytes() == DATA
    assert fetched.tries == len(server.requests) > len(faults) - 1


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Refuse(500), "status 500"),
        (Refuse(503), "status 503"),
        (Fault(cut=0), "0 of 300000 bytes"),
        (Fault(stall=1.0, cut=0), "in time"),
        (Fault(length=900, ignore_range=True), "300000 of 300900 bytes"),
        (Fault(length=-900, ignore_range=True), "announces 299100 bytes and sends more"),
    ],
)
def test_a_server_that_never_does_is_given_up(
    fault: Refuse | Fault, said: str, server: Server, tmp_path: Path
) -> None:
    server.fail(PATH, *[fault] * 3)
    with pytest.raises(DataError) as caught:
        downloader(tmp_path, retries=2).fetch(server.url(PATH, DATA))
    assert said in caught.value.what
    assert "tried 3 times" in caught.value.what
    assert caught.value.where == server.base + PATH
    assert "run again later" in caught.value.todo
    assert not (tmp_path / "sets-one-part-0.txt").exists()
    assert downloader(tmp_path, retries=0).download(server.url("/none")) is None


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 501])
def test_a_refusal_that_stands_is_not_argued_with(
    status: int, server: Server, tmp_path: Path
) -> None:
    server.fail(PATH, Refuse(status))
    with pytest.raises(DataError, match=f"status {status}"):
        downloader(tmp_path).fetch(server.url(PATH, DATA))
    assert len(server.requests) == 1


def test_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"refused.*tried 2 times"):
        downloader(tmp_path, retries=1).fetch(f"http://127.0.0.1:{free_port()}/x")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://a/b", "x.txt", "http://"])
def test_other_addresses_are_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no http"):
        downloader(tmp_path).fetch(url)


def test_a_download_is_resumed_where_it_ended(server: Server, tmp_path: Path) -> None:
    server.fail(PATH, Fault(cut=100_000), *[Refuse(503)] * 2)
    url = server.url(PATH, DATA)
    with pytest.raises(DataError):
        downloader(tmp_path, retries=1).fetch(url)
    fetched = downloader(tmp_path).fetch(url)  # another process, as it were
    assert Path(fetched.path).read_bytes() == DATA
    assert (fetched.resumed, fetched.received) == (100_000, 200_000)
    assert ranges(server)[-1] == "bytes=100000-"


def test_progress_makes_failures_forgotten(server: Server, tmp_path: Path) -> None:
    server.fail(PATH, *[Fault(cut=70_000) for _ in range(4)])
    fetched = downloader(tmp_path, retries=1).fetch(server.url(PATH, DATA))
    assert fetched.tries == 5
    assert fetched.received == len(DATA)


def test_a_file_that_changes_midway_is_begun_anew(server: Server, tmp_path: Path) -> None:
    new = DATA[::-1] + b"and more"
    server.fail(PATH, Fault(cut=100_000, then=lambda: server.files.update({PATH: new})))
    fetched = downloader(tmp_path).fetch(server.url(PATH, DATA))
    assert Path(fetched.path).read_bytes() == new


@pytest.mark.parametrize("lie", [Fault(shift_range=10), Fault(total=10), Fault(length=-1)])
def test_a_range_that_is_not_what_was_asked_for_is_thrown_away(
    lie: Fault, server: Server, tmp_path: Path
) -> None:
    server.fail(PATH, Fault(cut=100_000), lie)
    fetched = downloader(tmp_path).fetch(server.url(PATH, DATA))
    assert ranges(server) == ["", "bytes=100000-", ""]
    assert Path(fetched.path).read_bytes() == DATA


def test_without_a_validator_nothing_is_resumed(server: Server, tmp_path: Path) -> None:
    server.validators = False
    server.fail(PATH, Fault(cut=100_000))
    fetched = downloader(tmp_path).fetch(server.url(PATH, DATA))
    assert Path(fetched.path).read_bytes() == DATA
    assert ranges(server) == ["", ""]


def test_bytes_from_before_a_restart_of_the_machine_are_not_trusted(
    server: Server, tmp_path: Path
) -> None:
    server.fail(PATH, Fault(cut=100_000))
    url = server.url(PATH, DATA)
    with pytest.raises(DataError):
        downloader(tmp_path, retries=0).fetch(url)
    note = tmp_path / ".thresher" / "sets-one-part-0.txt.json"
    note.write_text(json.dumps({**json.loads(note.read_text()), "boot": "another"}))
    fetched = downloader(tmp_path).fetch(url)
    assert ranges(server) == ["", ""]
    assert Path(fetched.path).read_bytes() == DATA


@pytest.mark.parametrize("left", ["", "{", '{"url": 1}', "[]"])
def test_a_note_that_cannot_be_read_is_none(left: str, server: Server, tmp_path: Path) -> None:
    (tmp_path / ".thresher").mkdir()
    (tmp_path / ".thresher" / "sets-one-part-0.txt.json").write_text(left)
    (tmp_path / "sets-one-part-0.txt.tmp").write_bytes(b"what may this be")
    fetched = downloader(tmp_path).fetch(server.url(PATH, DATA))
    assert Path(fetched.path).read_bytes() == DATA


def test_a_whole_file_that_was_not_renamed_is(server: Server, tmp_path: Path) -> None:
    url, path = server.url(PATH, DATA), tmp_path / "sets-one-part-0.txt"
    downloader(tmp_path).fetch(url)
    path.rename(f"{path}.tmp")
    assert downloader(tmp_path).fetch(url).tries == 0
    assert path.read_bytes() == DATA
    assert len(server.requests) == 1


def test_all_bytes_there_and_only_the_end_missed(server: Server, tmp_path: Path) -> None:
    server.fail(PATH, Fault(cut=299_999))
    url = server.url(PATH, DATA)
    with pytest.raises(DataError):
        downloader(tmp_path, retries=0).fetch(url)
    with (tmp_path / "sets-one-part-0.txt.tmp").open("ab") as file:
        file.write(DATA[-1:])  # killed between the last byte and the note
    fetched = downloader(tmp_path).fetch(url)
    assert fetched.received == 0
    assert Path(fetched.path).read_bytes() == DATA


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


# -- redirects --------------------------------------------------------------------------------


def test_redirects_are_followed_and_secrets_kept(server: Server, tmp_path: Path) -> None:
    elsewhere = Server()
    server.fail(PATH, Fault(redirect=elsewhere.url("/there", DATA)))
    headers = {"Authorization": "Bearer secret", "X-Plain": "1"}
    fetched = downloader(tmp_path, headers=headers).fetch(server.url(PATH))
    elsewhere.close()
    assert Path(fetched.path).read_bytes() == DATA
    assert server.seen[0]["Authorization"] == "Bearer secret"
    assert "Authorization" not in elsewhere.seen[0]
    assert elsewhere.seen[0]["X-Plain"] == "1"


def test_a_redirected_download_is_resumed(server: Server, tmp_path: Path) -> None:
    server.url("/there", DATA)
    server.fail(PATH, Fault(redirect="/there"), Fault(redirect="/there"))
    server.fail("/there", Fault(cut=100_000))
    fetched = downloader(tmp_path).fetch(server.url(PATH))
    assert Path(fetched.path).read_bytes() == DATA
    assert ranges(server)[-1] == "bytes=100000-"


@pytest.mark.parametrize("target", [PATH, "file:///etc/passwd", "ftp://127.0.0.1/x"])
def test_redirects_that_lead_nowhere(target: str, server: Server, tmp_path: Path) -> None:
    server.fail(PATH, *[Fault(redirect=target) for _ in range(20)])
    with pytest.raises(DataError, match=r"redirect|no http|unknown url|not allowed"):
        downloader(tmp_path, max_redirects=3).fetch(server.url(PATH, DATA))
    assert len(server.requests) <= 4


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


# -- waiting ----------------------------------------------------------------------------------


def test_retry_after_is_respected(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(module.time, "monotonic", lambda: sum(slept))
    monkeypatch.setattr(module.time, "sleep", slept.append)
    server.fail(PATH, Refuse(429, Retry_After="7"))
    downloader(tmp_path).fetch(server.url(PATH, DATA))
    assert sum(slept) == pytest.approx(7)


def test_a_server_that_asks_for_too_much_patience(server: Server, tmp_path: Path) -> None:
    server.fail(PATH, Refuse(503, Retry_After="3600"))
    with pytest.raises(DataError, match="asks to wait 3600 s"):
        downloader(tmp_path).fetch(server.url(PATH, DATA))


def test_retry_after_as_a_date_or_nonsense() -> None:
    from email.message import Message

    def header(value: str) -> Message:
        message = Message()
        message["Retry-After"] = value
        return message

    assert 50 < retry_after(header(formatdate(time.time() + 60, usegmt=True))) <= 60
    assert retry_after(header("Wed, 21 Oct 2015 07:28:00 GMT")) == 0.0
    assert retry_after(header("soon")) == retry_after(Message()) == 0.0


def test_pauses_grow_with_chance_in_them() -> None:
    for failures, whole in ((1, 1), (2, 2), (3, 4), (20, 30)):
        some = [pause(failures, 1.0, 30.0) for _ in range(50)]
        assert whole / 2 <= min(some) < max(some) <= whole


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
    assert [(tmp_path / str(n)).read_bytes() for n in range(12)] == [b"%d" % n for n in range(12)]


def test_one_file_asked_for_at_once_is_downloaded_once(server: Server, tmp_path: Path) -> None:
    server.pause = 0.1
    url = server.url(PATH, DATA)
    threads = [threading.Thread(target=downloader(tmp_path).fetch, args=(url,)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.requests) == 1
    assert (tmp_path / "sets-one-part-0.txt").read_bytes() == DATA


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
