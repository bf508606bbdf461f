# SPDX-License-Identifier: Apache-2.0
"""MegatronStream: a pair of ``.bin`` and ``.idx`` that is being written."""

from __future__ import annotations

import io
from contextlib import suppress

import numpy as np

from thresher import storage
from thresher.errors import DataError, StorageError
from thresher.stages.text.io.megatron.index import DTYPES, one_each
from thresher.stages.text.tokenizing import Tokens

_BUFFER = 1 << 20
_LONGEST = 2**31 - 1


class MegatronStream:
    """Token ids go to the ``.bin`` as they come; the ``.idx`` is written when it is closed.

    Parameters
    ----------
    bin_path, idx_path : str
        New files.
    code : int
        Of the type of the ids.
    eod : int
        Appended to every document; -1 for nothing.
    """

    def __init__(self, bin_path: str, idx_path: str, code: int, eod: int = -1) -> None:
        self.num_tokens = 0
        self._paths = bin_path, idx_path
        self._code = code
        self._dtype = DTYPES[code]
        self._eod = eod
        self._lengths = [np.empty(0, np.int32)]
        # What is opened is not buffered, and need not take all bytes at once.
        self._file = io.BufferedWriter(storage.open_write(bin_path), _BUFFER)

    def write(self, tokens: Tokens) -> None:
        """Append documents.

        Raises
        ------
        DataError
            If an id or a length is too large; then none is appended.
        """
        tokens = with_eod(tokens, self._eod)
        if tokens.ids.size and (highest := int(tokens.ids.max())) > np.iinfo(self._dtype).max:
            raise DataError(
                f"token id {highest} does not fit {self._dtype.name}",
                todo="the tokenizer gives ids beyond its vocabulary: mend its files",
            )
        if tokens.lengths.size and int(tokens.lengths.max()) > _LONGEST:
            raise DataError("a document has more than 2^31 tokens", todo="split it before")
        with storage.failures("write", self._paths[0]):
            self._file.write(tokens.ids.astype(self._dtype, copy=False).data)
        self._lengths.append(tokens.lengths.astype(np.int32))
        self.num_tokens += len(tokens.ids)

    def close(self) -> None:
        """Finish both files."""
        data = one_each(self._code, np.concatenate(self._lengths)).to_bytes()
        with storage.failures("write", self._paths[0]):
            self._file.close()
        with (
            storage.failures("write", self._paths[1]),
            io.BufferedWriter(storage.open_write(self._paths[1]), _BUFFER) as file,
        ):
            file.write(data)

    def discard(self) -> None:
        """Close and remove both files."""
        with suppress(OSError, ValueError):
            self._file.close()
        for path in self._paths:
            with suppress(StorageError):
                storage.store_for(path).remove(path)


def with_eod(tokens: Tokens, eod: int) -> Tokens:
    """The documents, each with the id ``eod`` at its end; as they are if that is negative."""
    if eod < 0:
        return tokens
    return Tokens(
        np.insert(tokens.ids, np.cumsum(tokens.lengths), np.int32(eod)), tokens.lengths + 1
    )
