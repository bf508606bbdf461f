# SPDX-License-Identifier: Apache-2.0
"""Plain definitions of what FineWeb's rules count of one document."""

from __future__ import annotations

from thresher.kernels.gopher_plain import count_repeats


def lines(text: str, ends: str, short: int) -> dict[str, int]:
    """See :func:`thresher.kernels.fineweb_lines.signals`."""
    found = [line for line in text.split("\n") if line.strip()]
    return {
        "inked_lines": len(found),
        "ended_lines": sum(line[-1] in ends for line in found),
        "short_lines": sum(len(line) <= short for line in found),
        "repeated_inked_line_characters": count_repeats(found)[1],
        "feeds": text.count("\n"),
        "unbroken_characters": len(text) - text.count("\n"),
        "fineweb_words": len(text.split()),
    }
