# SPDX-License-Identifier: Apache-2.0
"""White space is what Python says it is, for every character there is."""

import numpy as np
import pyarrow as pa

from thresher.kernels import symbols, words
from thresher.kernels.arrow_text import text_chunks
from thresher.kernels.white_space import space_width

CHARACTERS = [chr(c) for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]


def test_every_character_alone():
    [text] = text_chunks(pa.array(CHARACTERS))
    expected = [len(c.split()) for c in CHARACTERS]
    assert words.signals(*text)["words"].tolist() == expected


def test_every_character_across_the_end_of_a_block():
    for lead in (61, 62, 63):
        [text] = text_chunks(pa.array(["a" * lead + c + "b" for c in CHARACTERS]))
        expected = [len(f"a{c}b".split()) for c in CHARACTERS]
        assert words.signals(*text)["words"].tolist() == expected


def test_the_width_of_one_character():
    for character in CHARACTERS[:0x3100]:
        data = np.frombuffer(character.encode(), np.uint8)
        expected = len(data) if character.isspace() else 0
        assert space_width(data, 0, len(data)) == expected


def test_cut_characters_are_not_read_past():
    for start in ("\xa0", "\u2028", "\u3000", "\u1680", "\u205f"):
        whole = np.frombuffer(start.encode(), np.uint8)
        for cut in range(1, len(whole)):
            assert space_width(whole[:cut].copy(), 0, cut) == 0
            assert space_width(whole, 0, cut) == 0


def test_no_character_becomes_a_letter_of_a_mark_when_lowered():
    letters = set("read mo")
    odd = [c for c in CHARACTERS if ord(c) > 127 and letters & set(c.lower())]
    assert odd == []


def test_a_symbol_ends_at_any_white_space():
    spaces = [c for c in CHARACTERS if c.isspace()]
    texts = [f"...{c}[…]{c}x" for c in spaces]
    [text] = text_chunks(pa.array(texts))
    assert symbols.signals(*text)["symbol_words"].tolist() == [2] * len(texts)
