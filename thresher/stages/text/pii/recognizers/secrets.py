# SPDX-License-Identifier: Apache-2.0
"""Keys and tokens, by the prefixes that their issuers give them, and values assigned to secrets."""

from __future__ import annotations

import json
import math
import re
from base64 import urlsafe_b64decode
from collections import Counter

from thresher.kernels.pii_places_plain import FILL, VALUE
from thresher.stages.text.pii.recognizers.recognizer import Recognize, Span, before

_TOKENS = {
    "AWS_KEY": r"(?:AKIA|ASIA)[0-9A-Z]{16}",
    "GITHUB_TOKEN": r"gh[opusr]_[0-9A-Za-z]{36,251}|github_pat_[0-9A-Za-z_]{22,82}",
    "SLACK_TOKEN": r"xox[a-z]-[0-9A-Za-z\-]{10,250}|xapp-[0-9]-[0-9A-Za-z\-]{10,250}",
    "GOOGLE_API_KEY": r"AIza[0-9A-Za-z_\-]{35}|ya29\.[0-9A-Za-z_\-]{20,500}",
    # OpenAI and Anthropic, Stripe, GitLab, npm, PyPI, Hugging Face, SendGrid
    "API_KEY": (
        r"sk-(?:ant-|proj-|svcacct-)?[0-9A-Za-z_\-]{20,200}|[rs]k_(?:live|test)_[0-9A-Za-z]{16,247}"
        r"|glpat-[0-9A-Za-z_\-]{20,64}|npm_[0-9A-Za-z]{36}|pypi-AgE[0-9A-Za-z_\-]{50,500}"
        r"|hf_[A-Za-z]{34}|SG\.[0-9A-Za-z_\-]{22}\.[0-9A-Za-z_\-]{43}"
    ),
}
_JWT = re.compile(
    r"(?P<head>eyJ[0-9A-Za-z_\-]{5,2000})\.eyJ[0-9A-Za-z_\-]{2,20000}\.[0-9A-Za-z_\-]{0,2000}"
)
_PEM = re.compile(
    r"-----BEGIN (?P<what>[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?)-----"
    r"(?:[0-9A-Za-z+/=\s,:\\\-]{0,20000}?-----END (?P=what)-----|[0-9A-Za-z+/=\s\\]{0,20000})"
)
_ASSIGNED = re.compile(rf"[=:][{FILL}]{{0,5}}+(?P<value>[0-9A-Za-z][{VALUE}]{{15,255}}+)")
_SECRET_NAME = re.compile(
    r"(?:(?i:secret|passw(?:or)?d|pwd|passphrase|token|credentials?|auth|bearer|apikey)"
    r"|(?<![A-Za-z])(?:key|Key|KEY)|(?<=[a-z])Key)"
    r"[0-9_\-]{0,4}(?:[Ii]d|[Vv]alue)?[\"'\]]{0,2}\s{0,3}$"
)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$", re.IGNORECASE)

LEAST_BITS = 3.0
"""Bits of entropy per character from which a value counts as random."""


def token(type: str) -> Recognize:
    """A recognizer of tokens that their prefix tells."""
    pattern = re.compile(rf"(?P<token>{_TOKENS[type]})(?![0-9A-Za-z])")

    def recognize(text: str, place: int) -> Span | None:
        found = pattern.match(text, place)
        if found is None or entropy(found[0]) < LEAST_BITS or not _has_digit_or_cases(found[0]):
            return None
        return Span(*found.span(), 1.0)

    return recognize


def _has_digit_or_cases(value: str) -> bool:
    """Whether it is more than words in small letters with dashes between."""
    return any(c.isdigit() for c in value) or not (value.islower() or value.isupper())


def jwt(text: str, place: int) -> Span | None:
    """A JSON Web Token (RFC 7519): its header is JSON that names an algorithm."""
    found = _JWT.match(text, place)
    if found is None:
        return None
    head = found["head"]
    try:
        header = json.loads(urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, RecursionError):
        return None
    return Span(*found.span(), 1.0) if isinstance(header, dict) and "alg" in header else None


def private_key(text: str, place: int) -> Span | None:
    """A private key in PEM (RFC 7468), up to its end or, where that is missing, as far as it is."""
    found = _PEM.match(text, place)
    if found is None:
        return None
    end = found.end() - (len(found[0]) - len(found[0].rstrip()))
    return Span(found.start(), end, 1.0)


def secret(text: str, place: int) -> Span | None:
    """A random-looking value of 16 characters or more, assigned to what is called a secret.

    Random means :data:`LEAST_BITS` bits of entropy per character, letters and digits; UUIDs, paths
    and dotted or dashed names do not count.
    """
    found = _ASSIGNED.match(text, place)
    if found is None or not _SECRET_NAME.search(before(text, place, 40).rstrip(":=>")):
        return None
    value = found["value"].rstrip(".,-~")
    if len(value) < 16 or not _is_random(value):
        return None
    start = found.start("value")
    return Span(start, start + len(value), 0.6)


def _is_random(value: str) -> bool:
    has_both = re.search("[0-9]", value) and re.search("[A-Za-z]", value)
    if not has_both or _UUID.match(value) or "://" in value:
        return False
    parts = re.split(r"[./_\-=~+]", value)
    return entropy(value) >= LEAST_BITS and max(map(len, parts)) >= 12


def entropy(value: str) -> float:
    """Shannon's entropy of the characters of a text, in bits per character."""
    counts = Counter(value).values()
    return -sum(n / len(value) * math.log2(n / len(value)) for n in counts)
