# SPDX-License-Identifier: Apache-2.0
"""E-mail addresses."""

from __future__ import annotations

import re

from thresher.kernels.pii_places_plain import LATIN, LOCAL
from thresher.stages.text.pii.recognizers.recognizer import Span

_ALNUM = f"0-9A-Za-z{LATIN}"
_ADDRESS = re.compile(
    rf"[.%+'\-]*+(?P<address>[_{_ALNUM}][{LOCAL}]{{0,63}}+@"
    rf"(?P<host>(?:[{_ALNUM}](?:[{_ALNUM}\-]{{0,61}}[{_ALNUM}])?\.){{1,8}})"
    r"(?P<top>xn--[0-9A-Za-z\-]{2,59}|[A-Za-z]{2,24}))(?![0-9A-Za-z_])"
)

# Endings of file names and of systemd units: none is a top-level domain.
_NO_DOMAINS_LIST = (
    "png jpg jpeg gif svg webp ico css html htm json jsx tsx xml yaml yml txt log conf service "
    "socket timer mount device path slice scope local localdomain invalid"
)
_NO_DOMAINS = frozenset(_NO_DOMAINS_LIST.split())


def email(text: str, place: int) -> Span | None:
    """An address whose domain has a dot and can be a domain; not ``git@host:path``."""
    found = _ADDRESS.match(text, place)
    if found is None or found["top"].lower() in _NO_DOMAINS:
        return None
    if found["address"].startswith("git@") and text[found.end() : found.end() + 1] in ":/":
        return None
    return Span(*found.span("address"), 1.0)
