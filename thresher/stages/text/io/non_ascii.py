# SPDX-License-Identifier: Apache-2.0
"""Escape what is not ASCII in JSON text."""

from __future__ import annotations

import codecs

import numpy as np
from numpy.typing import NDArray

_HANDLER = "thresher-json-escape"


def escape_non_ascii(data: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """JSON text, uint8[n], with every other character as ``\\uXXXX``.

    Outside ASCII there are only characters of strings and keys in JSON, so that no parsing is
    needed.
    """
    text = str(data.data, "utf-8")
    return np.frombuffer(text.encode("ascii", _HANDLER), np.uint8)


def _escape(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    units = error.object[error.start : error.end].encode("utf-16-be").hex()
    escaped = "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))
    return escaped, error.end


codecs.register_error(_HANDLER, _escape)
