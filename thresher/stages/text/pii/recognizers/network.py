# SPDX-License-Identifier: Apache-2.0
"""Addresses of machines: IP (RFC 791, RFC 4291) and MAC (IEEE 802)."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from thresher.stages.text.pii.recognizers.recognizer import Span, stands_behind

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = re.compile(rf"(?:{_OCTET}\.){{3}}{_OCTET}(?![0-9A-Za-z_]|\.[0-9]|[+~\-][0-9]*[A-Za-z])")
_NO_ADDRESS = re.compile(
    r"(?:\b(?:v|ver|versions?|releases?|rev|revision|build|firmware|section|sec|chapter|clause"
    r"|figure|fig|table|appendix|annex|article|paragraph|item|step|oid|secci[óo]n|sezione|se[cç][ãa]o"
    r"|abschnitt|kapitel|bagian|раздел\w*)\.?|§|[章節节])\s{0,2}[:=]?\s{0,2}$"
    r"|[A-Za-z][\-/]$",
    re.IGNORECASE,
)

_IPV6 = re.compile(r"[0-9A-Fa-f:]{2,39}(?:\.[0-9]{1,3}){0,3}+(?:%[0-9A-Za-z]{1,15})?")
_ENDS_IN_WORD = re.compile(r"[0-9A-Za-z_]")
_SHORTEST_GROUP = 3

_MAC = re.compile(r"([0-9A-Fa-f]{2})([:\-])((?:[0-9A-Fa-f]{2}\2){4}[0-9A-Fa-f]{2})(?![\w:\-])")
_NOBODYS = frozenset(("000000000000", "ffffffffffff"))


# At the beginning of a line: small numbers, then a dot or a word with a capital.
_HEADING = re.compile(r"(?:[0-9]|[1-4][0-9])(?:\.(?:[0-9]|[1-4][0-9])){3}(?:\.?[)\t ]+[A-Z]|\.\s)")
_LINE_BEGIN = re.compile(r"^[\s#*]*$")


def ipv4(text: str, place: int) -> Span | None:
    """Four octets; not a number of a version or section, nor loopback, unspecified or a mask."""
    found = _IPV4.match(text, place)
    if found is None or found[0].startswith("255.") or stands_behind(_NO_ADDRESS, text, place):
        return None
    if _HEADING.match(text, place) and stands_behind(_LINE_BEGIN, text, place):
        return None
    address = IPv4Address(found[0])
    if address.is_loopback or address.is_unspecified:
        return None
    return Span(*found.span(), 0.9)


def ipv6(text: str, place: int) -> Span | None:
    """An address in full or with ``::``; not loopback, unspecified, nor what code may mean.

    An address of which less than three groups are written counts if one of them has three digits
    or more, and if there is a decimal digit: ``fe80::1`` does, ``a::b`` and ``12::30`` do not.
    """
    found = _IPV6.match(text, place)
    if found is None:
        return None
    value = found[0]
    if value.endswith(":") and not value.endswith("::"):
        value = value[:-1]
    end = place + len(value)
    if _ENDS_IN_WORD.match(text, end) or text[end : end + 2] == "::":
        return None
    try:
        address = IPv6Address(value)
    except (AddressValueError, ValueError):
        return None
    groups = [group for group in value.partition("%")[0].split(":") if group]
    known = len(groups) > 2 or max(map(len, groups), default=0) >= _SHORTEST_GROUP
    if not known or address.is_loopback or not any(c in "0123456789" for c in value):
        return None
    return Span(place, end, 0.9)


def mac(text: str, place: int) -> Span | None:
    """Six pairs of hexadecimal digits with ``:`` or ``-`` between; not all zeros or all ones."""
    found = _MAC.match(text, place)
    if found is None or found[0].replace(found[2], "").lower() in _NOBODYS:
        return None
    return Span(*found.span(), 0.9)
