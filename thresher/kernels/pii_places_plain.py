# SPDX-License-Identifier: Apache-2.0
"""Places where personal data may begin, by regular expressions.

A place is cheap to find and says little: what stands there is decided by the recognizers of
:mod:`thresher.stages.text.pii`. All expressions look only at bounded stretches of text.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from thresher.kernels.arrow_text import Integers

WORD = "0-9A-Za-z_"
LATIN = "\u00c0-\u027f"
"""Latin letters beyond ASCII: all characters whose UTF-8 begins with 0xC3 to 0xC9."""

LOCAL = rf"0-9A-Za-z._%+'\-{LATIN}"
"""What the part of an e-mail address before the ``@`` is made of."""

SEPARATOR = " ./()\\-\u00a0\u2010-\u2013\u202f"
"""What stands between the digits of a number."""

TOKEN = r"0-9A-Za-z_.\-"
VALUE = r"0-9A-Za-z+/_.~=\-"
FILL = " \\t\"'`=>"
HEX = "0-9A-Fa-f"

LONGEST_LOCAL = 64
SHORTEST_VALUE = 16
DIGIT_WITHIN = 32


class Kind(IntEnum):
    """What may begin at a place."""

    EMAIL = 0  # the characters before an "@"
    NUMBER = 1  # a group of digits, with seven digits from there on
    DOTTED = 2  # four short numbers with dots between
    COLONS = 3  # hexadecimal digits and two colons among them
    DASHES = 4  # four pairs of hexadecimal digits with dashes between
    IBAN = 5  # two capitals, two digits and more
    TOKEN = 6  # a prefix that tells whose key it is
    PEM = 7  # "-----BEGIN "
    ASSIGNED = 8  # "=" or ":" before a long value with a digit
    WALLET = 9  # a beginning of an address of Bitcoin or Ethereum


_TOKEN_BEGINS = (
    r"(?:AKI|ASI|gh[opusr]|git|xox|xap|AIz|eyJ|sk[_\-]|rk_|glp|npm|pyp|hf_|SG\.|ya2)"
    rf"[{TOKEN}]{{{SHORTEST_VALUE}}}"
)

_PLACES = {
    Kind.EMAIL: rf"(?<![{LOCAL}])[{LOCAL}]{{1,{LONGEST_LOCAL}}}+@(?=[0-9A-Za-z{LATIN}])",
    Kind.NUMBER: rf"(?<![{WORD}])(?=[0-9](?:[{SEPARATOR}]{{0,3}}+[0-9]){{6}})",
    Kind.DOTTED: rf"(?<![{WORD}.])(?=(?:[0-9]{{1,3}}\.){{3}}[0-9])",
    Kind.COLONS: rf"(?<![{WORD}:])(?=(?:[{HEX}]{{0,4}}:){{2}})",
    Kind.DASHES: rf"(?<![{WORD}\-])(?=(?:[{HEX}]{{2}}-){{3}}[{HEX}]{{2}})",
    Kind.IBAN: rf"(?<![{WORD}])(?=[A-Z]{{2}}[0-9]{{2}}[ \-]?[0-9A-Z]{{4}})",
    Kind.TOKEN: rf"(?<![{WORD}])(?={_TOKEN_BEGINS})",
    Kind.PEM: r"-----(?=BEGIN )",
    Kind.ASSIGNED: (
        rf"[=:](?=[{FILL}]{{0,5}}+(?=[0-9A-Za-z][{VALUE}]{{{SHORTEST_VALUE - 1}}})"
        rf"[A-Za-z+/_.~=\-]{{0,{DIGIT_WITHIN - 1}}}+[0-9])"
    ),
    Kind.WALLET: rf"(?<![{WORD}])(?=(?:[13]|bc1|0x)[0-9A-Za-z]{{24}})",
}
PLACES = {kind: re.compile(pattern) for kind, pattern in _PLACES.items()}

# What a document must have, in the dialect of RE2: no looking around.
_NEEDED = {
    Kind.EMAIL: rf"@[0-9A-Za-z{LATIN}]",
    Kind.NUMBER: rf"(?:[0-9][{SEPARATOR}]{{0,3}}){{6}}[0-9]",
    Kind.DOTTED: r"(?:[0-9]{1,3}\.){3}[0-9]",
    Kind.COLONS: rf":[{HEX}]{{0,4}}:",
    Kind.DASHES: rf"(?:[{HEX}]{{2}}-){{3}}",
    Kind.IBAN: r"[A-Z]{2}[0-9]{2}[ \-]?[0-9A-Z]{4}",
    Kind.TOKEN: _TOKEN_BEGINS,
    Kind.PEM: "-----BEGIN ",
    Kind.ASSIGNED: rf"[=:][{FILL}]{{0,5}}[0-9A-Za-z][{VALUE}]{{{SHORTEST_VALUE - 1}}}",
    Kind.WALLET: r"(?:[13]|bc1|0x)[0-9A-Za-z]{24}",
}


class Places(NamedTuple):
    """k places in n documents, in order: document, character in it, kind; int64[k] each."""

    documents: Integers
    characters: Integers
    kinds: Integers


def places_of(text: str, kinds: frozenset[Kind] = frozenset(Kind)) -> list[tuple[int, int]]:
    """(character, kind) of every place in a text, in order."""
    return sorted(
        (found.start(), int(kind)) for kind in kinds for found in PLACES[kind].finditer(text)
    )


def places(column: pa.Array, kinds: frozenset[Kind]) -> Places:
    """The places of these kinds, at least one, in a text column; a null has none."""
    found: list[tuple[int, int, int]] = []
    # Most documents have nothing at all, which one look tells.
    some = _matching(column, "|".join(_NEEDED[kind] for kind in sorted(kinds)))
    rest = column.take(some)
    for kind in kinds:
        likely = _matching(rest, _NEEDED[kind])
        documents, texts = some.take(likely).to_pylist(), rest.take(likely).to_pylist()
        for document, text in zip(documents, texts, strict=True):
            found += [(document, at.start(), int(kind)) for at in PLACES[kind].finditer(text)]
    each = np.array(sorted(found), np.int64).reshape(-1, 3)
    return Places(each[:, 0], each[:, 1], each[:, 2])


def _matching(column: pa.Array, pattern: str) -> pa.Array:
    """uint64[m]: the rows in which a pattern of RE2 is found."""
    return pc.indices_nonzero(pc.match_substring_regex(column, pattern))
