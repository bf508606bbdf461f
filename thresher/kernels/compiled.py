# SPDX-License-Identifier: Apache-2.0
"""When to compile kernels, and how.

Kernel modules import numba when they are imported, so they are imported where they are used and
only once :func:`ready` says that it pays: compiling takes seconds, loading from the cache on disk
tenths. Until then callers use the plain definitions, which give the same results.

The cache is keyed by the text of all kernels: numba itself does not notice that a function which a
kernel calls has changed in another file.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

import xxhash

F = TypeVar("F", bound=Callable[..., Any])

COMPILE_AFTER_MB = {
    "characters": 8,
    "jsonl": 160,
    "jsonl_write": 64,
    "lines": 230,
    "repeated_lines": 260,
    "symbols": 20,
    "top_ngram": 70,
    "urls": 580,
    "words": 140,
}
"""Input of which the plain definition takes as long as compiling does, measured: a kernel that is
in no cache is compiled after so much, which never takes twice the time of knowing beforehand."""

_COMPILE_AFTER_MB = 48  # kernels that nobody measured

_seen: dict[str, int] = {}
_ready: set[str] = set()
_lock = Lock()


def jit(function: F) -> F:
    """Compile a kernel lazily: without the GIL, cached on disk where a cache can be written."""
    import numba

    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "boundscheck": False}
    config: Any = numba.config
    own = config.CACHE_DIR
    config.CACHE_DIR = str(cache_folder())
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:  # numba found no place it may write a cache to
        return numba.njit(**options)(function)
    finally:
        config.CACHE_DIR = own


def ready(module: str, n_bytes: int) -> bool:
    """Whether to use the compiled kernels of ``thresher.kernels.<module>`` on ``n_bytes`` more.

    True once the module's kernels are in a cache, or once this process has seen so many bytes that
    compiling pays. ``THRESHER_KERNELS=compiled`` or ``plain`` decides it by hand.
    """
    forced = os.environ.get("THRESHER_KERNELS")
    if forced:
        return forced == "compiled"
    if module in _ready:
        return True
    with _lock:
        total = _seen.get(module, 0) + n_bytes
        _seen[module] = total
        pays = total >= 1e6 * COMPILE_AFTER_MB.get(module, _COMPILE_AFTER_MB)
        if pays or any(cache_folder().glob(f"*/{module}.*.nbi")):
            _ready.add(module)
            return True
    return False


@functools.cache
def cache_folder() -> Path:
    """Where compiled kernels are kept: below ``NUMBA_CACHE_DIR``, else the user's cache folder."""
    given = os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
    base = Path(given) if given else Path.home() / ".cache"
    text = xxhash.xxh3_64()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        text.update(source.read_bytes())
    return base / "thresher" / f"kernels-{text.hexdigest()}"
