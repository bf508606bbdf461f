# SPDX-License-Identifier: Apache-2.0
"""Random byte strings of every kind that a JSONL file may hold and should not."""

from __future__ import annotations

import json
from random import Random
from typing import Any

TOKENS = [
    '"', "*", "**", "_", "[", "](", ")", "\n", "\n\n", "\r\n", "\r", "\t", " ", "http://a.b/c ",
    "WWW.x", "lorem ipsum ", "Terms of Use", "&amp;", "<", "</div>", "Ã©", "â€œ", "\x1b[31m",
    "\x07", "\x00", "\x85", "\u2028", "ﬁ", "“", "ｆ", "e\u0301", "\xa0", "a", "the ", "漢字",
    "かな", "🎉", "\u200b", "\x1c", "#", "...", "…", "•", "{", "}", ". ", "! ", "?", "1", "-5",
    "شكرا ", "\ufeff", "<?xml version=", "/* x */", "def f():\n  pass\n", "a@b.de", "x" * 70,
    "\\", "/",
]  # fmt: skip
NAMES = ["text", "text", "id", "n", "", "tëxt", "__row", "__raw", "_extra", "TEXT"]


def text(rng: Random) -> str:
    """Words, marks and characters of all planes, or one long line of few of them."""
    kind = rng.random()
    if kind < 0.05:
        return rng.choice(TOKENS) * rng.randrange(3000)
    if kind < 0.2:
        codes = (rng.randrange(rng.choice((0x80, 0x800, 0xD800, 0x110000))) for _ in range(30))
        return "".join(chr(code) for code in codes if not 0xD800 <= code < 0xE000)
    return "".join(rng.choices(TOKENS, k=rng.randrange(40)))


def value(rng: Random) -> Any:
    """What a key may hold."""
    if rng.random() < 0.1:
        return {rng.choice(NAMES): value(rng) for _ in range(rng.randrange(3))}
    others = (None, True, 0, -1.5, 2**70, 1e308, [], {}, [1, "a"], {"k": [None]}, "", [text(rng)])
    return text(rng) if rng.random() < 0.6 else rng.choice(others)


def record(rng: Random, mixed: bool = False) -> bytes:
    """A line of JSON; its text is a string or null, or else anything."""
    row = {rng.choice(NAMES): value(rng) for _ in range(rng.randrange(4))}
    if not mixed or rng.random() < 0.9:
        row["text"] = text(rng) if rng.random() < 0.97 else None
    return json.dumps(row, ensure_ascii=rng.random() < 0.5).encode()


def mutated(rng: Random, data: bytes) -> bytes:
    """A few bytes changed, left out, doubled or cut off."""
    changed = bytearray(data)
    for _ in range(rng.randrange(1, 4)):
        place = rng.randrange(len(changed) + 1)
        match rng.randrange(5):
            case 0:
                changed[place : place + 1] = rng.randbytes(1)
            case 1:
                del changed[place : place + rng.randrange(5)]
            case 2:
                changed[place:place] = changed[place : place + rng.randrange(9)]
            case 3:
                changed[place:place] = rng.choice(
                    (b"\\ud800", b"\\u00", b'"', b"\xff", b"\xc3", b"{")
                )
            case _:
                del changed[place:]
    return bytes(changed)


def byte_string(rng: Random, mixed: bool = False) -> bytes:
    """One of: a record, a damaged record, random bytes."""
    kind = rng.random()
    if kind < 0.55:
        return record(rng, mixed)
    if kind < 0.85:
        return mutated(rng, record(rng, mixed))
    return rng.randbytes(rng.randrange(rng.choice((4, 40, 400))))
