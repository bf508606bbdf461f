# SPDX-License-Identifier: Apache-2.0
"""One HTTP request: opened, redirected, refused; proxies and certificates as the system has them.

The standard library is used because it gives the bytes behind the end of an answer: that is how a
server is found out which announces fewer bytes than it sends.
"""

from __future__ import annotations

import http.client
import selectors
import string
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import Message
from functools import partial
from typing import IO, Any
from urllib.parse import quote, unquote_to_bytes, urlsplit

import thresher
from thresher.stages.text.download.url_generation import normalised, requested_form

_PRIVATE = ("Authorization", "Cookie", "Proxy-authorization")
_MOMENT = 1.0
"""Seconds a server is given to close the connection, before it is believed to keep it open."""


@dataclass
class Answer:
    """An answer with status 200 or 206; its body is still to be read.

    ``all_headers`` are those of the answer, then those of the redirects that led to it.
    """

    response: http.client.HTTPResponse
    all_headers: list[Message] = field(default_factory=list)

    @property
    def status(self) -> int:
        """200, 206 or another of the kind."""
        return int(self.response.status)

    def header(self, name: str) -> str:
        """A header of the answer; empty if it has none of the name."""
        return (self.response.headers.get(name) or "").strip()

    @property
    def length(self) -> int | None:
        """Bytes that the body is said to have; None where its end is told otherwise."""
        text = self.header("Content-Length")
        known = text.isdigit() and not self.response.chunked
        return int(text) if known else None

    def read(self, n: int) -> bytes:
        """At most ``n`` bytes of the body, as soon as there are some; none at its end."""
        if self.response.chunked or self.length is None:
            return self.response.read1(n)
        # What lies behind the announced end is looked at below, so http.client must not close it.
        stream: Any = self.response.fp
        return b"" if stream is None else bytes(stream.read1(n))

    def has_more(self) -> bool:
        """Whether the server goes on sending behind the announced end.

        It was asked to close the connection there.
        """
        stream: Any = self.response.fp
        if stream is None or self.length is None:
            return False
        with selectors.DefaultSelector() as selector, suppress(OSError, ValueError):
            selector.register(stream, selectors.EVENT_READ)
            return bool(selector.select(_MOMENT)) and bool(stream.peek(1))
        return False

    def close(self) -> None:
        """Let go of the connection."""
        self.response.close()


class HttpClient:
    """Opens URLs.

    Parameters
    ----------
    connect_timeout, stall_timeout : float
        Seconds to wait for a connection, and for the next bytes of an answer.
    headers : Mapping[str, str]
        Sent with every request; ``Authorization`` and ``Cookie`` to the first host only.
    """

    def __init__(
        self,
        connect_timeout: float,
        stall_timeout: float,
        max_redirects: int,
        headers: Mapping[str, str],
    ) -> None:
        self.connect_timeout = connect_timeout
        self.stall_timeout = stall_timeout
        self.max_redirects = max_redirects
        self.headers = {
            "User-Agent": f"thresher/{thresher.__version__}",
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            **headers,
        }

    def open(self, url: str, headers: Mapping[str, str]) -> Answer:
        """Ask for ``url``, which is normalised, following redirects.

        Raises
        ------
        urllib.error.HTTPError, OSError, http.client.HTTPException
        """
        bare, login = _login(url)
        request = urllib.request.Request(bare, headers={**login, **self.headers, **headers})
        redirects = _Redirects(self.max_redirects)
        response = self._opener(redirects).open(request, timeout=self.connect_timeout)
        return Answer(response, [response.headers, *reversed(redirects.seen)])

    def _opener(self, redirects: _Redirects) -> urllib.request.OpenerDirector:
        opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.ProxyHandler(),
            urllib.request.UnknownHandler(),
            urllib.request.HTTPDefaultErrorHandler(),
            urllib.request.HTTPErrorProcessor(),
            _Http(self.stall_timeout),
            _Https(self.stall_timeout),
            redirects,
        ):
            opener.add_handler(handler)
        return opener


class _Connection(http.client.HTTPConnection):
    """Waits for bytes as long as ``stall``, however long it may wait for the connection."""

    def __init__(self, *args: Any, stall: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._stall = stall

    def connect(self) -> None:
        super().connect()
        self.sock.settimeout(self._stall)


class _SecureConnection(http.client.HTTPSConnection):
    """The same over TLS."""

    def __init__(self, *args: Any, stall: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._stall = stall

    def connect(self) -> None:
        super().connect()
        self.sock.settimeout(self._stall)


class _Http(urllib.request.HTTPHandler):
    def __init__(self, stall: float) -> None:
        super().__init__()
        self._stall = stall

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        connection: Any = partial(_Connection, stall=self._stall)
        return self.do_open(connection, req)


class _Https(urllib.request.HTTPSHandler):
    def __init__(self, stall: float) -> None:
        super().__init__()
        self._stall = stall

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        connection: Any = partial(_SecureConnection, stall=self._stall)
        return self.do_open(connection, req)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows so many redirects and no more, and keeps secrets from other hosts."""

    def __init__(self, most: int) -> None:
        self.__dict__["max_redirections"] = most
        self.seen: list[Message] = []

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Any,
        newurl: str,
    ) -> urllib.request.Request | None:
        if len(self.seen) >= self.max_redirections:
            raise urllib.error.HTTPError(req.full_url, code, "too many redirects", headers, fp)
        self.seen.append(headers)
        bare, login = _login(normalised(newurl))
        request = super().redirect_request(req, fp, code, msg, headers, bare)
        if request is not None:
            if _site(bare) != _site(req.full_url):
                for name in _PRIVATE:
                    request.headers.pop(name, None)
            request.headers.update(login)
        return request

    def http_error_302(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any
    ) -> Any:
        try:
            if location := headers["Location"]:
                # http.client decodes headers as Latin-1, whatever their bytes mean.
                escaped = quote(location.strip(), safe=string.punctuation, encoding="latin-1")
                headers.replace_header("Location", requested_form(escaped))
            return super().http_error_302(req, fp, code, msg, headers)
        except ValueError as error:
            what = f"the server redirects to what is no URL ({error})"
            raise urllib.error.HTTPError(req.full_url, code, what, headers, fp) from error

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


def _login(url: str) -> tuple[str, dict[str, str]]:
    """A URL without ``user:password@``, and the header that says the same."""
    parts = urlsplit(url)
    userinfo, _, site = parts.netloc.rpartition("@")
    if not userinfo:
        return url, {}
    user, _, password = userinfo.partition(":")
    secret = b64encode(b":".join(map(unquote_to_bytes, (user, password)))).decode()
    return parts._replace(netloc=site).geturl(), {"Authorization": f"Basic {secret}"}


def _site(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
