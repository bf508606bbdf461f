# SPDX-License-Identifier: Apache-2.0
"""Made-up values in place of personal data: of the same kind, and the same for the same value.

They are taken from what standards reserve for examples, where there is such: ``example.com``
(RFC 2606), 192.0.2.0/24, 198.51.100.0/24 and 203.0.113.0/24 (RFC 5737), 2001:db8::/32 (RFC 3849),
00-00-5E-00-53 (RFC 7042), the telephone numbers 555-0100 to 555-0199 of the North American plan;
and else carry a mark by which they are known again, so that replacing them once more changes
nothing.
"""

from __future__ import annotations

import random
import re
import string
from base64 import urlsafe_b64encode
from collections.abc import Callable

import xxhash

from thresher.stages.text.pii.recognizers.bank import luhn, mod97

Draw = random.Random
Maker = Callable[[Draw, str], str]

_PERSONS = ("Alex Example", "Robin Sample", "Kim Specimen", "Chris Placeholder", "Sam Nobody",
            "Jo Anyone", "Toni Someone", "Pat Muster", "Max Beispiel", "Lou Exemple")  # fmt: skip
_LOCATIONS = ("Exampleton", "Sampleville", "Specimen City", "Port Placeholder", "Nowhereshire",
              "Musterstadt", "Villemodele", "Beispielsburg")  # fmt: skip
_ORGANIZATIONS = ("Example Ltd", "Sample Inc", "Specimen Group", "Placeholder Corp",
                  "Muster AG", "Acme Examples")  # fmt: skip
_ALNUM = string.ascii_letters + string.digits
_MARK = "EXAMPLE"
_UNSIGNED = urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")


def made_up(value: str, type: str, seed: int) -> str:
    """A made-up value for a value: the value itself if it is one that this function makes."""
    make, known = _MAKERS[type]
    if re.fullmatch(known, value):
        return value
    # The hash of the value in one spelling: a card with and without blanks is one card.
    one = re.sub(r"[\s\-]", "", value).lower() if type in _ONE_SPELLING else value
    key = xxhash.xxh3_64_intdigest(f"{type}\0{one}".encode(), seed)
    return make(Draw(key), value)


def _email(draw: Draw, value: str) -> str:
    return f"user{draw.randrange(10**9):09d}@example.com"


def _ip(draw: Draw, value: str) -> str:
    if ":" in value:
        return f"2001:db8:{draw.randrange(1, 65536):x}:{draw.randrange(1, 65536):x}::1"
    return f"{draw.choice(('192.0.2', '198.51.100', '203.0.113'))}.{draw.randrange(1, 255)}"


def _mac(draw: Draw, value: str) -> str:
    sign = "-" if "-" in value else ":"
    return sign.join(("00", "00", "5E", "00", "53", f"{draw.randrange(256):02X}"))


def _phone(draw: Draw, value: str) -> str:
    area = f"{draw.randrange(2, 10)}0{draw.randrange(2, 10)}"
    return f"+1-{area}-555-01{draw.randrange(100):02d}"


def _ssn(draw: Draw, value: str) -> str:
    # Areas from 900 on are never given out.
    return f"9{draw.randrange(100):02d}-{draw.randrange(1, 50):02d}-{draw.randrange(10**4):04d}"


def _card(draw: Draw, value: str) -> str:
    # Numbers that begin with 9 are left to national standards: no card of the networks has one.
    first = f"9999{draw.randrange(10**11):011d}"
    return next(f"{first}{check}" for check in range(10) if luhn(f"{first}{check}"))


def _iban(draw: Draw, value: str) -> str:
    account = f"{draw.randrange(10**14):014d}"
    return next(made for check in range(2, 99) if mod97(made := f"GB{check:02d}TEST{account}"))


def _jwt(draw: Draw, value: str) -> str:
    body = urlsafe_b64encode(f'{{"sub":"{_MARK}{draw.randrange(10**9):09d}"}}'.encode())
    return f"{_UNSIGNED}.{body.decode().rstrip('=')}."


def _private_key(draw: Draw, value: str) -> str:
    line = _MARK + "".join(draw.choices(_ALNUM, k=57))
    return f"-----BEGIN PRIVATE KEY-----\n{line}\n-----END PRIVATE KEY-----"


def _wallet(draw: Draw, value: str) -> str:
    return f"0x{0:012x}{draw.randrange(16**28):028x}"


def _key(begin: str, length: int, characters: str = _ALNUM) -> tuple[Maker, str]:
    """A key that begins as its issuer's keys do, with the mark behind."""

    def make(draw: Draw, value: str) -> str:
        return f"{begin}{_MARK}" + "".join(draw.choices(characters, k=length))

    return make, rf"{begin}{_MARK}[0-9A-Za-z]{{{length}}}"


def _from(names: tuple[str, ...]) -> Maker:
    return lambda draw, value: draw.choice(names)


_MAKERS: dict[str, tuple[Maker, str]] = {
    "EMAIL_ADDRESS": (_email, r"user[0-9]{9}@example\.com"),
    "IP_ADDRESS": (
        _ip,
        r"192\.0\.2\.\d+|198\.51\.100\.\d+|203\.0\.113\.\d+|2001:db8:[0-9a-f]+:[0-9a-f]+::1",
    ),
    "MAC_ADDRESS": (_mac, r"00(?P<s>[:\-])00(?P=s)5E(?P=s)00(?P=s)53(?P=s)[0-9A-F]{2}"),
    "PHONE_NUMBER": (_phone, r"\+1-[2-9]0[2-9]-555-01[0-9]{2}"),
    "US_SSN": (_ssn, r"9[0-9]{2}-[0-9]{2}-[0-9]{4}"),
    "CREDIT_CARD": (_card, r"9999[0-9]{12}"),
    "IBAN_CODE": (_iban, r"GB[0-9]{2}TEST[0-9]{14}"),
    "CRYPTO": (_wallet, r"0x0{12}[0-9a-f]{28}"),
    "AWS_KEY": _key("AKIA", 9, string.ascii_uppercase + string.digits),
    "GITHUB_TOKEN": _key("ghp_", 29),
    "SLACK_TOKEN": _key("xoxb-", 24),
    "GOOGLE_API_KEY": _key("AIza", 28),
    "API_KEY": _key("sk-", 32),
    "SECRET": _key("", 25),
    "JWT": (_jwt, rf"{re.escape(_UNSIGNED)}\.eyJzdWIiOiJFWEFNUExF[0-9A-Za-z]+\."),
    "PRIVATE_KEY": (
        _private_key,
        rf"-----BEGIN PRIVATE KEY-----\n{_MARK}[0-9A-Za-z]{{57}}\n-----END PRIVATE KEY-----",
    ),
    "PERSON": (_from(_PERSONS), "|".join(_PERSONS)),
    "LOCATION": (_from(_LOCATIONS), "|".join(_LOCATIONS)),
    "ORGANIZATION": (_from(_ORGANIZATIONS), "|".join(_ORGANIZATIONS)),
}
_ONE_SPELLING = frozenset(("CREDIT_CARD", "IBAN_CODE", "MAC_ADDRESS"))
