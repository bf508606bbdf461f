# SPDX-License-Identifier: Apache-2.0
"""Whatever the server does, the file is there to the letter, or it is said why not."""

from __future__ import annotations

import time
from email.utils import formatdate
from pathlib import Path

import pytest

from tests.stages.text.download.quick import DATA, PATH, downloader
from tests.stages.text.download.server import (
    Fault,
    Refuse,
    Server,
    free_port,
    md5_header,
)
from thresher.errors import DataError
from thresher.stages.text.download import http_downloader as module
from thresher.stages.text.download.http_errors import pause, retry_after
from thresher.stages.text.download.url_generation import local_name

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
    assert not (tmp_path / local_name(server.base + PATH)).exists()
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


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://a/b", "x.txt", "http://", "", None])
def test_what_is_no_http_url_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no http"):
        downloader(tmp_path).fetch(url)


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
