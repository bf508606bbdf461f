# SPDX-License-Identifier: Apache-2.0
"""What is put in a file's place after it was listed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from thresher.errors import StorageError
from thresher.storage import open_arrow, open_read


@pytest.mark.parametrize("opened", [open_read, open_arrow])
def test_a_named_pipe_is_refused_and_nobody_waits(opened: object, tmp_path: Path) -> None:
    pipe = tmp_path / "a.jsonl"
    os.mkfifo(pipe)
    assert callable(opened)
    with pytest.raises(StorageError, match="named pipe"):
        opened(str(pipe))
