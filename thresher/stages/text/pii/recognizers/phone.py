# SPDX-License-Identifier: Apache-2.0
"""Telephone numbers, and social security numbers of the United States."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from thresher.errors import missing_extra
from thresher.kernels.pii_places_plain import SEPARATOR
from thresher.stages.text.pii.recognizers.recognizer import Recognize, Span, stands_behind

_END = r"(?![0-9A-Za-z_]|[.,:\-/][0-9])"
_SEP = f"[{SEPARATOR}]"
_DASH = r"[ .\-\u00a0\u2010-\u2013\u202f]"

# E.164: "+" or "00", a country, and up to 15 digits in all.
_INTERNATIONAL = re.compile(
    rf"\(?(?:\+|00(?=[1-9][0-9]{{0,2}}{_SEP}))\(?[1-9](?:{_SEP}{{0,3}}[0-9]){{6,14}}+{_END}"
)
# The North American plan: neither area nor exchange begins with 0 or 1 or is N11.
_AMERICAN = re.compile(
    rf"(?:1{_DASH})?(?:\([2-9](?!11)[0-8][0-9]\){_DASH}?|[2-9](?!11)[0-8][0-9](?P<s>[./]|{_DASH}))"
    rf"[2-9](?!11)[0-9]{{2}}(?(s)(?P=s)|{_DASH})[0-9]{{4}}{_END}"
)
# With the 0 that many countries dial within: groups of two to four digits, or a slash.
_NATIONAL = re.compile(
    rf"(?:0[1-9](?:(?P<d>{_DASH})[0-9]{{2}})(?:(?P=d)[0-9]{{2}}){{3}}"
    rf"|\(?0[1-9][0-9]{{0,3}}(?:\) ?|[ /\-])[0-9]{{3,4}}[ \-][0-9]{{3,4}}"
    rf"|0[1-9][0-9]{{1,4}}/[0-9]{{5,8}}){_END}(?!{_DASH}[0-9A-Fa-f]{{2}}(?![G-Zg-z]))"
)
_ANY = re.compile(rf"\(?[0-9](?:{_SEP}{{0,2}}[0-9]){{6,14}}+{_END}")

_TOLD = re.compile(
    r"(?:\b(?:tel|tele?phone|phone|mobile|cell|cellular|fax|whatsapp|sms|hotline|helpline"
    r"|call|dial|ring|text|telefon|telefax|mobil|handy|rufnummer|t[ée]l[ée]phone|t[ée]l[ée]copie"
    r"|portable|tel[ée]fono|m[óo]vil|celular|telefone|telefono|cellulare|tél)\b"
    r"|тел|電話|电话|手机|☎|📞|📱)"
    r"\.?[\s:#()]{0,3}(?:(?:number|numbers|nummer|num[ée]ro|n[úu]mero|no|nr|is|us|me|at|on|him|her"
    r"|them|under|unter)\b\.?[\s:#]{0,3}){0,3}$",
    re.IGNORECASE,
)
_NO_PHONE = re.compile(
    r"(?:\b(?:order|invoice|inv|ref|reference|ticket|case|part|serial|sku|item|product|model"
    r"|account|acct|tracking|policy|isbn|issn|ean|upc|doi|id|rfc|version|patent|batch|lot|po"
    r"|article|catalogu?e|number of)\b|№)[.\s:#]{0,3}"
    r"(?:(?:number|no|nr|id|code)\b[.\s:#]{0,3})?(?:[A-Za-z]{1,4}-)?\(?$"
    r"|[0-9][.,:\-/]$|\b(?=[0-9A-F]{0,7}[0-9])[0-9A-F]{2,8}[ ]$|[$€£¥=]\s?$|[A-Za-z]-$|10\.$",
    re.IGNORECASE,
)
_SSN = re.compile(r"(?!000|666|9)[0-9]{3}-(?!00)[0-9]{2}-(?!0000)[0-9]{4}(?![0-9A-Za-z_]|-[0-9])")

# E.164 country codes as of 2024.
_COUNTRY_CODES = (
    "1 7 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 "
    "64 65 66 81 82 84 86 90 91 92 93 94 95 98 211 212 213 216 218 290 291 297 298 299 420 421 423 "
    "670 800 808 850 852 853 855 856 870 878 880 881 882 883 886 888 960 961 962 963 964 965 966 "
    "967 968 970 971 972 973 974 975 976 977 979 992 993 994 995 996 998"
)
_HUNDREDS = (*range(220, 259), *range(260, 270), *range(350, 360), *range(370, 384),
             *range(385, 388), 389, *range(500, 510), *range(590, 600), *range(672, 680),
             *range(680, 693))  # fmt: skip
_COUNTRIES = frozenset((*_COUNTRY_CODES.split(), *map(str, _HUNDREDS)))
_MOST = {"1": 11, "7": 11, "33": 11, "34": 11, "45": 10, "47": 10, "31": 11, "48": 11, "91": 12}


def phone(text: str, place: int) -> Span | None:
    """A number with its country's code, as written in North America, or told to be one.

    Told by a word before it (*tel*, *phone*, *fax* and their like in several languages), any seven
    to fifteen digits count.
    """
    start = _with_plus(text, place)
    if stands_behind(_NO_PHONE, text, start):
        return None
    told = stands_behind(_TOLD, text, start)
    found = _INTERNATIONAL.match(text, start)
    if found is not None and _is_international(found[0]):
        return _span(text, found, 0.8)
    found = _AMERICAN.match(text, start)
    if found is not None:
        bare = found["s"] not in (None, "-", ".", "/")
        return _span(text, found, 0.8 if told else 0.4 if bare else 0.7)
    if told:
        found = _ANY.match(text, start)
        return None if found is None else _span(text, found, 0.8)
    found = _NATIONAL.match(text, start)
    return None if found is None else _span(text, found, 0.5)


def _with_plus(text: str, place: int) -> int:
    """Where a number begins whose first digit stands at ``place``."""
    for sign in ("(", "+", "("):
        if place and text[place - 1] == sign:
            place -= 1
    return place


def _span(text: str, found: re.Match[str], score: float) -> Span:
    return Span(_opened(text, *found.span()), found.end(), score)


def _opened(text: str, start: int, end: int) -> int:
    """Where a number begins, without a bracket that is not closed in it."""
    return start + (text[start] == "(" and ")" not in text[start:end])


def _is_international(written: str) -> bool:
    """Whether it begins with a country's code in one piece, and has 8 to 15 digits or fewer."""
    groups = re.findall("[0-9]+", written)
    groups[0] = groups[0].removeprefix("00" if "+" not in written else "")
    code = next((groups[0][:n] for n in (1, 2, 3) if groups[0][:n] in _COUNTRIES), None)
    return code is not None and 8 <= len("".join(groups)) <= _MOST.get(code, 15)


def phone_of(regions: Sequence[str]) -> Recognize:
    """A recognizer by the library ``phonenumbers``: numbers valid in one of the regions."""

    def recognize(text: str, place: int) -> Span | None:
        library = _library()
        start = _with_plus(text, place)
        window = text[start : start + 40]
        for region in regions:
            found = next(iter(library.PhoneNumberMatcher(window, region, max_tries=4)), None)
            if found is not None and not window[: found.start].strip("(+"):
                end = start + found.end
                return Span(_opened(text, start + found.start, end), end, 0.9)
        return None

    return recognize


@cache
def _library() -> Any:
    try:
        import phonenumbers
    except ImportError:
        raise missing_extra("phone_regions", "phonenumbers", "pii") from None
    return phonenumbers


def ssn(text: str, place: int) -> Span | None:
    """``AAA-GG-SSSS`` as the Social Security Administration gives them out."""
    found = _SSN.match(text, place)
    if found is None or re.search(r"[0-9A-Za-z][\-./]$", text[max(0, place - 2) : place]):
        return None
    return Span(*found.span(), 0.8)
