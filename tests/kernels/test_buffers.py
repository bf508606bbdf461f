# SPDX-License-Identifier: Apache-2.0
"""Kernels stay within their buffers, whatever bytes these hold."""

import ctypes
import importlib
import mmap
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kernels.documents import columns, shapes
from thresher.kernels.arrow_text import is_text, text_chunks
from thresher.stages.text.filters.signals import KERNELS

PARAMETERS = {"ngrams": ("top_ngram_characters:2", "duplicate_ngram_characters:3")}
ALL = pytest.mark.parametrize("kernel", KERNELS)


def run(kernel, data, offsets):
    module = importlib.import_module(f"thresher.kernels.{kernel}")
    return module.signals(data, offsets, *PARAMETERS.get(kernel, ()))


def frozen(array):
    array.flags.writeable = False
    return array


def before_a_forbidden_page(content):
    """The bytes at the very end of a page behind which no byte may be read."""
    page = mmap.PAGESIZE
    size = -(-max(len(content), 1) // page) * page
    memory = mmap.mmap(-1, size + page)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    protect = ctypes.CDLL(None, use_errno=True).mprotect
    protect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    assert protect(address + size, page, 0) == 0
    whole = np.frombuffer(memory, np.uint8)
    data = whole[size - len(content) : size]
    data[:] = np.frombuffer(content, np.uint8)
    data.flags.writeable = False
    return data


@ALL
@settings(max_examples=60, deadline=None)
@given(documents=st.lists(st.binary(max_size=200), max_size=6))
def test_any_bytes_at_the_end_of_memory(kernel, documents):
    content = b"".join(documents)
    offsets = frozen(np.cumsum([0, *map(len, documents)]).astype(np.int64))
    for values in run(kernel, before_a_forbidden_page(content), offsets).values():
        assert values.dtype == np.int64
        assert len(values) == len(documents)


@ALL
def test_every_length_at_the_end_of_memory(kernel):
    text = ("http://é.\u3000#... 漢字\nread more\n" * 8).encode()
    for length in range(len(text)):
        content = text[-length:] if length else b""
        offsets = frozen(np.array([0, length], np.int64))
        found = run(kernel, before_a_forbidden_page(content), offsets)
        roomy = frozen(np.frombuffer(content + bytes(4096), np.uint8).copy())
        expected = run(kernel, roomy, offsets)
        assert found.keys() == expected.keys()
        for name, values in found.items():
            assert values.tolist() == expected[name].tolist(), (name, length)


@ALL
def test_documents_do_not_see_their_neighbours(kernel):
    texts = ["http://a", "b#", "...", "", "\u3000", "é…", "read more", "a b a b", "c"] * 9
    [together] = text_chunks(pa.array(texts))
    whole = run(kernel, *together)
    for row, text in enumerate(texts):
        [alone] = text_chunks(pa.array([text]))
        for name, values in run(kernel, *alone).items():
            assert values[0] == whole[name][row]


@settings(deadline=None)
@given(texts=columns)
def test_text_chunks_hold_the_column(texts):
    for column in shapes(texts):
        found = [
            bytes(data[start:stop]).decode()
            for data, offsets in text_chunks(column)
            for start, stop in pairwise(offsets)
        ]
        assert found == [text or "" for text in texts]


def test_other_ways_of_holding_text():
    texts = ["a b", None, "c"]
    for column in (
        pa.array(texts).dictionary_encode(),
        pa.array(texts, pa.string_view()),
        pa.nulls(3),
    ):
        assert is_text(column.type)
        [(data, offsets)] = text_chunks(column)
        expected = [text or "" for text in column.to_pylist()]
        assert [bytes(data[a:b]).decode() for a, b in pairwise(offsets)] == expected
    assert not is_text(pa.int64())
    assert not is_text(pa.binary())
