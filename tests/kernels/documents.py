# SPDX-License-Identifier: Apache-2.0
"""Documents to try text code on: any Unicode, and all that filters look for."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
from hypothesis import strategies as st

SPACES = (
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2005\u200a\u2028\u2029\u202f\u205f\u3000"
)
NEAR_SPACES = "\x00\x1b\x7f\x84\x86\u167f\u180e\u200b\u200c\u2027\u202e\u2060\u3001\ufeff"
MARKS = [
    "...", "[...]", "…", "(...)", "[…]", "-»", "read more..", "READ More", "reaD", "»", "..",
    ". ..", "•", "‣", "⦿", "○", "#", "##", "#a", "#a#", "#é#", "#\u3000", ".", "?", "!", '"', "'",
    "“", "\u212a", "http://a.b/c?d=%20#e", "https://x", "http://", "https://é", "http://a%2",
    "http://%zz", "HTTP://a", "hhttp://a.de", "http://http://b.c", "www.a.de", "of the", "of",
    "lorem ipsum", "Lorem", "Privacy Policy", "coo\u212aie policy", "use cookies", "Terms of usE",
    "http://porn.x", "have", "with", "that", "to", "be", "the", "oof them",
    "the of", "of\u2003the", "of  the", "a", "aa", "aaa", "ab", "ba",
]  # fmt: skip

NUMBERS_AND_LETTERS = "09٣१０𝟘𝟿²½Ⅷⓐ㊀ªʰéßяع中あ\U00020000\u0345()[]{}⟨⟩（\b"

_pieces = st.one_of(
    st.sampled_from(MARKS),
    st.sampled_from(SPACES + NEAR_SPACES),
    st.sampled_from(NUMBERS_AND_LETTERS),
    st.sampled_from(
        ["\n", " ", "\n\n", "\n\n\n", "\r\n", " \n", "\n ", "x" * 63, "é" * 40, "\u3000" * 30]
    ),
    st.characters(codec="utf-8"),
    st.text(st.characters(codec="utf-8"), max_size=20),
    st.text("ab .#\n", max_size=80),
)

documents = st.one_of(
    st.lists(_pieces, max_size=40).map("".join),
    st.lists(st.sampled_from(MARKS), max_size=60).map(" ".join),
    st.text(st.characters(codec="utf-8")),
)

columns = st.lists(st.one_of(st.none(), documents), max_size=12)


def shapes(texts: list[str | None]) -> Iterator[pa.Array | pa.ChunkedArray]:
    """The same column in all the ways that Arrow has of holding it."""
    for kind in (pa.string(), pa.large_string()):
        whole = pa.array(texts, kind)
        yield whole
        yield pa.array(["before, ünd", *texts, "behind", None], kind)[1 : 1 + len(texts)]
        middle = len(texts) // 2
        yield pa.chunked_array([whole[:middle], whole[middle:], whole[:0]], kind)
    yield pa.chunked_array([], pa.string()) if not texts else pa.chunked_array([whole])


@contextmanager
def kernels(kind: str) -> Iterator[None]:
    """Use ``"compiled"`` or ``"plain"`` kernels."""
    before = os.environ.get("THRESHER_KERNELS")
    os.environ["THRESHER_KERNELS"] = kind
    try:
        yield
    finally:
        if before is None:
            del os.environ["THRESHER_KERNELS"]
        else:
            os.environ["THRESHER_KERNELS"] = before
