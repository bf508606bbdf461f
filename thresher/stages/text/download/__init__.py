# SPDX-License-Identifier: Apache-2.0
"""Downloading files and making documents of them."""

from thresher.stages.text.download.download_stage import (
    DocumentDownloadStage as DocumentDownloadStage,
)
from thresher.stages.text.download.downloader import DocumentDownloader as DocumentDownloader
from thresher.stages.text.download.http_downloader import HttpDownloader as HttpDownloader
from thresher.stages.text.download.iterate_extract import (
    DocumentIterateExtractStage as DocumentIterateExtractStage,
)
from thresher.stages.text.download.iterator import DocumentExtractor as DocumentExtractor
from thresher.stages.text.download.iterator import DocumentIterator as DocumentIterator
from thresher.stages.text.download.iterator import Unreadable as Unreadable
from thresher.stages.text.download.json_lines import JsonlIterator as JsonlIterator
from thresher.stages.text.download.stage import (
    DocumentDownloadExtractStage as DocumentDownloadExtractStage,
)
from thresher.stages.text.download.tinystories import (
    TinyStoriesDownloadExtractStage as TinyStoriesDownloadExtractStage,
)
from thresher.stages.text.download.url_generation import URLGenerationStage as URLGenerationStage
from thresher.stages.text.download.url_generation import URLGenerator as URLGenerator
from thresher.stages.text.download.url_generation import UrlList as UrlList
