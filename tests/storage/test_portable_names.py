# SPDX-License-Identifier: Apache-2.0
"""Names that every store takes: of parts, and of the files that are written."""

from __future__ import annotations

import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thresher.runs.names import OutputNames
from thresher.storage import portable_name, portable_path, printable

FAMILY = "👩‍💻"


@pytest.mark.parametrize(
    ("name", "portable"),
    [
        (b"caf\xe9.jsonl", "caf%E9.jsonl"),
        ("café.jsonl", "café.jsonl"),
        ("cafe\u0301.jsonl", "cafe\u0301.jsonl"),
        (b"\xff\xfe", "%FF%FE"),
        (b"\xe2\x82.jsonl", "%E2%82.jsonl"),
        (b"\xed\xa0\x80.jsonl", "%ED%A0%80.jsonl"),
        ("東京　2024.jsonl", "東京　2024.jsonl"),
        (f"{FAMILY}.jsonl", f"{FAMILY}.jsonl"),
        ("می‌خواهم", "می‌خواهم"),
        ("a\nb\tc\r.jsonl", "a%0Ab%09c%0D.jsonl"),
        ("\x00\x1b[31m\x7f\x85", "%00%1B[31m%7F%C2%85"),
        ("a\u2028b\u2029c\ufeff", "a%E2%80%A8b%E2%80%A9c%EF%BB%BF"),
        ("a\u202etxt.jsonl", "a%E2%80%AEtxt.jsonl"),
        ("\ud83d.jsonl", "%ED%A0%BD.jsonl"),
        ("_x.jsonl", "%5Fx.jsonl"),
        (".x.jsonl", "%2Ex.jsonl"),
        ("__init__", "%5F_init__"),
        ("..", "%2E."),
        (".", "%2E"),
        (" a.jsonl ", "%20a.jsonl%20"),
        ("  ", "%20%20"),
        (" ", "%20"),
        ("\u3000a\u00a0", "%E3%80%80a%C2%A0"),
        ("a b.jsonl", "a b.jsonl"),
        ("100%.jsonl", "100%.jsonl"),
        ("caf%E9.jsonl", "caf%E9.jsonl"),
        ("what?[*].jsonl", "what?[*].jsonl"),
        ("a" * 200, "a" * 200),
    ],
)
def test_portable_names(name: str | bytes, portable: str) -> None:
    found = portable_name(os.fsdecode(name))
    assert found == portable
    assert portable_name(found) == found, "a name that was written is kept when it is read"


@pytest.mark.parametrize(
    ("name", "beginning", "ending"),
    [
        ("a" * 255, "a" * 180, ""),
        ("b" * 249 + ".jsonl", "b" * 170, ".jsonl"),
        ("c" * 246 + ".jsonl.gz", "c" * 170, ".jsonl.gz"),
        ("é" * 120 + ".json.zst", "é" * 80, ".json.zst"),
        ("_" + "d" * 248 + ".jsonl", "%5Fd", ".jsonl"),
        ("😀" * 60 + ".jsonl", "😀" * 40, ".jsonl"),
        ("v1.2 " * 49 + "x.jsonl", "v1.2 v1.2", ".jsonl"),
        ("a." + "e" * 250, "a.eee", ""),
        ("\udce9" * 240 + ".jsonl", "%E9%E9", ".jsonl"),
    ],
)
def test_long_names(name: str, beginning: str, ending: str) -> None:
    found = portable_name(name)
    assert found.startswith(beginning)
    assert found.endswith(ending)
    assert 170 < len(found.encode()) <= 200
    assert found == portable_name(name)
    assert found != portable_name(name[:100] + "!" + name[101:])
    longest = OutputNames().name(f"{found}@0000000000+12345", 9999, "parquet")
    assert len(longest.encode()) <= 255
    assert re.search(r"%(?![0-9A-F]{2})", found) is None, "an escape is cut"


def test_paths() -> None:
    assert portable_path("a//_b/../.c/d ") == "a/%5Fb/%2E./%2Ec/d%20"
    assert printable("a\n\udce9_") == "a%0A%E9_"


@given(st.text(st.characters(), max_size=300))
def test_any_name(name: str) -> None:
    found = portable_name(name.replace("/", ""))
    found.encode()
    assert len(found.encode()) <= 200
    assert found == found.strip()
    assert not found.startswith(("_", "."))
    assert found.splitlines() in ([found], [])
    assert portable_name(found) == found
