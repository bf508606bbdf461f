# SPDX-License-Identifier: Apache-2.0
"""What went wrong with a request: to be tried again, and when; or not."""

from __future__ import annotations

import http.client
import random
import socket
import ssl
import time
import urllib.error
from email.message import Message
from email.utils import parsedate_to_datetime

from thresher.errors import error_text

RETRIED = frozenset((408, 425, 429, *range(500, 600))) - {501, 505}
"""Statuses of answers that may be another one the next time."""

_ADVICE = {
    401: "the server wants to know who asks: give headers={'Authorization': ...}",
    403: "the server does not allow it: check the URL and the permissions there",
    404: "there is no such file on the server: check the URL",
    410: "the file was removed from the server: check the URL",
}


class TryAgainError(Exception):
    """This try failed, and the next one may not.

    Parameters
    ----------
    wait : float
        Seconds that the server asks to wait.
    afresh : bool
        Whether what was received must not be used.
    """

    def __init__(self, reason: str, wait: float = 0.0, *, afresh: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait = wait
        self.afresh = afresh


class GiveUpError(Exception):
    """The next try would fail, too."""


def told(error: Exception) -> TryAgainError | GiveUpError:
    """The one or the other for what opening and reading an answer raised."""
    if isinstance(error, TryAgainError | GiveUpError):
        return error
    if isinstance(error, urllib.error.HTTPError):
        return _of_status(error)
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        return GiveUpError(
            f"the server's certificate is not trusted ({reason.verify_message}); "
            "install the system's CA certificates, or name them in SSL_CERT_FILE"
        )
    if isinstance(reason, TimeoutError):
        return TryAgainError("no answer or no more bytes in time")
    if isinstance(reason, socket.gaierror):
        return TryAgainError(f"the host's name is not found ({reason.strerror})")
    if isinstance(reason, OSError):
        return TryAgainError((reason.strerror or str(reason)).lower())
    if isinstance(reason, http.client.HTTPException):
        return TryAgainError(f"the answer is broken ({error_text(reason)})")
    return GiveUpError(str(reason))


def _of_status(error: urllib.error.HTTPError) -> TryAgainError | GiveUpError:
    status = f"status {error.code} {error.reason or ''}".strip()
    if error.code in RETRIED:
        return TryAgainError(status, retry_after(error.headers))
    if 300 <= error.code < 400:
        return GiveUpError(f"it is redirected too often, or to no URL ({status})")
    advice = _ADVICE.get(error.code)
    return GiveUpError(f"{status}; {advice}" if advice else status)


def retry_after(headers: Message) -> float:
    """Seconds that ``Retry-After`` asks to wait, as a number or a date; 0.0 if it does not."""
    text = (headers.get("Retry-After") or "").strip()
    if text.isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError):
        return 0.0


def pause(failures: int, first: float, longest: float) -> float:
    """Seconds to wait after so many failures in a row: doubled each time, half of it by chance.

    Clients that failed together do not come back together.
    """
    whole = min(first * 2.0 ** (failures - 1), longest)
    return whole * random.uniform(0.5, 1.0)
