# SPDX-License-Identifier: Apache-2.0
"""DocumentDownloadStage: addresses in, paths of downloaded files out."""

from __future__ import annotations

from typing import Any

from thresher import storage
from thresher.errors import DataError
from thresher.stages.base import ProcessingStage
from thresher.stages.resources import Resources
from thresher.stages.text.download.downloader import DocumentDownloader, Fetched
from thresher.tasks import FileGroupTask, FileSlice

FAILED = "failed_downloads"
"""Key of the metadata: (address, reason) pairs of those of several that could not be had."""


class DocumentDownloadStage(ProcessingStage[FileGroupTask, FileGroupTask]):
    """Download the addresses of a task, one after another; files that are there are not.

    An address that cannot be had costs its part, which goes to quarantine with the reason and is
    tried again by the next run. Of several addresses in one task the others go on.

    Parameters
    ----------
    downloader : DocumentDownloader
        Says how.
    """

    # As wide as a row-wise stage: one address in, one file out.
    rows = "same"
    gil_free = True
    batch_size = None
    resources = Resources(cpus=0.5)

    def __init__(self, downloader: DocumentDownloader) -> None:
        self.downloader = downloader
        self.name = f"download_{type(downloader).__name__.lower()}"

    def xenna_stage_spec(self) -> dict[str, Any]:
        """How many workers a machine has, if the downloader says so."""
        number = self.downloader.num_workers_per_node()
        own = {} if number is None else {"num_workers_per_node": number}
        return {**own, **super().xenna_stage_spec()}

    def process(self, task: FileGroupTask) -> FileGroupTask:
        """The same task with the paths of the files.

        Raises
        ------
        DataError
            If none of them can be had.
        StorageError
            If the disk is full or must not be written to.
        """
        slices: list[FileSlice] = []
        failed: list[tuple[str, str]] = []
        for url in task.data:
            try:
                slices.append(self._slice(self._fetched(url)))
            except DataError as error:
                if len(task.data) == 1:
                    raise
                failed.append((url, error.what))
        if not slices:
            url, reason = failed[0]
            raise DataError(f"none of {len(failed)} addresses can be had: {reason}", where=url)
        paths = [piece.path for piece in slices]
        metadata = {**task._metadata, "source_files": paths}
        if failed:
            metadata[FAILED] = failed
        return task.evolve(data=paths, slices=tuple(slices), _metadata=metadata)

    def _fetched(self, url: str) -> Fetched:
        if type(self.downloader).download is not DocumentDownloader.download:
            return self._by_download(url)
        fetched = self.downloader.fetch(url, self._still_working)
        self._log_metrics(
            {
                "bytes_received": fetched.received,
                "bytes_resumed": fetched.resumed,
                "files_reused": fetched.reused,
                "tries": fetched.tries,
            }
        )
        return fetched

    def _by_download(self, url: str) -> Fetched:
        """A downloader that redefines ``download`` is taken at its word."""
        path = self.downloader.download(url)
        if path is None:
            raise DataError("cannot be downloaded: its downloader gave no path", where=url)
        return Fetched(str(path), storage.stat(str(path)).size, tries=1)

    def _slice(self, fetched: Fetched) -> FileSlice:
        """The file as it is now: whoever reads it can tell whether it still is."""
        info = storage.stat(fetched.path)
        return FileSlice(info.path, size=info.size, version=info.version)
