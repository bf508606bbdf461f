# SPDX-License-Identifier: Apache-2.0
"""Small generators, downloaders, iterators and extractors; importable by worker processes."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from thresher.stages.text.download import (
    DocumentDownloader,
    DocumentExtractor,
    DocumentIterator,
    Unreadable,
)


class Copies(DocumentDownloader):
    """Copies from local files; those called ``bad`` cannot be had."""

    def _get_output_filename(self, url: str) -> str:
        return Path(url).name

    def _download_to_path(self, url: str, path: str) -> tuple[bool, str | None]:
        if Path(url).name == "bad":
            return False, "it is bad"
        shutil.copy(url, path)
        return True, None


class ByDownload(Copies):
    """Redefines what is usually used, as downloaders of one's own may."""

    def download(self, url: str) -> str | None:
        return None if Path(url).name == "bad" else url


class Numbers(DocumentIterator):
    """A record for each line; ``broken`` raises, ``unreadable`` is set aside."""

    def iterate(self, file_path: str) -> Iterator[dict[str, Any] | Unreadable]:
        opener = gzip.open if file_path.endswith(".gz") else open
        with opener(file_path, "rt") as file:
            for number, line in enumerate(file, 1):
                text = line.strip()
                if text == "broken":
                    raise ValueError("cannot go on")
                if text == "unreadable":
                    yield Unreadable("it cannot be read", line.encode(), number)
                else:
                    yield {"raw": text, "n": number, "__line": number}

    def output_columns(self) -> list[str]:
        return ["raw", "n"]


class Shout(DocumentExtractor):
    """Upper case; drops ``drop`` and raises on ``raise``; ``odd`` gets a value of another type."""

    def extract(self, record: dict[str, Any]) -> dict[str, Any] | None:
        text = record["raw"]
        if text == "drop":
            return None
        if text == "raise":
            raise KeyError("no such thing")
        value: Any = record["n"]
        if text == "odd":
            value = "one"
        return {"text": "\ud800" if text == "half" else text.upper(), "n": value}

    def input_columns(self) -> list[str]:
        return ["raw", "n"]

    def output_columns(self) -> list[str]:
        return ["text", "n"]
