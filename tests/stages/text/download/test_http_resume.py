# SPDX-License-Identifier: Apache-2.0
"""A download goes on where it ended, by way of redirects too, but never with doubtful bytes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.stages.text.download.quick import DATA, PATH, downloader
from tests.stages.text.download.server import Fault, Refuse, Server
from thresher.errors import DataError
from thresher.stages.text.download.url_generation import local_name


def ranges(server: Server) -> list[str]:
    return [asked for _, asked in server.requests]


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
    note = tmp_path / ".thresher" / f"{local_name(url)}.json"
    note.write_text(json.dumps({**json.loads(note.read_text()), "boot": "another"}))
    fetched = downloader(tmp_path).fetch(url)
    assert ranges(server) == ["", ""]
    assert Path(fetched.path).read_bytes() == DATA


@pytest.mark.parametrize("left", ["", "{", '{"url": 1}', "[]"])
def test_a_note_that_cannot_be_read_is_none(left: str, server: Server, tmp_path: Path) -> None:
    url = server.url(PATH, DATA)
    for path, text in (
        (tmp_path / ".thresher" / f"{local_name(url)}.json", left),
        (tmp_path / f"{local_name(url)}.tmp", "what may this be"),
    ):
        path.parent.mkdir(parents=True)
        path.write_text(text)
    fetched = downloader(tmp_path).fetch(url)
    assert Path(fetched.path).read_bytes() == DATA


def test_a_whole_file_that_was_not_renamed_is(server: Server, tmp_path: Path) -> None:
    url = server.url(PATH, DATA)
    path = tmp_path / local_name(url)
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
    with (tmp_path / f"{local_name(url)}.tmp").open("ab") as file:
        file.write(DATA[-1:])  # killed between the last byte and the note
    fetched = downloader(tmp_path).fetch(url)
    assert fetched.received == 0
    assert Path(fetched.path).read_bytes() == DATA


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
