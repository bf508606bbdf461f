# SPDX-License-Identifier: Apache-2.0
"""The published histograms of the characters of languages: found on disk, or fetched once.

A histogram is a text file named after its language. Each of its lines begins with a character, the
most frequent one first.
"""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
import urllib.request
import zlib
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError

from thresher.errors import ModelError

URL = "https://dl.fbaipublicfiles.com/m2m_100/histograms.tar.gz"

_INSIDE = Path("checkpoint/edunov/cc60_multilingual/clean_hists")  # in the published archive
_OWN = "histograms"
_FAILURES = (OSError, EOFError, ValueError, HTTPException, tarfile.TarError, zlib.error)
_TIMEOUT = 60.0  # seconds without a byte


def find(folder: str, lang: str) -> Path | None:
    """The folder that holds the histograms: what was fetched into ``folder``, or it itself."""
    base = _base(folder)
    for place in (base / _OWN / _INSIDE, base / _INSIDE, base / _OWN):
        if place.is_dir():
            return place
    return base if (base / lang).is_file() else None


def fetch(folder: str) -> None:
    """Fetch the histograms into ``folder``, as a whole or not at all.

    Raises
    ------
    ModelError
        If they cannot be fetched, or the archive is broken.
    """
    base = _base(folder)
    try:
        base.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{_OWN}-", dir=base) as own:
            archive = Path(own) / "archive"
            with urllib.request.urlopen(URL, timeout=_TIMEOUT) as answer, archive.open("wb") as out:
                shutil.copyfileobj(answer, out)
            with tarfile.open(archive) as files:
                files.extractall(Path(own) / _OWN, filter="data")
            _publish(Path(own) / _OWN, base / _OWN)
    except _FAILURES as error:
        if isinstance(error, HTTPError):
            error.close()
        raise ModelError(
            f"the histograms cannot be fetched: {error}",
            where=URL,
            todo=f"fetch and unpack them yourself, into {base}, or name their folder as cache_dir",
        ) from error


def _publish(made: Path, place: Path) -> None:
    """Move a folder to its place, unless another process was faster."""
    try:
        os.rename(made, place)
    except OSError:
        if not place.is_dir():
            raise


def _base(folder: str) -> Path:
    if folder:
        return Path(folder).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "thresher"
