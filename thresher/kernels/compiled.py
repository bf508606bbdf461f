# SPDX-License-Identifier: Apache-2.0
"""When to compile kernels, and how.

Kernel modules import numba when they are imported, so they are imported where they are used and
only once :func:`ready` says that it pays: compiling takes seconds, loading from the cache on disk
tenths. Until then callers use the plain definitions, which give the same results.

The cache is keyed by the text of all kernels: numba itself does not notice that a function which a
kernel calls has changed in another file.
"""

from __future__ import annotations

import fcntl
import functools
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Lock
from typing import IO, Any, TypeVar, cast

import xxhash

F = TypeVar("F", bound=Callable[..., Any])

COMPILE_AFTER_MB = {
    "alphabetic_words": 43,
    "c4_lines": 115,
    "characters": 30,
    "common_words": 79,
    "fineweb_lines": 130,
    "gopher_lines": 70,
    "gopher_ngrams": 24,
    "gopher_repeats": 70,
    "gopher_stop_words": 65,
    "gopher_words": 63,
    "jsonl": 160,
    "jsonl_write": 64,
    "lines": 240,
    "longest_word": 110,
    "ngrams": 115,
    "paragraphs": 80,
    "pii_places": 220,
    "symbols": 25,
    "urls": 960,
    "words": 100,
}
"""Input of which the plain definition takes as long as compiling does, measured: a kernel that is
in no cache is compiled after so much, which never takes twice the time of knowing beforehand."""

_COMPILE_AFTER_MB = 48  # kernels that nobody measured
_OPTIONS = {"nogil": True, "error_model": "numpy", "boundscheck": False}
_LITTLE = 8  # a batch is little that takes no more than this part of the time of compiling
_SPARE = 6  # how much less has to be saved on a processor that would be idle

_seen: dict[str, int] = {}
_ready: set[str] = set()
_paying: set[str] = set()
_dear: set[str] = set()  # which save the run so little that they are not worth loading
_lock = Lock()
_compilers: list[subprocess.Popen[bytes]] = []  # kept, so that none is reported as lost


def jit(function: F) -> F:
    """Compile a kernel lazily: without the GIL, cached on disk where a cache can be written."""
    import numba

    options: dict[str, Any] = {**_OPTIONS, "no_cfunc_wrapper": True}
    folder = cache_folder()
    if folder is None:
        return numba.njit(**options)(function)
    config: Any = numba.config
    own = config.CACHE_DIR
    config.CACHE_DIR = str(folder)
    try:
        return numba.njit(cache=True, **options)(function)
    finally:
        config.CACHE_DIR = own


def part(function: F) -> F:
    """Compile a function that only kernels call: not cached, as it is within the kernel that is."""
    import numba

    compiler: Any = numba.njit
    return cast(F, compiler(no_cfunc_wrapper=True, no_cpython_wrapper=True, **_OPTIONS)(function))


def ready(module: str, n_bytes: int) -> bool:
    """Whether to use the compiled kernels of ``thresher.kernels.<module>`` on ``n_bytes`` more.

    True once the module's kernels are in a cache, unless :func:`prepare` found the run too small to
    load them, or once this process has seen so many bytes that compiling pays. While they are
    compiled beside it, little is done plainly and much waits.
    ``THRESHER_KERNELS=compiled`` or ``plain`` decides it by hand.
    """
    forced = os.environ.get("THRESHER_KERNELS")
    if forced:
        return forced == "compiled"
    if module in _ready:
        return True
    with _lock:
        total = _seen.get(module, 0) + n_bytes
        _seen[module] = total
    pays = module in _paying or total >= _break_even(module)
    can_do_without = not pays or n_bytes * _LITTLE <= _break_even(module)
    loads = pays or (_is_cached(module) and module not in _dear)
    if can_do_without and (not loads or _is_compiling(module)):
        return False
    import numba  # noqa: F401 - while the compiler works

    with _lock_file(module) as file:
        fcntl.flock(file, fcntl.LOCK_SH)
    _ready.add(module)
    return True


def prepare(modules: Collection[str], n_bytes: int) -> None:
    """Have kernels compiled beside this process if ``n_bytes`` make it pay.

    Returns at once; there are as many compilers as kernels that pay, or processors. With processors
    to spare, kernels that do not quite pay are compiled for later runs, behind those that do. What
    another process compiles is left to it.
    """
    if os.environ.get("THRESHER_KERNELS") or cache_folder() is None:
        return
    n_processors = len(os.sched_getaffinity(0))
    saved = sum(n_bytes / _break_even(module) for module in modules)
    if saved < 1:
        _dear.update(modules)
    else:
        _dear.difference_update(modules)
    limit = n_bytes * (_SPARE if n_processors > 1 else 1)
    missing = sorted((m for m in modules if not _is_cached(m)), key=_break_even)
    paying = [m for m in missing if _break_even(m) <= n_bytes]
    _paying.update(paying)
    wanted = [m for m in missing if _break_even(m) <= limit]
    n_compilers = min(n_processors, max(len(paying), 1), len(wanted))
    for own in (wanted[k::n_compilers] for k in range(n_compilers)):
        with ExitStack() as stack:
            files = {module: stack.enter_context(_lock_file(module)) for module in own}
            free = {module: file.fileno() for module, file in files.items() if _take(file)}
            if free:
                _compilers.append(_start_compiler(free))


def _start_compiler(locks: dict[str, int]) -> subprocess.Popen[bytes]:
    """A process that holds the locks of its modules, and lets go of each as it is compiled."""
    return subprocess.Popen(
        [sys.executable, "-m", "thresher.kernels.compiler"]
        + [f"{module}:{lock}" for module, lock in locks.items()],
        env={"NUMBA_OPT": "2", **os.environ},  # level 3 takes longer and makes the same code
        pass_fds=tuple(locks.values()),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        process_group=0,  # what it makes is of use also if this run is interrupted
    )


def _break_even(module: str) -> float:
    return 1e6 * COMPILE_AFTER_MB.get(module, _COMPILE_AFTER_MB)


def _is_cached(module: str) -> bool:
    folder = cache_folder()
    return folder is not None and any(folder.glob(f"*/{module}.*.nbi"))


def _is_compiling(module: str) -> bool:
    with _lock_file(module) as file:
        return not _take(file, fcntl.LOCK_SH)


def _lock_file(module: str) -> IO[bytes]:
    """The file whose lock a compiler of the module holds."""
    folder = cache_folder()
    return open(os.devnull if folder is None else folder / f"{module}.lock", "ab")


def _take(file: IO[bytes], kind: int = fcntl.LOCK_EX) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@functools.cache
def cache_folder() -> Path | None:
    """Where compiled kernels are kept; None if there is no place for them.

    Below ``NUMBA_CACHE_DIR`` or ``XDG_CACHE_HOME``, else in the user's cache folder, or in one for
    temporary files if that cannot be written.
    """
    text = xxhash.xxh3_64()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        text.update(source.read_bytes())
    given = os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
    own = Path(given) if given else Path.home() / ".cache"
    for base in (own / "thresher", Path(tempfile.gettempdir()) / f"thresher-{os.getuid()}"):
        folder = base / f"kernels-{text.hexdigest()}"
        with suppress(OSError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return folder
    return None
