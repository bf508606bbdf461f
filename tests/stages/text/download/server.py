# SPDX-License-Identifier: Apache-2.0
"""A local HTTP server that refuses, stalls, truncates, redirects and lies as it is told to."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random

ROOT = Path(__file__).parents[4]
SEPARATOR = "<|endoftext|>"


def stories(n: int = 200) -> list[str]:
    """Texts of the corpus, in the format's way: what stands between two separators."""
    found: list[str] = []
    for path in sorted((ROOT / "examples" / "corpus" / "en").glob("sections-*.jsonl")):
        for line in path.read_text().splitlines():
            with suppress(ValueError):
                found.append(json.loads(line)["text"])
    texts = [text for text in found if SEPARATOR not in text and text.strip()]
    return (texts * (n // len(texts) + 1))[:n]


def tinystories(n: int = 200) -> bytes:
    """A file of that format."""
    return "".join(f"{text}\n{SEPARATOR}\n" for text in stories(n)).encode()


def documents(data: bytes) -> list[str]:
    """What must come out of it."""
    lines = data.decode().split("\n")
    made: list[list[str]] = [[]]
    for line in lines:
        if line.strip() == SEPARATOR:
            made.append([])
        else:
            made[-1].append(line.strip())
    return [text for text in (" ".join(story).strip() for story in made) if text]


class Refuse:
    """Answer with a status."""

    def __init__(self, status: int, **headers: str) -> None:
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class Fault:
    """How to answer wrongly; what is not given is done right."""

    def __init__(
        self,
        *,
        cut: int | None = None,
        stall: float = 0.0,
        length: int = 0,
        redirect: str = "",
        ignore_range: bool = False,
        shift_range: int = 0,
        total: int = 0,
        then: Callable[[], None] = lambda: None,
        flip: bool = False,
    ) -> None:
        self.cut = cut  # bytes of the body after which the connection ends
        self.stall = stall  # seconds to be silent for after that
        self.length = length  # what is added to the length
        self.redirect = redirect
        self.ignore_range = ignore_range
        self.shift_range = shift_range
        self.total = total  # what is added to the total in Content-Range
        self.then = then  # called when the answer has ended
        self.flip = flip  # whether a byte of the body is another


class Server:
    """Files by path, and what goes wrong with the next requests for them."""

    def __init__(self, *, chunked: bool = False, ranges: bool = True) -> None:
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, deque[Refuse | Fault]] = defaultdict(deque)
        self.chance: Callable[[], Refuse | Fault | None] = lambda: None
        self.headers: dict[str, str] = {}
        self.requests: list[tuple[str, str]] = []
        self.seen: list[dict[str, str]] = []
        self.chunked = chunked
        self.ranges = ranges
        self.validators = True
        self.pause = 0.0  # seconds before each answer
        self.trickle = 0.0  # seconds between two 64 KiB of a body
        self.open = Counter[str]()
        self.most_open = 0
        self.lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.answer(self)

            def log_message(self, *arguments: object) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                pass

        self.http = Quiet(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(
            target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self.thread.start()

    @property
    def port(self) -> int:
        return int(self.http.server_address[1])

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def url(self, path: str, data: bytes | None = None) -> str:
        if data is not None:
            self.files[path] = data
        return self.base + path

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()

    def fail(self, path: str, *faults: Refuse | Fault) -> None:
        self.faults[path].extend(faults)

    # -- answers --------------------------------------------------------------------------------

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        path = handler.path.partition("?")[0]
        with self.lock:
            self.requests.append((handler.path, handler.headers.get("Range", "")))
            self.seen.append(dict(handler.headers))
            self.open[path] += 1
            self.most_open = max(self.most_open, sum(self.open.values()))
            fault = self.faults[path].popleft() if self.faults[path] else self.chance()
        try:
            time.sleep(self.pause)
            self._answer(handler, path, fault)
        finally:
            handler.close_connection = True
            with self.lock:
                self.open[path] -= 1

    def _answer(
        self, handler: BaseHTTPRequestHandler, path: str, fault: Refuse | Fault | None
    ) -> None:
        if isinstance(fault, Refuse):
            self._head(handler, fault.status, {"Content-Length": "0", **fault.headers})
            return
        fault = fault or Fault()
        if fault.redirect:
            headers = {"Location": fault.redirect, "Content-Length": "0", **self.headers}
            self._head(handler, 302, headers)
            return
        if path not in self.files:
            self._head(handler, 404, {"Content-Length": "0"})
            return
        self._send(handler, self.files[path], fault)
        fault.then()

    def _send(self, handler: BaseHTTPRequestHandler, data: bytes, fault: Fault) -> None:
        tag = f'"{hashlib.sha256(data).hexdigest()[:16]}"'
        headers = dict(self.headers)
        if self.validators:
            headers |= {"ETag": tag, "Last-Modified": formatdate(1e9 + len(data), usegmt=True)}
        asked = handler.headers.get("Range", "")
        condition = handler.headers.get("If-Range", tag)
        valid = condition in (tag, headers.get("Last-Modified"))
        body, status, start = data, 200, 0
        if asked and self.ranges and valid and not fault.ignore_range:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            if start >= len(data):
                self._head(
                    handler,
                    416,
                    {"Content-Range": f"bytes */{len(data) + fault.total}", "Content-Length": "0"},
                )
                return
            body, status = data[start:], 206
            first = start + fault.shift_range
            headers["Content-Range"] = f"bytes {first}-{len(data) - 1}/{len(data) + fault.total}"
        if fault.flip:
            body = bytes([body[0] ^ 1]) + body[1:]
        if self.chunked:
            headers["Transfer-Encoding"] = "chunked"
        else:
            headers["Content-Length"] = str(len(body) + fault.length)
        self._head(handler, status, headers)
        self._body(handler, body, fault)

    def _body(self, handler: BaseHTTPRequestHandler, body: bytes, fault: Fault) -> None:
        sent = body if fault.cut is None else body[: fault.cut]
        with suppress(OSError):
            for at in range(0, len(sent), 1 << 16):
                piece = sent[at : at + (1 << 16)]
                if self.chunked:
                    piece = b"%x\r\n%s\r\n" % (len(piece), piece)
                handler.wfile.write(piece)
                time.sleep(self.trickle)
            if self.chunked and fault.cut is None:
                handler.wfile.write(b"0\r\n\r\n")
            handler.wfile.flush()
            time.sleep(fault.stall)

    def _head(self, handler: BaseHTTPRequestHandler, status: int, headers: dict[str, str]) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Connection", "close")
        handler.end_headers()


def serving() -> Iterator[Server]:
    """A server for the time of a fixture."""
    server = Server()
    yield server
    server.close()


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def md5_header(data: bytes) -> str:
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()


def by_chance(rng: Random, size: int) -> Callable[[], Refuse | Fault | None]:
    """Every second answer is wrong in some way."""

    def choose() -> Refuse | Fault | None:
        at = rng.randrange(size)
        faults = [
            Refuse(503),
            Refuse(500),
            Refuse(429, Retry_After="0"),
            Fault(cut=at),
            Fault(cut=at),
            Fault(cut=at, stall=0.2),
            Fault(cut=at, stall=2.0),
            Fault(length=1 + at),
            Fault(length=-1 - at // 2),
            Fault(shift_range=1),
            Fault(total=7),
            Fault(ignore_range=True),
        ]
        return rng.choice(faults) if rng.random() < 0.5 else None

    return choose
