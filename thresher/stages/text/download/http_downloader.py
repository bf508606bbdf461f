# SPDX-License-Identifier: Apache-2.0
"""HttpDownloader: files over HTTP and HTTPS, whatever the network does."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

from thresher import storage
from thresher.errors import DataError, PlanError
from thresher.stages.text.download.digests import parse_digest
from thresher.stages.text.download.downloader import (
    STATE,
    DocumentDownloader,
    Fetched,
    logger,
)
from thresher.stages.text.download.http_client import HttpClient
from thresher.stages.text.download.http_errors import GiveUpError, TryAgainError, pause
from thresher.stages.text.download.notes import read_note
from thresher.stages.text.download.slots import one_of
from thresher.stages.text.download.transfer import Transfer
from thresher.stages.text.download.url_generation import (
    host_name,
    local_name,
    normalised,
    requested_form,
    without_userinfo,
)

_PROGRESS = 64 * 1024
"""Bytes more than ever before after which tries that failed are forgotten."""


class HttpDownloader(DocumentDownloader):
    """Download files over HTTP and HTTPS.

    A try that fails for want of the network, or with status 408, 425, 429 or 5xx, is repeated; one
    that has received something is resumed where it ended, if the server tells a strong entity tag
    or a time of change and still has the same file. Lengths, ranges and the digests that a server
    offers are checked. Proxies are those of the environment (``HTTPS_PROXY``, ``NO_PROXY``).
    ``user:password@`` in a URL is sent as ``Authorization: Basic``. Every URL has a local file of
    its own, see :meth:`_get_output_filename`.

    Parameters
    ----------
    download_dir : str
        Where downloads are kept. They stay there: remove the folder when it is not needed any more.
    verbose : bool
        Log every file at level INFO, to the logger ``thresher.download``.
    max_per_host : int
        Connections to one host at a time, over all processes that use the folder.
    retries : int
        Failures in a row, without 64 KiB of progress, after which a file is given up.
    backoff : float
        Seconds to wait after the first failure; twice as long after each further one, and half of
        it by chance. A ``Retry-After`` that asks for longer is respected.
    max_wait : float
        Seconds to wait at most; a file whose server asks for more is given up.
    connect_timeout : float
        Seconds to wait for a connection.
    stall_timeout : float
        Seconds within which the next bytes must come: 1 KiB at least.
    max_redirects : int
        Redirects to follow.
    headers : dict[str, str] | None
        To send with every request. ``Authorization`` and ``Cookie`` are not sent to other hosts
        that one is redirected to.
    digests : dict[str, str] | None
        ``algorithm:hexadecimal`` (md5, sha1, sha256, sha512) that files must have, by URL or name
        of the local file.
    """

    placement_parameters: ClassVar[frozenset[str]] = frozenset(
        (
            "download_dir", "verbose", "max_per_host", "retries", "backoff", "max_wait",
            "connect_timeout", "stall_timeout", "max_redirects",
        )
    )  # fmt: skip

    def __init__(
        self,
        download_dir: str,
        verbose: bool = False,
        max_per_host: int = 4,
        retries: int = 5,
        backoff: float = 1.0,
        max_wait: float = 120.0,
        connect_timeout: float = 15.0,
        stall_timeout: float = 60.0,
        max_redirects: int = 10,
        headers: Mapping[str, str] | None = None,
        digests: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(download_dir, verbose)
        self.max_per_host = max_per_host
        self.retries = retries
        self.backoff = backoff
        self.max_wait = max_wait
        self.connect_timeout = connect_timeout
        self.stall_timeout = stall_timeout
        self.max_redirects = max_redirects
        self.headers = dict(headers or {})
        self.digests = {_key(name): parse_digest(text) for name, text in (digests or {}).items()}
        if max_per_host < 1 or retries < 0 or min(connect_timeout, stall_timeout) <= 0:
            raise PlanError(
                "max_per_host must be 1 or more, retries 0 or more, and timeouts above 0",
                where=type(self).__name__,
            )

    def check_url(self, url: str) -> None:
        """Refuse what is no http:// or https:// URL."""
        _requested(url)

    def fetch(self, url: str, on_progress: Callable[[], None] = lambda: None) -> Fetched:
        """Download, or find what was downloaded before; the same for all spellings of a URL."""
        return super().fetch(_requested(url), on_progress)

    def _get_output_filename(self, url: str) -> str:
        """The path of the URL with ``-`` for ``/``, in a folder named by host and a hash.

        It depends on the URL only, see :func:`local_name`.
        """
        return local_name(_requested(url))

    def _path_of(self, url: str) -> Path:
        """The path of the file; where an earlier version put it, if it is there, whole."""
        path = super()._path_of(url)
        earlier = Path(storage.absolute(self.download_dir)) / path.name
        note = read_note(self._state_of(earlier))
        return earlier if note is not None and self._is_good(earlier, note, url) else path

    def _download_to_path(self, url: str, path: str) -> tuple[bool, str | None]:
        try:
            self._bring(url, Path(path), lambda: None)
        except DataError as error:
            return False, error.what
        return True, None

    def _bring(self, url: str, path: Path, on_progress: Callable[[], None]) -> Fetched:
        url = _requested(url)
        shown = without_userinfo(url)
        name = path.name.removesuffix(".tmp")
        declared = {self.digests[key] for key in (url, name) if key in self.digests}
        client = HttpClient(
            self.connect_timeout, self.stall_timeout, self.max_redirects, self.headers
        )
        state = self._state_of(path.with_name(name))
        transfer = Transfer(url, path, state, client, tuple(declared), on_progress)
        resumed = best = transfer.kept()
        tries = failures = 0
        while True:
            tries += 1
            try:
                with one_of(self._slots(url), on_progress):
                    transfer.attempt()
                return Fetched(str(path), 0, transfer.received, resumed, tries)
            except GiveUpError as error:
                raise DataError(f"cannot be downloaded: {error}", where=shown) from error
            except TryAgainError as error:
                if error.afresh:
                    transfer.forget()
                kept = transfer.kept()
                failures = 1 if kept >= best + _PROGRESS else failures + 1
                best = max(best, kept)
                self._wait(shown, error, failures, tries, on_progress)

    def _wait(
        self,
        url: str,
        error: TryAgainError,
        failures: int,
        tries: int,
        on_progress: Callable[[], None],
    ) -> None:
        """Wait before the next try, or raise if there is to be none."""
        advice = "run again later: files that are missing are tried again"
        if failures > self.retries:
            often = "once" if tries == 1 else f"{tries} times"
            what = f"cannot be downloaded: {error.reason} (tried {often})"
            raise DataError(what, where=url, todo=advice) from error
        if error.wait > self.max_wait:
            what = f"cannot be downloaded: {error.reason}, and asks to wait {error.wait:.0f} s"
            raise DataError(what, where=url, todo=f"{advice}; or raise max_wait") from error
        seconds = max(error.wait, pause(failures, self.backoff, self.max_wait))
        if self.verbose:
            logger.info("%s: %s; next try in %.1f s", url, error.reason, seconds)
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            on_progress()
            time.sleep(min(left, 0.5))

    def _slots(self, url: str) -> list[Path]:
        """The lock files of which a connection to the URL's host holds one."""
        parts = urlsplit(url)
        host = f"{host_name(url)}-{parts.port or parts.scheme}"
        folder = Path(storage.absolute(self.download_dir)) / STATE / "hosts"
        return [folder / f"{host}-{number}.lock" for number in range(self.max_per_host)]


def _requested(url: str) -> str:
    """The URL as it is requested.

    Raises
    ------
    DataError
        If it is no http:// or https:// URL.
    """
    try:
        return normalised(str(url))
    except ValueError as error:
        raise DataError(
            str(error),
            where=without_userinfo(str(url)),
            todo="give a URL such as https://example.org/data/part-0.jsonl.gz",
        ) from None


def _key(name: str) -> str:
    """A URL or file name in the form in which it is looked up."""
    try:
        return requested_form(name)
    except ValueError:
        return name
