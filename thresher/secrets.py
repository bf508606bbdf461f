# SPDX-License-Identifier: Apache-2.0
"""Secrets: how they are known, and what is shown in their place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MASK = "***"

_NAME = re.compile(
    r"passw|secret|credential|connection_string|(^|[._-])((hf|auth|access|api|bearer|sas)_)?token$"
    r"|(api|access|account|private|shared)[_-]?key|^authorization$",
    re.IGNORECASE,
)

_INSIDE = re.compile(r"^(key|sas|auth)$", re.IGNORECASE)
"""Names that are secrets among options, and ordinary ones of parameters."""

_USER = re.compile(r"(?<=://)([^/?#@\s:]*):[^/?#@\s]*(?=@)")

_SIGNED = re.compile(
    r"([?&](?:[\w-]+[_-])?(?:token|key|signature|sig|secret|password)=)[^&#\s]*", re.IGNORECASE
)


def is_secret(name: str, value: object = None) -> bool:
    """Whether a parameter has the name of a secret, or a URL with one as its value."""
    return bool(_NAME.search(name)) or (isinstance(value, str) and masked_url(value) != value)


def masked_url(text: str) -> str:
    """Text whose URLs have no passwords and no signatures."""
    return _SIGNED.sub(rf"\1{MASK}", _USER.sub(rf"\1:{MASK}", text))


def masked(value: Any, name: str = "", *, is_inside: bool = False) -> Any:
    """A parameter's value as it may be shown: secrets in it, at any depth, are masked.

    Parameters
    ----------
    name : str
        The parameter's name, or the key in a mapping (``is_inside``).
    """
    if isinstance(value, Mapping):
        return {key: masked(each, str(key), is_inside=True) for key, each in value.items()}
    if type(value) in (list, tuple):
        return type(value)(masked(each, name, is_inside=is_inside) for each in value)
    if isinstance(value, str | bytes) and value:
        if _NAME.search(name) or (is_inside and _INSIDE.search(name)):
            return MASK
        return masked_url(value) if isinstance(value, str) else value
    return value
