# SPDX-License-Identifier: Apache-2.0
"""DocumentDownloader: brings what a URL leads to into a folder, once."""

from __future__ import annotations

import logging
import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import ClassVar

from thresher import storage
from thresher.errors import DataError, PlanError
from thresher.stages.parameters import Parametrised
from thresher.stages.text.download.notes import Note, read_note
from thresher.stages.text.download.slots import locked
from thresher.stages.text.download.url_generation import without_userinfo
from thresher.storage.temporaries import sync_file

STATE = ".thresher"
"""Folder below the download folder with notes and locks; readers pass it by."""

logger = logging.getLogger("thresher.download")


@dataclass(frozen=True)
class Fetched:
    """A file that is there.

    Parameters
    ----------
    received : int
        Bytes that came over the network for it, now.
    resumed : int
        Bytes that an earlier try had left.
    """

    path: str
    size: int
    received: int = 0
    resumed: int = 0
    tries: int = 0

    @property
    def reused(self) -> bool:
        """Whether nothing had to be fetched."""
        return not self.tries


class DocumentDownloader(Parametrised, ABC):
    """Base of all downloaders. Define :meth:`_get_output_filename` and :meth:`_download_to_path`.

    A file is downloaded to ``<file>.tmp`` and renamed when it is whole. One that is there is used
    as it is, unless it is known to come from another URL or to have had another size. A lock
    keeps other threads, processes and drivers from downloading the same file.

    Parameters
    ----------
    download_dir : str
        Where downloads are kept. They stay there: remove the folder when it is not needed any more.
    verbose : bool
        Log every file at level INFO, to the logger ``thresher.download``.
    """

    placement_parameters: ClassVar[frozenset[str]] = frozenset(("download_dir", "verbose"))

    def __init__(self, download_dir: str, verbose: bool = False) -> None:
        if not storage.is_local(str(download_dir)):
            raise PlanError(
                f"download_dir={str(download_dir)!r} is no local folder",
                where=type(self).__name__,
                todo="download to a folder of this machine or a mounted file system",
            )
        self.download_dir = str(download_dir)
        self.verbose = verbose

    # -- to be defined ------------------------------------------------------------------------

    @abstractmethod
    def _get_output_filename(self, url: str) -> str:
        """What the file is called, relative to the download folder; another for each URL."""

    @abstractmethod
    def _download_to_path(self, url: str, path: str) -> tuple[bool, str | None]:
        """Download to ``path``, which may hold what an earlier try has left.

        Returns whether it worked, and if not, why.
        """

    def check_url(self, url: str) -> None:
        """Refuse a URL that cannot be downloaded, without asking for it; none is refused here.

        Raises
        ------
        DataError
            With the reason.
        """
        return

    def num_workers_per_node(self) -> int | None:
        """How many workers may download on a machine; None leaves it to the executor."""
        return None

    # -- to be used ---------------------------------------------------------------------------

    def download(self, url: str) -> str | None:
        """The path of the downloaded file; None, and a line in the log, if it cannot be had.

        Raises
        ------
        StorageError
            If it cannot be written: the disk is full, or must not be written to.
        """
        try:
            return self.fetch(url).path
        except DataError as error:
            logger.error("%s", error)
            return None

    def fetch(self, url: str, on_progress: Callable[[], None] = lambda: None) -> Fetched:
        """Download, or find what was downloaded before.

        ``on_progress`` is called now and then.

        Raises
        ------
        DataError
            If it cannot be had, with the reason.
        StorageError
            If it cannot be written.
        """
        path = self._path_of(url)
        with storage.failures("make", str(path.parent)):
            path.parent.mkdir(parents=True, exist_ok=True)
        state = self._state_of(path)
        with locked(state.with_name(f"{state.name}.lock"), on_progress):
            return self._fetch_locked(url, path, state, on_progress)

    def _fetch_locked(
        self, url: str, path: Path, state: Path, on_progress: Callable[[], None]
    ) -> Fetched:
        note = read_note(state)
        temporary = path.with_name(f"{path.name}.tmp")
        if self._is_good(path, note, url):
            return Fetched(str(path), _size(path))
        if not (note and note.done and note.url == url and _size(temporary) == note.size):
            fetched = self._bring(url, temporary, on_progress)
            sync_file(str(temporary))
            note = read_note(state)
            note = note if note is not None and note.url == url else Note(url)
            note.finished(_size(temporary)).write(state)
        else:
            fetched = Fetched(str(path), note.size)
        store = storage.store_for(str(path))
        store.replace(str(temporary), str(path))
        store.sync_folder(str(path.parent))
        size = _size(path)
        if self.verbose:
            logger.info("%s: %d bytes from %s", path, size, without_userinfo(url))
        return Fetched(str(path), size, fetched.received, fetched.resumed, fetched.tries)

    def _bring(self, url: str, path: Path, on_progress: Callable[[], None]) -> Fetched:
        """Have the file written to ``path``."""
        ok, error = self._download_to_path(url, str(path))
        if not ok:
            raise DataError(
                f"cannot be downloaded: {error or 'no reason was given'}",
                where=without_userinfo(url),
            )
        if not path.exists():
            raise DataError(
                f"{type(self).__name__} says that it worked, and there is no file",
                where=str(path),
                todo="have _download_to_path(url, path) write to path",
            )
        return Fetched(str(path), _size(path), received=_size(path), tries=1)

    def _is_good(self, path: Path, note: Note | None, url: str) -> bool:
        """Whether the file that is there is the one wanted; one of the user's own is trusted."""
        size = _size(path)
        if note is None:
            return size > 0
        return size >= 0 and note.done and note.url == url and note.size == size

    def _path_of(self, url: str) -> Path:
        name = PurePosixPath(self._get_output_filename(url))
        if name.is_absolute() or ".." in name.parts or not name.name:
            raise DataError(
                f"_get_output_filename gives {str(name)!r}, which is no place in the folder",
                where=without_userinfo(url),
                todo="give a relative path without '..'",
            )
        return Path(storage.absolute(self.download_dir)) / name

    def _state_of(self, path: Path) -> Path:
        """The file that notes about a download are kept in."""
        folder = Path(storage.absolute(self.download_dir))
        return folder / STATE / path.relative_to(folder).with_name(f"{path.name}.json")


def _size(path: Path) -> int:
    """Bytes of a file; -1 if there is none."""
    with storage.failures("stat", str(path)):
        try:
            return os.stat(path).st_size
        except FileNotFoundError:
            return -1
