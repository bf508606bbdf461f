# SPDX-License-Identifier: Apache-2.0
"""DocumentDownloadExtractStage: from addresses to documents."""

from __future__ import annotations

from typing import Any

from thresher.stages.base import CompositeStage, ProcessingStage
from thresher.stages.text.download.download_stage import DocumentDownloadStage
from thresher.stages.text.download.downloader import DocumentDownloader
from thresher.stages.text.download.iterate_extract import DocumentIterateExtractStage
from thresher.stages.text.download.iterator import DocumentExtractor, DocumentIterator
from thresher.stages.text.download.url_generation import URLGenerationStage, URLGenerator
from thresher.tasks import DocumentBatch, EmptyTask


class DocumentDownloadExtractStage(CompositeStage[EmptyTask, DocumentBatch]):
    """Download files and make documents of the records in them.

    It stands first in a pipeline. Each address is a part: downloaded, extracted, committed and,
    where it fails, set aside and tried again by itself.

    Parameters
    ----------
    url_generator : URLGenerator
        Says which addresses there are.
    downloader : DocumentDownloader
        Downloads them.
    iterator : DocumentIterator
        Finds the records in a file.
    extractor : DocumentExtractor | None
        Makes documents of them; they are taken as they are when not given.
    url_limit : int | None
        Addresses to take at most.
    record_limit : int | None
        Records to keep of each file at most.
    add_filename_column : bool | str
        Whether to add a column with the file's name, and what to call it, if not ``file_name``.
    extractor_max_calls_per_worker : int | None
        Calls after which Ray replaces a worker that extracts.
    """

    name = "document_download_extract"

    def __init__(
        self,
        url_generator: URLGenerator,
        downloader: DocumentDownloader,
        iterator: DocumentIterator,
        extractor: DocumentExtractor | None = None,
        url_limit: int | None = None,
        record_limit: int | None = None,
        add_filename_column: bool | str = True,
        extractor_max_calls_per_worker: int | None = None,
    ) -> None:
        self.url_generator = url_generator
        self.downloader = downloader
        self.iterator = iterator
        self.extractor = extractor
        self.url_limit = url_limit
        self.record_limit = record_limit
        self.add_filename_column = add_filename_column
        self.extractor_max_calls_per_worker = extractor_max_calls_per_worker
        self.decompose()  # so that mistakes in the options are told here

    @property
    def stages(self) -> list[ProcessingStage[Any, Any]]:
        """The three stages inside."""
        return self.decompose()

    def decompose(self) -> list[ProcessingStage[Any, Any]]:
        """Stages that name the addresses, download them, and read the files."""
        return [
            URLGenerationStage(self.url_generator, self.url_limit, self.downloader),
            DocumentDownloadStage(self.downloader),
            DocumentIterateExtractStage(
                self.iterator,
                self.extractor,
                self.record_limit,
                self.add_filename_column,
                self.extractor_max_calls_per_worker,
            ),
        ]

    def get_description(self) -> str:
        """What is downloaded and how, in one line."""
        return (
            f"downloads what {self.url_generator!r} names by {type(self.downloader).__name__} "
            f"and reads it by {type(self.iterator).__name__}"
        )
