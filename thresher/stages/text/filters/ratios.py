# SPDX-License-Identifier: Apache-2.0
"""Ratios that are defined for empty documents too."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from thresher.stages.text.filters.signals import Signal


def ratio(part: int, whole: int, undefined: float) -> float:
    """``part / whole``, and ``undefined`` where nothing is divided by nothing."""
    return part / whole if whole else undefined


def ratios(part: Signal, whole: Signal, undefined: float) -> npt.NDArray[np.float64]:
    """int64[n], int64[n] -> float64[n]: what :func:`ratio` gives for each, to the last bit."""
    found = np.full(len(whole), undefined, np.float64)
    return np.divide(part, whole, out=found, where=whole != 0)
