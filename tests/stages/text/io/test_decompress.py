# SPDX-License-Identifier: Apache-2.0
"""Compressed files: members one after another, padding, and no byte that a check does not confirm.

Every file here is damaged in every place there is.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from backports import zstd

from tests.stages.text.io.jsonl_files import TEXTS, group, read
from thresher.errors import StorageError
from thresher.stages.reading import SourceError
from thresher.stages.text.io.decompress import (
    CutOff,
    Reading,
    compression_in,
    compression_of,
    decompressed,
    members,
)

CHECKED = {zstd.CompressionParameter.checksum_flag: 1}
COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": lambda data: gzip.compress(data, mtime=1),
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": lambda data: zstd.compress(data, options=CHECKED),
}
MAGIC = {".gz": 2, ".bz2": 4, ".xz": 6, ".zst": 4}
"""Bytes at the beginning by which a file is told from plain text."""

SKIPPABLE = b"\x52\x2a\x4d\x18\x03\x00\x00\x00abc"
every_format = pytest.mark.parametrize("kind", COMPRESSORS)

TEXT = [f"{i} é {'x' * (i % 7)}" for i in range(40)]
DATA = "".join(json.dumps({"text": text}) + "\n" for text in TEXT).encode()


def read_all(data: bytes, kind: str, chunk: int = 1 << 18) -> tuple[bytes, list[str], str]:
    """What comes out of a file, what is told of it, and how it ends."""

    class Slow(io.BytesIO):
        def read(self, n_bytes: int | None = -1, /) -> bytes:
            return super().read(chunk)

    told: list[str] = []
    found = b""
    try:
        for piece in members(Slow(data), kind, told.append):
            found += piece
    except CutOff as error:
        return found, told, str(error)
    return found, told, ""


@every_format
@pytest.mark.parametrize("chunk", [1, 7, 1 << 18])
def test_members_one_after_another(kind: str, chunk: int) -> None:
    compress = COMPRESSORS[kind]
    for parts in ([b""], [DATA], [b"a"], [DATA, DATA], [b"a", b"", b"bc", DATA, b""]):
        data = b"".join(map(compress, parts))
        assert read_all(data, kind, chunk) == (b"".join(parts), [], "")


@every_format
def test_an_empty_file_has_nothing(kind: str) -> None:
    assert read_all(b"", kind) == (b"", [], "")


@every_format
@pytest.mark.parametrize("chunk", [1, 1 << 18])
@pytest.mark.parametrize("padding", [b"\n", b"\0", bytes(5), b"\r\n", b" \t\0\n" * 200])
def test_padding_is_told_and_harmless(kind: str, chunk: int, padding: bytes) -> None:
    bytes_follow = "byte of padding follows" if len(padding) == 1 else "bytes of padding follow"
    warning = f"{len(padding)} {bytes_follow} the compressed data"
    data = COMPRESSORS[kind](DATA)
    assert read_all(data + padding, kind, chunk) == (DATA, [warning], "")
    assert read_all(data + padding + data, kind, chunk) == (DATA + DATA, [warning], "")


@every_format
@pytest.mark.parametrize("chunk", [1, 1 << 18])
@pytest.mark.parametrize("rest", [b"x", b"{}\n", b"\n\nmore", b"\x1f", b"\0\0B", bytes(99) + b"\1"])
def test_anything_else_behind_a_member_is_an_error(kind: str, chunk: int, rest: bytes) -> None:
    found, _, error = read_all(COMPRESSORS[kind](DATA) + rest, kind, chunk)

    assert found == DATA
    assert "neither padding nor compressed" in error or "ends early" in error


@every_format
def test_a_file_cut_off_anywhere_is_an_error(kind: str) -> None:
    compress = COMPRESSORS[kind]
    first, data = compress(DATA), compress(DATA) + compress(DATA[:30])
    for size in range(1, len(data)):
        found, told, error = read_all(data[:size], kind)
        if size == len(first):
            assert (found, told, error) == (DATA, [], "")
            continue
        assert (DATA + DATA[:30]).startswith(found)
        assert error, size
        assert told == []


@every_format
def test_a_changed_byte_changes_no_value_unseen(kind: str) -> None:
    data = COMPRESSORS[kind](DATA)
    harmless = 0
    for place in range(len(data)):
        for change in (0x01, 0x80, 0xFF):
            damaged = bytearray(data)
            damaged[place] ^= change
            found, _, error = read_all(bytes(damaged), kind)
            assert error or found == DATA, (place, change)
            harmless += not error
    assert harmless <= 3 * 12  # fields that say nothing of the data: a time, a system


@every_format
def test_a_member_without_its_end_or_beginning_is_an_error(kind: str) -> None:
    data = COMPRESSORS[kind](DATA)
    for damaged in (data + data[: len(data) // 2], data + data[3:], data[:-1] + data):
        assert read_all(damaged, kind)[2], damaged[:40]


def test_skippable_frames() -> None:
    data = COMPRESSORS[".zst"](DATA)
    for parts in ([SKIPPABLE, data], [data, SKIPPABLE], [data, SKIPPABLE, data]):
        assert read_all(b"".join(parts), ".zst") == (DATA * parts.count(data), [], "")
    assert compression_in(SKIPPABLE) == ".zst"


@every_format
def test_much_is_made_of_little_in_steps(kind: str) -> None:
    data = COMPRESSORS[kind](bytes(20_000_000))
    sizes = [len(piece) for piece in members(io.BytesIO(data), kind)]
    assert sum(sizes) == 20_000_000
    assert max(sizes) <= 1 << 22


def test_formats_are_known_by_name_and_by_first_bytes() -> None:
    for kind, compress in COMPRESSORS.items():
        assert compression_of(f"a.jsonl{kind}") == kind
        assert compression_of(f"A.JSONL{kind.upper()}") == kind
        data = compress(b"x")
        assert compression_in(data[:6]) == kind
        assert compression_in(data[:1]) == ""
    assert compression_of("a.jsonl.zstd") == ".zst"
    assert compression_of("a.jsonl") == compression_of("gz") == ""
    for head in (b"", b"{", b'{"text', b"\xef\xbb\xbf", b"PAR1"):
        assert compression_in(head) == ""


def test_a_failing_storage_is_no_fault_of_the_data(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        list(decompressed(str(tmp_path / "none.gz")))

    class Failing(io.BytesIO):
        def read(self, n_bytes: int | None = -1, /) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(StorageError) as caught:
        list(members(Reading(Failing(), "a.gz"), ".gz"))
    assert "a.gz" in caught.value.where


# -- as files ---------------------------------------------------------------------------------


@every_format
def test_a_damaged_file_gives_all_or_nothing(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.jsonl{kind}"
    data = COMPRESSORS[kind](DATA)
    places = range(MAGIC[kind], len(data), 3)
    damaged = [data[:size] for size in places]
    damaged += [data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :] for at in places]
    refused = 0
    for each in damaged:
        path.write_bytes(each)
        error, table = attempt(path)
        if error is None:
            assert table.column("text").to_pylist() == TEXT
            continue
        assert (error.path, error.is_estimate) == (str(path), True)
        refused += 1
    assert refused > 1.8 * len(places)


def attempt(path: Path) -> tuple[SourceError | None, pa.Table]:
    try:
        table, report = read(group(path), TEXTS)
    except SourceError as error:
        return error, None
    assert not report.bad
    return None, table


@every_format
def test_members_that_cut_a_record_or_a_sign(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "data"
    raw = "".join(f'{{"text":"{text}"}}\n' for text in TEXT).encode()
    for size in (1, 3, 1000):
        parts = [raw[at : at + size] for at in range(0, len(raw), size)]
        path.write_bytes(b"".join(map(COMPRESSORS[kind], parts)))
        assert read(group(path), TEXTS)[0].column("text").to_pylist() == TEXT
    path.write_bytes(COMPRESSORS[kind](b"\xef\xbb\xbf" + raw))
    assert read(group(path), TEXTS)[0].column("text").to_pylist() == TEXT


def test_random_bytes_are_never_taken_for_data() -> None:
    for kind, compress in COMPRESSORS.items():
        start = compress(b"")[: MAGIC[kind]]
        for _ in range(50):
            assert read_all(start + os.urandom(200), kind)[2]
