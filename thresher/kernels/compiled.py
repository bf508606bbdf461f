# SPDX-License-Identifier: Apache-2.0
"""When to compile kernels, and how.

Kernel modules import numba when they are imported, so they are imported where they are used and
only once :func:`ready` says that it pays: compiling takes seconds, loading from the cache on disk
tenths. Until then callers use the plain definitions, which give the same results.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

COMPILE_AFTER_BYTES = 48_000_000
"""Bytes of input after which compiling a kernel that is in no cache pays for itself."""

_seen: dict[str, int] = {}
_ready: set[str] = set()
_lock = Lock()


def jit(function: F) -> F:
    """Compile a kernel lazily: without the GIL, cached on disk where a cache can be written."""
    import numba

    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "boundscheck": False}
    try:
        compiled = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # numba found no place it may write a cache to
        compiled = numba.njit(**options)(function)
    return compiled  # type: ignore[no-any-return]


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
        if total >= COMPILE_AFTER_BYTES or _cached(module):
            _ready.add(module)
            return True
    return False


def _cached(module: str) -> bool:
    """Whether an earlier process left compiled kernels of the module in numba's cache."""
    spec = find_spec(f"thresher.kernels.{module}")
    if spec is None or spec.origin is None:
        return False
    source = Path(spec.origin)
    return any(
        folder.is_dir() and any(folder.glob(f"{module}.*.nbi")) for folder in _cache_folders(source)
    )


def _cache_folders(source: Path) -> list[Path]:
    """Where numba looks for the cache of a source file, most preferred first."""
    folders = [source.parent / "__pycache__"]
    configured = os.environ.get("NUMBA_CACHE_DIR")
    if configured:
        folders = list(Path(configured).glob(f"{source.parent.name}_*"))
    else:
        home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "numba"
        folders += list(home.glob(f"{source.parent.name}_*"))
    return folders
