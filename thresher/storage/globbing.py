# SPDX-License-Identifier: Apache-2.0
"""Patterns of local paths."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable


def local_matches(pattern: str, is_hidden: Callable[[str], bool]) -> list[str]:
    """Paths that match, sorted; ``**`` spans folders.

    Parts that a wildcard matched must not be hidden; parts written out may be.
    """
    found = glob.glob(pattern, recursive=True)
    literal = {part for part in pattern.split("/") if not glob.has_magic(part)}
    return sorted(
        path
        for path in {os.path.normpath(match) for match in found}
        if not any(is_hidden(part) and part not in literal for part in path.split("/"))
    )
