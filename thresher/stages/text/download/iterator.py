# SPDX-License-Identifier: Apache-2.0
"""DocumentIterator: finds the records in a downloaded file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from thresher.stages.parameters import Parametrised

LINE = "__line"
"""Key of a record under which an iterator may tell the line it begins in, from 1."""


@dataclass(frozen=True)
class Unreadable:
    """What an iterator yields in the place of a record it cannot read; it goes to quarantine.

    ``line`` counts from 1 and is 0 where it is unknown; ``offset`` is -1 then. ``is_rest`` if it
    stands for all that follows in the file.
    """

    reason: str
    record: bytes = b""
    line: int = 0
    offset: int = -1
    is_rest: bool = False


class DocumentIterator(Parametrised, ABC):
    """Finds the records in a file. Define :meth:`iterate` and :meth:`output_columns`.

    An :class:`Unreadable` in the place of a record sets it aside, and the next ones follow. After
    an exception the rest of the file is set aside as one record.
    """

    @abstractmethod
    def iterate(self, file_path: str) -> Iterator[dict[str, Any] | Unreadable]:
        """Yield the records in order; read on only when asked for more."""

    @abstractmethod
    def output_columns(self) -> list[str]:
        """The keys of the records."""


class DocumentExtractor(Parametrised, ABC):
    """Makes of a record what is wanted of it. Define all three methods."""

    @abstractmethod
    def extract(self, record: dict[str, Any]) -> dict[str, Any] | None:
        """The record's text and what belongs to it; None drops the record."""

    @abstractmethod
    def input_columns(self) -> list[str]:
        """The keys of the record that are used."""

    @abstractmethod
    def output_columns(self) -> list[str]:
        """The keys of what is made."""
