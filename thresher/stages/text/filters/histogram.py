# SPDX-License-Identifier: Apache-2.0
"""HistogramFilter: keeps texts written in the characters of their language."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from thresher.errors import ModelError
from thresher.kernels.arrow_text import is_text, text_chunks
from thresher.kernels.compiled import ready
from thresher.stages.filtering import Bounds, Scores
from thresher.stages.text.filters.document_filter import DocumentFilter, documents
from thresher.stages.text.filters.histogram_files import URL, fetch, find

_CACHED = ("_characters", "_bits")


class HistogramFilter(DocumentFilter):
    """Keep documents that are mostly written in the common characters of a language.

    Score: int64, 1 if of the text without the white space at its ends, characters of the language /
    characters is more than ``threshold``, else 0. The characters of a language are the first one of
    each line of its histogram, up to the line that begins with ``threshold_char``.

    Null rule: a document of nothing but white space scores 0.

    Source: Fan et al. 2020, M2M-100 (arXiv:2010.11125), section 3.1.

    >>> HistogramFilter(lang="de", threshold=0.5).keep_document(1)
    True

    Parameters
    ----------
    lang : str
        Language of the histogram, such as ``"en"`` or ``"pt"``.
    threshold : float
        The share of characters that must be exceeded.
    cache_dir : str
        A folder: one that holds histograms, a file for each language, or one to keep them in. They
        are fetched once from where they are published; the user's cache folder when not given.
    threshold_char : str
        Where a histogram's rare characters begin; none is rare if no line begins with it.

    Raises
    ------
    ModelError
        When it is used: if the histograms can neither be found nor fetched, or there is none of the
        language.
    """

    name = "histogram"
    EXAMPLES = ()

    def __init__(
        self,
        lang: str = "en",
        threshold: float = 0.8,
        cache_dir: str = "",
        threshold_char: str = "]",
    ) -> None:
        self.lang = lang
        self.threshold = threshold
        self.cache_dir = cache_dir
        self.threshold_char = threshold_char

    def model_check_or_download(self) -> None:
        """Fetch the histograms unless they are there; once per machine.

        Raises
        ------
        ModelError
            If they cannot be fetched.
        """
        if find(self.cache_dir, self.lang) is None:
            fetch(self.cache_dir)

    def load_model(self) -> None:
        """Read the language's histogram.

        Raises
        ------
        ModelError
            If there is none.
        """
        _ = self._characters

    @cached_property
    def _characters(self) -> frozenset[str]:
        self.model_check_or_download()
        folder = find(self.cache_dir, self.lang)
        path = None if folder is None else folder / self.lang
        if folder is None or path is None or not path.is_file():
            there = sorted(file.name for file in folder.iterdir()) if folder else []
            raise ModelError(
                f"there is no histogram of the language {self.lang!r}",
                where=str(folder or URL),
                todo=f"give one of {', '.join(there)}",
            )
        found: set[str] = set()
        for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
            if self.threshold_char and line.startswith(self.threshold_char):
                break
            found.update(line[:1])
        return frozenset(found)

    @cached_property
    def _bits(self) -> Any:
        from thresher.kernels.character_set import bits_of

        return bits_of("".join(self._characters))

    def score_document(self, text: str) -> int:
        """Whether the text is of the language's characters."""
        stripped = text.strip()
        known = sum(map(self._characters.__contains__, stripped))
        return int(bool(stripped) and known / len(stripped) > self.threshold)

    def score_column(self, column: pa.Array | pa.ChunkedArray) -> Scores:
        """Which texts are of the language's characters."""
        if not is_text(column.type) or not ready("character_set", column.nbytes):
            return [self.score_document(text) for text in documents(column)]
        from thresher.kernels.character_set import count_members

        counts = [count_members(*chunk, self._bits) for chunk in text_chunks(column)]
        known, all_ = np.concatenate([np.empty((0, 2), np.int64), *counts]).T
        share = np.divide(known, all_, out=np.full(len(known), -np.inf), where=all_ != 0)
        return (share > self.threshold).astype(np.int64)

    def bounds(self) -> Bounds:
        """Only 1."""
        return 1, None

    def __getstate__(self) -> dict[str, Any]:
        """Without the histogram in memory, which every worker reads for itself."""
        return {name: value for name, value in self.__dict__.items() if name not in _CACHED}
