# SPDX-License-Identifier: Apache-2.0
"""Numbers as JSON text spells them, with a fraction or an exponent: which of them float64 holds."""

from __future__ import annotations

import re
from decimal import Decimal

from thresher.tasks.types import EXACT

NOT_ZERO = "^[-0.]*[1-9]"
"""Pattern of the digits of numbers that are not 0, however close to it they are."""

_NOT_ZERO = re.compile(NOT_ZERO)


def is_held(digits: str) -> bool:
    """Whether a number is its nearest float64, as everyone has it.

    0.1 is. What overflows is not, nor what becomes 0 and is not; nor, from 2**53 on, where whole
    numbers are lost, a number that is neither exact nor what the float64 is shown as.

    >>> [is_held(digits) for digits in ("0.1", "6.02214076e23", "9007199254740993.0", "1e-400")]
    [True, True, False, False]
    """
    value = float(digits)
    if value == 0:
        return _NOT_ZERO.match(digits) is None
    if abs(value) < EXACT:
        return True
    return value - value == 0 and Decimal(digits) in (Decimal(value), Decimal(repr(value)))
