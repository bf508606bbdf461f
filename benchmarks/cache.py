# SPDX-License-Identifier: Apache-2.0
"""Where benchmarks keep what is costly to make: corpora, peers' environments, outputs."""

import os
import tempfile
from pathlib import Path


def folder(*parts: str) -> Path:
    """Return (and make) a folder of the cache; ``THRESHER_BENCH_DIR`` moves the whole cache."""
    default = os.path.join(tempfile.gettempdir(), "thresher-bench")
    path = Path(os.environ.get("THRESHER_BENCH_DIR", default)).joinpath(*parts)
    path.mkdir(parents=True, exist_ok=True)
    return path
