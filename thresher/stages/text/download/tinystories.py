# SPDX-License-Identifier: Apache-2.0
"""TinyStories: short stories in simple words, one text file for each split."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from thresher.errors import PlanError
from thresher.stages.text.download.http_downloader import HttpDownloader
from thresher.stages.text.download.iterator import LINE, DocumentIterator, Unreadable
from thresher.stages.text.download.lines import lines_of
from thresher.stages.text.download.stage import DocumentDownloadExtractStage
from thresher.stages.text.download.url_generation import URLGenerator, without_blanks

BASE = "https://huggingface.co/datasets/roneneldan/TinyStories/resolve/main"
BASE_VARIABLE = "THRESHER_TINYSTORIES_URL"
SPLITS = ("train", "valid")
SEPARATOR = b"<|endoftext|>"
LONGEST = 1 << 24
"""Bytes of a story: more without a separator are no story."""


class TinyStoriesUrlGenerator(URLGenerator):
    """The URL of a split of TinyStories.

    Source: Eldan and Li 2023 (arXiv:2305.07759).

    Parameters
    ----------
    split : str
        ``"train"`` (1.9 GB) or ``"valid"`` (19 MB).
    url_base : str | None
        The folder that holds ``TinyStories-<split>.txt``; when not given, the environment variable
        ``THRESHER_TINYSTORIES_URL``, else the data set's own place.
    """

    def __init__(self, split: str, url_base: str | None = None) -> None:
        if split not in SPLITS:
            raise PlanError(
                f"split={split!r} is no split of TinyStories",
                todo=f"use one of {', '.join(SPLITS)}",
            )
        self.split = split
        self.url_base = url_base

    def generate_urls(self) -> list[str]:
        """One URL."""
        base = self.url_base or os.environ.get(BASE_VARIABLE) or BASE
        return [f"{without_blanks(base).rstrip('/')}/TinyStories-{self.split}.txt"]

    def part_name(self, url: str) -> str:
        """The file's name, wherever it comes from."""
        return url.rpartition("/")[2]


class TinyStoriesDownloader(HttpDownloader):
    """Downloads a split of TinyStories; see :class:`HttpDownloader` for the parameters."""

    def _get_output_filename(self, url: str) -> str:
        """The file's name, wherever it comes from."""
        return url.rpartition("/")[2]


class TinyStoriesIterator(DocumentIterator):
    """The stories of a text file in which a line ``<|endoftext|>`` stands between two.

    A story is its lines, each without the white space around it, joined by one blank. Between two
    separators with nothing but white space is no story.
    """

    def iterate(self, file_path: str) -> Iterator[dict[str, Any] | Unreadable]:
        """Every story; one that is no UTF-8, or is longer than 16 MiB, is set aside."""
        lines: list[bytes] = []
        begin, size = 1, 0
        for number, line in enumerate(lines_of(file_path), 1):
            if line.strip() == SEPARATOR:
                yield from _story(lines, begin, size)
                lines, begin, size = [], number + 1, 0
                continue
            size += len(line)
            if size <= LONGEST:
                lines.append(line)
        yield from _story(lines, begin, size)

    def output_columns(self) -> list[str]:
        """The text."""
        return ["text"]


def _story(lines: list[bytes], begin: int, size: int) -> Iterator[dict[str, Any] | Unreadable]:
    whole = b"".join(lines)
    if size > LONGEST:
        yield Unreadable(f"a story of {size} bytes: a separator is missing", whole[:1000], begin)
        return
    try:
        text = whole.decode()
    except UnicodeDecodeError as error:
        yield Unreadable(f"no UTF-8: {error.reason} at byte {error.start}", whole, begin)
        return
    if begin == 1:
        text = text.removeprefix("\ufeff")
    text = " ".join(
        map(str.strip, text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    ).strip()
    if text:
        yield {"text": text, LINE: begin}


class TinyStoriesDownloadExtractStage(DocumentDownloadExtractStage):
    """Download a split of TinyStories and make a document of every story.

    Source: Eldan and Li 2023 (arXiv:2305.07759).

    Parameters
    ----------
    download_dir : str
        Where the file is kept.
    split : str
        ``"train"`` (1.9 GB) or ``"valid"`` (19 MB).
    verbose : bool
        Log the download at level INFO, to the logger ``thresher.download``.
    url_base : str | None
        The folder that holds ``TinyStories-<split>.txt``; when not given, the environment variable
        ``THRESHER_TINYSTORIES_URL``, else the data set's own place.
    record_limit : int | None
        Stories to take at most.
    """

    name = "tinystories_download_extract"

    def __init__(
        self,
        download_dir: str,
        split: str,
        verbose: bool = True,
        url_base: str | None = None,
        record_limit: int | None = None,
    ) -> None:
        self.download_dir = download_dir
        self.split = split
        self.verbose = verbose
        self.url_base = url_base
        super().__init__(
            TinyStoriesUrlGenerator(split, url_base),
            TinyStoriesDownloader(str(download_dir), verbose),
            TinyStoriesIterator(),
            record_limit=record_limit,
        )
