# SPDX-License-Identifier: Apache-2.0
"""Sizes as people write them."""

from __future__ import annotations

import re

from thresher.errors import PlanError

_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?|\.\d+)?\s*([kmgtp]?)(i?)(b?)\s*", re.IGNORECASE)
_POWERS = "kmgtp"


def parse_size(size: int | str) -> int:
    """Bytes in ``64_000_000``, ``"64MB"`` (decimal), ``"64 MiB"`` (binary), ``"1G"`` or ``"GB"``.

    Raises
    ------
    PlanError
        If the text is no size, or the size is not positive.
    """
    if isinstance(size, int) and not isinstance(size, bool):
        n_bytes = size
    else:
        match = _SIZE.fullmatch(str(size))
        if match is None or not str(size).strip() or isinstance(size, bool):
            raise _not_a_size(size)
        number, letter, binary, unit = match.groups()
        if (binary and not (letter and unit)) or (number is None and not letter):
            raise _not_a_size(size)
        base = 1024 if binary else 1000
        power = _POWERS.index(letter.lower()) + 1 if letter else 0
        n_bytes = int(float(number or 1) * base**power)
    if n_bytes <= 0:
        raise _not_a_size(size)
    return n_bytes


def _not_a_size(size: object) -> PlanError:
    return PlanError(
        f"{size!r} is not a size",
        todo='write e.g. "64MB", "1.5GB" (decimal), "64MiB" (binary) or a number of bytes',
    )
