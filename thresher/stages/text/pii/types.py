# SPDX-License-Identifier: Apache-2.0
"""The types of personal data: how each is called and found."""

from __future__ import annotations

from collections.abc import Sequence

from thresher.errors import PlanError
from thresher.kernels.pii_places_plain import Kind
from thresher.stages.text.pii.recognizers.bank import card, iban
from thresher.stages.text.pii.recognizers.email import email
from thresher.stages.text.pii.recognizers.network import ipv4, ipv6, mac
from thresher.stages.text.pii.recognizers.phone import phone, phone_of, ssn
from thresher.stages.text.pii.recognizers.recognizer import Recognizer
from thresher.stages.text.pii.recognizers.secrets import jwt, private_key, secret, token
from thresher.stages.text.pii.recognizers.wallets import wallet

PATTERNS = (
    Recognizer("PRIVATE_KEY", Kind.PEM, private_key),
    Recognizer("JWT", Kind.TOKEN, jwt),
    Recognizer("AWS_KEY", Kind.TOKEN, token("AWS_KEY")),
    Recognizer("GITHUB_TOKEN", Kind.TOKEN, token("GITHUB_TOKEN")),
    Recognizer("SLACK_TOKEN", Kind.TOKEN, token("SLACK_TOKEN")),
    Recognizer("GOOGLE_API_KEY", Kind.TOKEN, token("GOOGLE_API_KEY")),
    Recognizer("API_KEY", Kind.TOKEN, token("API_KEY")),
    Recognizer("SECRET", Kind.ASSIGNED, secret),
    Recognizer("CREDIT_CARD", Kind.NUMBER, card),
    Recognizer("IBAN_CODE", Kind.IBAN, iban),
    Recognizer("EMAIL_ADDRESS", Kind.EMAIL, email),
    Recognizer("US_SSN", Kind.NUMBER, ssn),
    Recognizer("IP_ADDRESS", Kind.DOTTED, ipv4),
    Recognizer("IP_ADDRESS", Kind.COLONS, ipv6),
    Recognizer("MAC_ADDRESS", Kind.COLONS, mac),
    Recognizer("MAC_ADDRESS", Kind.DASHES, mac),
    Recognizer("CRYPTO", Kind.WALLET, wallet),
    Recognizer("PHONE_NUMBER", Kind.NUMBER, phone),
)
"""In order of priority: of two equally long matches the type that stands first is kept."""

PATTERN_TYPES = tuple(dict.fromkeys(each.type for each in PATTERNS))
NAMED_TYPES = ("PERSON", "LOCATION", "ORGANIZATION")
TYPES = (*PATTERN_TYPES, *NAMED_TYPES)
PRIORITY = {name: i for i, name in enumerate(TYPES)}

_LABELS = {
    "EMAIL_ADDRESS": "EMAIL",
    "PHONE_NUMBER": "PHONE",
    "IBAN_CODE": "IBAN",
    "US_SSN": "SSN",
}


def label(type: str) -> str:
    """How a placeholder calls a type: shorter, where that is as clear."""
    return _LABELS.get(type, type)


def chosen_types(given: Sequence[str] | None, where: str) -> tuple[str, ...]:
    """The types asked for, in order of priority; all that have a pattern when none are given."""
    if given is None:
        return PATTERN_TYPES
    names = [given] if isinstance(given, str) else list(given)
    for name in names:
        if name not in TYPES:
            raise PlanError(
                f"supported_entities holds {name!r}",
                where=where,
                todo=f"choose from {', '.join(TYPES)}",
            )
    if not names:
        raise PlanError("supported_entities is empty", where=where, todo="name a type")
    return tuple(name for name in TYPES if name in names)


def recognizers_of(types: Sequence[str], phone_regions: Sequence[str] | None) -> list[Recognizer]:
    """The recognizers of these types, in order of priority."""
    chosen = [each for each in PATTERNS if each.type in types]
    if phone_regions is None:
        return chosen
    own = Recognizer("PHONE_NUMBER", Kind.NUMBER, phone_of(tuple(phone_regions)))
    return [own if each.type == "PHONE_NUMBER" else each for each in chosen]
