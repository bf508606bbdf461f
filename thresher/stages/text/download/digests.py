# SPDX-License-Identifier: Apache-2.0
"""Digests of whole files, as servers offer them in headers."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterable
from email.message import Message

from thresher import storage
from thresher.errors import PlanError

_ALGORITHMS = {"sha-256": "sha256", "sha-512": "sha512", "sha": "sha1", "md5": "md5"}
_LENGTHS = {"md5": 32, "sha1": 40, "sha256": 64, "sha512": 128}
_CHUNK = 1 << 22
_PAIR = re.compile(r"([\w-]+)\s*=\s*:?([A-Za-z0-9+/=]+):?")


def offered(headers: Iterable[Message], *, whole: bool) -> tuple[str, ...]:
    """``algorithm:hexadecimal`` of each digest of the file that headers tell.

    Understood are ``Repr-Digest`` (RFC 9530), ``Digest`` (RFC 3230), ``x-goog-hash`` (MD5),
    ``X-Linked-ETag`` (SHA-256, on redirects of the Hugging Face hub) and, for a ``whole`` file,
    ``Content-Digest`` and ``Content-MD5``.
    """
    names = ["Repr-Digest", "Digest", "x-goog-hash"]
    names += ["Content-Digest"] if whole else []
    found: dict[str, None] = {}
    for message in headers:
        for name in names:
            for value in message.get_all(name, []):
                found |= dict.fromkeys(_pairs(value))
        if whole and (md5 := message.get("Content-MD5")):
            found |= dict.fromkeys(_hexadecimal("md5", md5))
        linked = (message.get("X-Linked-ETag") or "").strip('"')
        if re.fullmatch(r"[0-9a-f]{64}", linked):
            found[f"sha256:{linked}"] = None
    return tuple(found)


def parse_digest(text: str) -> str:
    """``algorithm:hexadecimal`` in the one form that is compared.

    Raises
    ------
    PlanError
        If it is no digest.
    """
    algorithm, _, value = text.strip().lower().replace("-", "").partition(":")
    if _LENGTHS.get(algorithm) != len(value) or not re.fullmatch("[0-9a-f]+", value):
        raise PlanError(
            f"{text!r} is no digest",
            todo="write algorithm:hexadecimal, e.g. sha256:9f86...; "
            f"known are {', '.join(_LENGTHS)}",
        )
    return f"{algorithm}:{value}"


def mismatch(path: str, digests: Iterable[str], on_work: Callable[[], None]) -> str:
    """The first of ``digests`` that the file's bytes do not have; empty if there is none."""
    wanted = list(digests)
    if not wanted:
        return ""
    made = {
        name: hashlib.new(name, usedforsecurity=False)
        for name in {digest.partition(":")[0] for digest in wanted}
    }
    with storage.open_read(path) as file:
        while chunk := file.read(_CHUNK):
            for hasher in made.values():
                hasher.update(chunk)
            on_work()
    found = {f"{name}:{hasher.hexdigest()}" for name, hasher in made.items()}
    return next((digest for digest in wanted if digest not in found), "")


def _pairs(value: str) -> list[str]:
    return [
        digest
        for algorithm, encoded in _PAIR.findall(value)
        if (name := _ALGORITHMS.get(algorithm.lower())) is not None
        for digest in _hexadecimal(name, encoded)
    ]


def _hexadecimal(name: str, encoded: str) -> list[str]:
    """The digest, or none if it is not what its algorithm makes."""
    try:
        digest = base64.b64decode(encoded, validate=True).hex()
    except (binascii.Error, ValueError):
        return []
    return [f"{name}:{digest}"] if len(digest) == _LENGTHS[name] else []
