# SPDX-License-Identifier: Apache-2.0
"""A file to be had from a server, and a downloader that loses no time when it fails."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

from thresher.stages.text.download import HttpDownloader

DATA = Random(1).randbytes(300_000)
PATH = "/sets/one/part-0.txt"
QUICK: dict[str, Any] = {"backoff": 0.01, "stall_timeout": 0.5, "connect_timeout": 2.0}


def downloader(folder: Path, **options: Any) -> HttpDownloader:
    return HttpDownloader(str(folder), **{**QUICK, **options})
