# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""Whether a document declares itself XML."""

from __future__ import annotations

import numpy as np

from thresher.kernels.arrow_text import Bytes, Integers, sample
from thresher.kernels.compiled import jit

_HEADER = np.frombuffer(b"<?xml version=", np.uint8)


def signals(data: Bytes, offsets: Integers, *names: str) -> dict[str, Integers]:
    """uint8[n_bytes], int64[n+1], names -> int64[n] of 0 and 1 by name.

    ``xml_headers:<m>`` is 1 if the declaration begins and ends within the first m characters.
    """
    lengths = {int(str(name).rpartition(":")[2]) for name in names}
    found = {f"xml_headers:{m}": np.empty(len(offsets) - 1, np.int64) for m in sorted(lengths)}
    for name, values in found.items():
        _look(data, offsets, int(name.rpartition(":")[2]), values)
    return found


def compile_all() -> None:
    """Compile what :func:`signals` calls."""
    signals(*sample(), "xml_headers:100")


@jit
def _look(data, offsets, n_characters, found):
    size = _HEADER.size
    for document in range(offsets.size - 1):
        last = offsets[document + 1] - size  # where the header may begin at most
        found[document] = 0
        left = n_characters - size  # characters before the header
        place = offsets[document]
        while place <= last and left >= 0:
            k = 0
            while k < size and data[place + k] == _HEADER[k]:
                k += 1
            if k == size:
                found[document] = 1
                break
            place += 1
            while place <= last and data[place] & 0xC0 == 0x80:
                place += 1
            left -= 1
