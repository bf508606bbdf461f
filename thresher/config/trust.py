# SPDX-License-Identifier: Apache-2.0
"""Trust: what a recipe may do only if its user says so, as it runs code that is not Thresher's."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from thresher.config.mistakes import Mistakes
from thresher.config.source import Node

VARIABLE = "THRESHER_TRUST"
"""Environment variable: folders, parted as in ``PATH``, whose recipes are trusted."""

_RUNS_CODE = frozenset(("runtime_env", "py_executable", "trust_remote_code"))
"""Parameters that start programs, install packages or import code, wherever they stand."""

_FILE_SYSTEMS = frozenset(
    (
        "file", "local", "memory", "http", "https", "s3", "s3a", "gs", "gcs", "az", "abfs", "abfss",
        "adl", "hf", "ftp", "sftp", "ssh", "hdfs", "webhdfs", "oss",
    )
)  # fmt: skip
"""File systems that only read and write; others of fsspec evaluate templates, or load code."""


class Trust:
    """What a recipe may do.

    Parameters
    ----------
    granted : bool
        Whether its user trusts it.
    mistakes : Mistakes
        Where is told what it may not.
    """

    def __init__(self, granted: bool, mistakes: Mistakes) -> None:
        self.granted = granted
        self.mistakes = mistakes
        self.used: list[str] = []

    def demand(self, what: str, place: str) -> bool:
        """Whether the recipe may do something; told as a mistake if not."""
        self.used.append(what)
        if not self.granted:
            self.mistakes.add(
                f"the recipe {what}, which runs code that is not Thresher's",
                place,
                "read that code; if you trust it, add --trust, or name the recipe's folder in "
                f"{VARIABLE} (Python: load_recipe(..., trust=True))",
            )
        return self.granted

    def check(self, node: Node) -> None:
        """Demand trust for whatever in a tree of values runs code."""
        for key, value in _inside(node):
            if key in _RUNS_CODE and value.value not in (None, False):
                self.demand(f"sets {key}", value.place)
            elif isinstance(value.value, str):
                self._check_file_system(value.value, value.place)

    def _check_file_system(self, text: str, place: str) -> None:
        from fsspec.registry import known_implementations

        for part in text.split("::"):
            name = part.partition("://")[0].lower()
            if name != text and name in known_implementations and name not in _FILE_SYSTEMS:
                self.demand(f"uses the file system {name!r}", place)


def is_trusted(file: str, environment: Mapping[str, str]) -> bool:
    """Whether a recipe lies in a folder that the environment names as trusted."""
    folders = [each for each in environment.get(VARIABLE, "").split(os.pathsep) if each]
    place = Path(file).resolve()
    return any(place.is_relative_to(Path(folder).resolve()) for folder in folders)


def _inside(node: Node) -> Iterator[tuple[str, Node]]:
    """Every value in a tree with the key it stands at; items of lists have that of the list."""
    waiting = [("", node)]
    while waiting:
        key, each = waiting.pop()
        yield key, each
        if isinstance(each.value, dict):
            waiting += each.value.items()
        elif isinstance(each.value, list):
            waiting += [(key, item) for item in each.value]
