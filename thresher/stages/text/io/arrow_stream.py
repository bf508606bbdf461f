# SPDX-License-Identifier: Apache-2.0
"""Write tables to one Arrow file, which can be mapped into memory."""

from __future__ import annotations

import io
from typing import Any

import pyarrow as pa

from thresher import storage

_BUFFER = 1 << 20


class ArrowStream:
    """An open Arrow file (the random-access IPC format).

    Parameters
    ----------
    file_path : str
        A new file.
    options : dict
        Options of ``pyarrow.ipc.IpcWriteOptions``.
    storage_options : dict | None
        Options of the fsspec file system.
    """

    def __init__(
        self, file_path: str, options: dict[str, Any], storage_options: dict[str, Any] | None
    ) -> None:
        self._file_path = file_path
        self._options = pa.ipc.IpcWriteOptions(**options)
        self._storage_options = storage_options
        self._file: Any = None
        self._writer: Any = None

    def write(self, table: pa.Table) -> None:
        """Append a table of the same schema as those before."""
        with storage.failures("write", self._file_path):
            if self._writer is None:
                raw: Any = storage.open_write(self._file_path, self._storage_options)
                self._file = io.BufferedWriter(raw, _BUFFER)
                sink = pa.PythonFile(self._file, mode="w")
                self._writer = pa.ipc.new_file(sink, table.schema, options=self._options)
            self._writer.write_table(table)

    def close(self) -> None:
        """Finish the file."""
        with storage.failures("write", self._file_path):
            if self._writer is not None:
                self._writer.close()
                self._file.close()
