# SPDX-License-Identifier: Apache-2.0
"""Runs of the three stages over a few small files, and what they warn of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.stages.text.download.parts import Copies, Numbers, Shout
from thresher.backends.local import LocalExecutor
from thresher.pipeline import Pipeline, RunResult
from thresher.runs.report import Observer
from thresher.stages.text.download import DocumentDownloadExtractStage, UrlList
from thresher.stages.text.io import JsonlWriter


class Told(Observer):
    """Keeps what it is warned of."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warned(self, text: str) -> None:
        self.warnings.append(text)


def files(folder: Path, **contents: str) -> list[str]:
    folder.mkdir(exist_ok=True)
    for name, text in contents.items():
        (folder / name).write_text(text)
    return [str(folder / name) for name in contents]


def run(
    tmp_path: Path, urls: Sequence[str], *more: Any, writer: Any = None, **options: Any
) -> RunResult:
    observer = options.pop("observer", Told())
    stage = DocumentDownloadExtractStage(
        UrlList(urls), options.pop("downloader", Copies(str(tmp_path / "raw"))), Numbers(), Shout(),
        **{k: options.pop(k) for k in ("url_limit", "record_limit", "add_filename_column")
           if k in options},
    )  # fmt: skip
    writer = writer or JsonlWriter(str(tmp_path / "out"))
    executor = LocalExecutor(workers=options.pop("workers", 0))
    resume = options.pop("resume", True)
    pipeline = Pipeline("p", stages=[stage, *more, writer], **{"max_error_rate": 1.0, **options})
    return pipeline.run(executor, observer=observer, resume=resume)
