# SPDX-License-Identifier: Apache-2.0
"""Addresses of Bitcoin (Base58Check; BIP 173 and 350) and of Ethereum."""

from __future__ import annotations

import re
from hashlib import sha256

from thresher.stages.text.pii.recognizers.recognizer import Span

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_ADDRESS = re.compile(
    r"(?:(?P<base58>[13][1-9A-HJ-NP-Za-km-z]{25,34})|(?P<bech32>bc1[0-9a-z]{11,71})"
    r"|0x[0-9A-Fa-f]{40})(?![0-9A-Za-z_])"
)
_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECKSUMS = (1, 0x2BC830A3)


def wallet(text: str, place: int) -> Span | None:
    """An address whose checksum agrees; one of Ethereum has none that counts, and scores less."""
    found = _ADDRESS.match(text, place)
    if found is None:
        return None
    if found["base58"] and not _base58check(found[0]):
        return None
    if found["bech32"] and not _bech32(found[0]):
        return None
    return Span(*found.span(), 0.7 if found[0].startswith("0x") else 1.0)


def _base58check(address: str) -> bool:
    number = 0
    for character in address:
        number = number * 58 + _BASE58.index(character)
    if number >= 1 << 200:
        return False
    whole = number.to_bytes(25, "big")
    return sha256(sha256(whole[:21]).digest()).digest()[:4] == whole[21:]


def _bech32(address: str) -> bool:
    if any(character not in _BECH32 for character in address[3:]):
        return False
    values = [3, 3, 0, 2, 3, *(_BECH32.index(character) for character in address[3:])]
    checksum = 1
    for value in values:
        top = checksum >> 25
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value
        for i, generator in enumerate(_GENERATORS):
            checksum ^= generator * (top >> i & 1)
    return checksum in _CHECKSUMS
