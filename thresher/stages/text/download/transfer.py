# SPDX-License-Identifier: Apache-2.0
"""Transfer: tries to get one file over HTTP, each going on where the last one ended."""

from __future__ import annotations

import re
import time
import urllib.error
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from thresher import storage
from thresher.errors import ThresherError
from thresher.stages.text.download.digests import mismatch, offered
from thresher.stages.text.download.http_client import Answer, HttpClient
from thresher.stages.text.download.http_errors import GiveUpError, TryAgainError, told
from thresher.stages.text.download.notes import Note, boot, read_note

_CHUNK = 1 << 20
_SLOWEST = 1024
"""Bytes that must come within a stall timeout: a server that drips is as good as gone."""

_TELL_EVERY = 0.25
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
_NO_RANGE = re.compile(r"bytes \*/(\d+)")


class Transfer:
    """The tries to get ``url`` into the file ``path``.

    ``note_path`` is where it keeps what the server said of the file. A beginning that is there is
    kept if a validator shows that it is of the same file, and the machine has not been off since.
    """

    def __init__(
        self,
        url: str,
        path: Path,
        note_path: Path,
        client: HttpClient,
        digests: tuple[str, ...],
        on_progress: Callable[[], None],
    ) -> None:
        self.url = url
        self.path = path
        self.note_path = note_path
        self.client = client
        self.digests = digests
        self.received = 0
        self._on_progress = on_progress
        self._told = 0.0

    def attempt(self) -> None:
        """One try; the file is whole and right if it returns.

        Raises
        ------
        TryAgainError, GiveUpError
        StorageError
            If the file cannot be written.
        """
        try:
            self._attempt()
        except ThresherError:
            raise
        except Exception as error:
            raise told(error) from error

    def kept(self) -> int:
        """Bytes of earlier tries that the next one may build on."""
        note = read_note(self.note_path)
        usable = note is not None and not note.done and note.url == self.url
        if note is None or not usable or not note.validator or note.boot != boot():
            return 0
        with storage.failures("stat", str(self.path)):
            size = self.path.stat().st_size if self.path.exists() else 0
        return size if note.size < 0 or size <= note.size else 0

    def forget(self) -> None:
        """Let the next try begin anew."""
        with storage.failures("remove", str(self.path)):
            self.path.unlink(missing_ok=True)

    def _attempt(self) -> None:
        kept = self.kept()
        note = read_note(self.note_path) if kept else None
        headers = {"Range": f"bytes={kept}-", "If-Range": note.validator} if note else {}
        try:
            answer = self.client.open(self.url, headers)
        except urllib.error.HTTPError as error:
            with closing(error):
                if note is None or error.code != 416:
                    raise
                self._check_end(error, kept)
        else:
            with closing(answer):
                note = self._receive(answer, note, kept)
        assert note is not None
        self._check_digests(note)

    def _check_end(self, error: urllib.error.HTTPError, kept: int) -> None:
        """The server has nothing behind what is there: is that the whole file?"""
        found = _NO_RANGE.fullmatch((error.headers.get("Content-Range") or "").strip())
        note = read_note(self.note_path)
        assert note is not None
        size = int(found[1]) if found else note.size
        if kept != size or note.size not in (-1, size):
            reason = f"the server says that the file has {size} bytes, and said {note.size} before"
            raise TryAgainError(reason, afresh=True)

    def _receive(self, answer: Answer, note: Note | None, kept: int) -> Note:
        """Write the body behind what is there, or in its place."""
        if answer.status == 206:
            if note is None:
                raise TryAgainError("the server sends a part of the file, unasked")
            note = self._check_range(answer, note, kept)
            with storage.failures("write", str(self.path)):
                file = self.path.open("r+b", buffering=0)
                file.seek(kept)
        elif answer.status == 200:
            note = self._noted(answer)
            kept = 0
            with storage.failures("write", str(self.path)):
                file = self.path.open("wb", buffering=0)
        else:
            raise GiveUpError(f"status {answer.status} {answer.response.reason}")
        with file:
            received = self._copy(answer, file)
        if note.size >= 0 and kept + received != note.size:
            raise TryAgainError(f"it ended after {kept + received} of {note.size} bytes")
        if answer.has_more():
            reason = f"the server announces {answer.length} bytes and sends more"
            raise TryAgainError(reason, afresh=True)
        return note

    def _noted(self, answer: Answer) -> Note:
        """What the server says of the file, kept before its first byte."""
        encoding = answer.header("Content-Encoding").lower()
        compressed = self.path.name.lower().endswith((".gz.tmp", ".zst.tmp"))
        if encoding not in ("", "identity") and not compressed:
            raise GiveUpError(f"the server sends it as {encoding}, asked for it as it is")
        etag = answer.header("ETag")
        note = Note(
            self.url,
            "" if etag.startswith("W/") else etag,
            answer.header("Last-Modified"),
            -1 if answer.length is None else answer.length,
            offered(answer.all_headers, whole=not encoding),
            boot=boot(),
        )
        self.forget()  # bytes must never stand beside a note of another file
        note.write(self.note_path)
        return note

    def _check_range(self, answer: Answer, note: Note, kept: int) -> Note:
        """Whether the server sends what was asked for, of the file that it was."""
        found = _RANGE.fullmatch(answer.header("Content-Range"))
        if found is None or int(found[1]) != kept or int(found[2]) < kept:
            said = answer.header("Content-Range") or "nothing"
            raise TryAgainError(
                f"asked for bytes from {kept} on, the server says {said!r}", afresh=True
            )
        last = int(found[2])
        total = note.size if found[3] == "*" else int(found[3])
        etag = answer.header("ETag")
        changed = bool(note.etag and etag and etag != note.etag) or note.size not in (-1, total)
        misfit = answer.length not in (None, last - kept + 1) or -1 < total <= last
        if changed or misfit:
            raise TryAgainError("the file changed on the server midway", afresh=True)
        return replace(note, size=total)

    def _copy(self, answer: Answer, file: BinaryIO) -> int:
        """Write the body to ``file``, up to its announced end; returns its bytes."""
        left = answer.length
        received = 0
        began, at_begin = time.monotonic(), 0
        while left is None or left > 0:
            chunk = answer.read(_CHUNK if left is None else min(_CHUNK, left))
            if not chunk:
                break
            with storage.failures("write", str(self.path)):
                view = memoryview(chunk)
                while len(view):
                    view = view[file.write(view) :]
            received += len(chunk)
            self.received += len(chunk)
            left = None if left is None else left - len(chunk)
            now = time.monotonic()
            if now - self._told > _TELL_EVERY:
                self._told = now
                self._on_progress()
            if now - began > self.client.stall_timeout:
                if received - at_begin < _SLOWEST:
                    raise TryAgainError("the server sends next to nothing")
                began, at_begin = now, received
        return received

    def _check_digests(self, note: Note) -> None:
        wrong = mismatch(str(self.path), (*note.digests, *self.digests), self._on_progress)
        if wrong:
            raise TryAgainError(f"its bytes do not have the digest {wrong}", afresh=True)
