# SPDX-License-Identifier: Apache-2.0
"""Numbers, times and paths as people read them."""

from __future__ import annotations

import os

_EIGHTHS = "▏▎▍▌▋▊▉"


def count(number: int) -> str:
    """``1234567`` as ``1,234,567``."""
    return f"{number:,}"


def counted(number: int, noun: str) -> str:
    """``1 row``, ``2 rows``."""
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"


def percent(share: float) -> str:
    """A share with one digit; what is not quite all never reads 100%, nor a trace 0%."""
    shown = f"{share:.1%}"
    if shown == "100.0%" and share < 1:
        return ">99.9%"
    if shown == "0.0%" and share > 0:
        return "<0.1%"
    return shown


def duration(seconds: float) -> str:
    """Seconds as ``4.2 s``, ``3 min 05 s`` or ``2 h 10 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


def size(n_bytes: float) -> str:
    """Bytes as ``12.3 MB``; decimal units."""
    for unit in ("B", "kB", "MB", "GB"):
        if n_bytes < 1000:
            return f"{n_bytes:.0f} {unit}" if unit == "B" else f"{n_bytes:.1f} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.1f} TB"


def bar(share: float, width: int, ascii_only: bool = False) -> str:
    """A bar of ``width`` cells, filled from the left; a trace is never empty."""
    share = min(max(share, 0.0), 1.0)
    if ascii_only:
        filled = max(round(share * width), share > 0)
        return ("#" * filled).ljust(width, ".")
    eighths = max(round(share * width * 8), share > 0)
    whole, part = divmod(eighths, 8)
    return ("█" * whole + (_EIGHTHS[part - 1] if part else "")).ljust(width)


def nearby(path: str) -> str:
    """A path from the current directory on, if it lies below that."""
    here = os.getcwd()
    return os.path.relpath(path, here) if path.startswith(here + os.sep) else path
