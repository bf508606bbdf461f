# SPDX-License-Identifier: Apache-2.0
"""Numbers as JSON text spells them: which of them float64 holds, and which zeros are negative."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from thresher.tasks.columns import to_numpy
from thresher.tasks.types import EXACT

NOT_ZERO = "^[-0.]*[1-9]"
"""Pattern of the digits of numbers that are not 0, however close to it they are."""

Column: TypeAlias = "pa.Array | pa.ChunkedArray"

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


def is_negative_zero(value: object) -> bool:
    """Whether a value is -0.0, which is not 0 as it is written: whole numbers do not have it."""
    return isinstance(value, float) and value == 0 and math.copysign(1, value) < 0


def negative_zeros(numbers: Column) -> npt.NDArray[np.bool_]:
    """bool[n]: which values of a column of numbers are -0.0."""
    if pa.types.is_float16(numbers.type):  # for which Arrow computes little
        numbers = numbers.cast(pa.float32())
    values = to_numpy(pc.fill_null(numbers, pa.scalar(1, numbers.type)))
    return (values == 0) & np.signbit(values)
