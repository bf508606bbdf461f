# SPDX-License-Identifier: Apache-2.0
"""Numbers of cards (ISO/IEC 7812) and of bank accounts (ISO 13616)."""

from __future__ import annotations

import re

from thresher.stages.text.pii.recognizers.recognizer import Span, stands_behind

# First digits of a card's number, as a range, and how many digits it has.
_BRANDS = (
    (4, 4, (19, 16, 13)),  # Visa
    (51, 55, (16,)),  # Mastercard
    (2221, 2720, (16,)),
    (34, 34, (15,)),  # American Express
    (37, 37, (15,)),
    (300, 305, (14,)),  # Diners Club
    (36, 36, (14,)),
    (38, 39, (14,)),
    (6011, 6011, (16, 19)),  # Discover
    (644, 659, (16, 19)),
    (3528, 3589, (16, 19)),  # JCB
    (62, 62, (16, 17, 18, 19)),  # UnionPay
    (5018, 5018, (16, 19)),  # Maestro
    (5020, 5020, (16, 19)),
    (5038, 5038, (16, 19)),
    (6304, 6304, (16, 19)),
    (6759, 6763, (16, 19)),
)
_GROUPS = {(4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3), (4, 3, 3, 3), (6, 13), (4, 4, 4, 1)}
_CARD = re.compile(r"[0-9](?:[ \-\u00a0]?[0-9]){12,18}+")
_PART_OF_MORE = re.compile(r"[0-9][.,/\-]$")

_COUNTRIES = (
    "AD:24 AE:23 AL:28 AT:20 AZ:28 BA:20 BE:16 BG:22 BH:22 BI:27 BR:29 BY:28 CH:21 CR:22 "
    "CY:28 CZ:24 DE:22 DJ:27 DK:18 DO:28 EE:20 EG:29 ES:24 FI:18 FK:18 FO:18 FR:27 GB:22 "
    "GE:22 GI:23 GL:18 GR:27 GT:28 HR:21 HU:28 IE:22 IL:23 IQ:23 IS:26 IT:27 JO:30 KW:30 "
    "KZ:20 LB:28 LC:32 LI:21 LT:20 LU:20 LV:21 LY:25 MC:27 MD:24 ME:22 MK:19 MN:20 MR:27 "
    "MT:31 MU:30 NI:28 NL:18 NO:15 OM:23 PK:24 PL:28 PS:29 PT:25 QA:29 RO:24 RS:22 RU:33 "
    "SA:24 SC:31 SD:18 SE:24 SI:19 SK:24 SM:27 SO:23 ST:25 SV:28 TL:23 TN:24 TR:26 UA:29 "
    "VA:22 VG:24 XK:20 YE:30"
)
_LENGTHS = {part[:2]: int(part[3:]) for part in _COUNTRIES.split()}
_ACCOUNT = re.compile(r"[A-Z]{2}[0-9]{2}(?:[ \-]?[0-9A-Z]){11,30}")
_ALNUM = re.compile(r"[0-9A-Za-z_]")


def card(text: str, place: int) -> Span | None:
    """A number with a known beginning, its length and Luhn's check digit, grouped as on cards."""
    run = _CARD.match(text, place)
    if run is None or stands_behind(_PART_OF_MORE, text, place):
        return None
    ends = [i + 1 for i in range(place, run.end()) if text[i] in "0123456789"]
    digits = re.sub("[^0-9]", "", run[0])
    for length in _lengths(digits):
        if length > len(digits):
            continue
        end = ends[length - 1]
        if _ALNUM.match(text, end) or re.match(r"[.\-/][0-9]", text[end : end + 2]):
            continue
        if _is_grouped(text[place:end]) and luhn(digits[:length]):
            return Span(place, end, 1.0)
    return None


def _lengths(digits: str) -> tuple[int, ...]:
    for low, high, lengths in _BRANDS:
        if low <= int(digits[: len(str(low))]) <= high:
            return tuple(sorted(lengths, reverse=True))
    return ()


def _is_grouped(written: str) -> bool:
    separators = set(re.findall("[^0-9]", written))
    if len(separators) > 1:
        return False
    return not separators or tuple(map(len, written.split(separators.pop()))) in _GROUPS


def luhn(digits: str) -> bool:
    """Whether the last digit agrees with the others, by Luhn's rule (ISO/IEC 7812-1)."""
    total = 0
    for i, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + i % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0


def iban(text: str, place: int) -> Span | None:
    """An account number of its country's length whose check digits agree."""
    run = _ACCOUNT.match(text, place)
    length = _LENGTHS.get(text[place : place + 2])
    if run is None or length is None:
        return None
    ends = [i + 1 for i in range(place, run.end()) if text[i] not in " -"]
    if length > len(ends):
        return None
    end = ends[length - 1]
    if _ALNUM.match(text, end) or not mod97(re.sub("[ -]", "", text[place:end])):
        return None
    return Span(place, end, 1.0)


def mod97(account: str) -> bool:
    """Whether the check digits of an IBAN agree (ISO 7064, MOD 97-10)."""
    return int("".join(str(int(c, 36)) for c in account[4:] + account[:4])) % 97 == 1
