# SPDX-License-Identifier: Apache-2.0
"""Slurm's short form of many host names."""

from __future__ import annotations

import itertools
import re

from thresher.errors import EngineError

_TOKEN = re.compile(r"([^,\[\]]+)|\[([^\[\]]*)\]|(,)")
_RANGE = re.compile(r"(\d+)(?:-(\d+))?")
MOST = 100_000


def expand_node_list(text: str) -> list[str]:
    """All names of a node list, in its order.

    Zeros in front are kept, and a name may have several brackets; the last one changes fastest.

    Raises
    ------
    EngineError
        If the text is no node list.

    Examples
    --------
    >>> expand_node_list("gpu[08-10,12],login")
    ['gpu08', 'gpu09', 'gpu10', 'gpu12', 'login']
    >>> expand_node_list("rack[1-2]n[1-2]")
    ['rack1n1', 'rack1n2', 'rack2n1', 'rack2n2']
    """
    names: list[str] = []
    parts: list[list[str]] = []
    at = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise _wrong(text)
        at = token.end()
        literal, inside, comma = token.groups()
        if comma:
            names += _joined(parts, text)
            parts = []
        else:
            parts.append([literal] if literal else _numbers(inside, text))
    names += _joined(parts, text)
    return names


def _joined(parts: list[list[str]], text: str) -> list[str]:
    if not parts:
        raise _wrong(text)
    return ["".join(each) for each in itertools.product(*parts)]


def _numbers(inside: str, text: str) -> list[str]:
    found: list[str] = []
    for piece in inside.split(","):
        match = _RANGE.fullmatch(piece)
        if match is None:
            raise _wrong(text)
        first, last = match[1], match[2] or match[1]
        if not 0 <= int(last) - int(first) < MOST:
            raise _wrong(text)
        found += [str(n).zfill(len(first)) for n in range(int(first), int(last) + 1)]
    return found


def _wrong(text: str) -> EngineError:
    return EngineError(
        f"{text!r} is not a list of nodes", "SLURM_JOB_NODELIST", "write it like node[01-04,7]"
    )
