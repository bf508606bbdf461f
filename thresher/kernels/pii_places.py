# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""Places where personal data may begin.

The plain definition is in :mod:`thresher.kernels.pii_places_plain`. Blocks of 64 bytes are looked
through for what all places of a kind have; the few bytes found are then looked at one by one.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import types

from thresher.kernels.arrow_text import Bytes, Integers
from thresher.kernels.blocks import BLOCK, bits_below, block_at, byte_mask, lowest_bit
from thresher.kernels.compiled import jit, part
from thresher.kernels.pii_places_plain import (
    DIGIT_WITHIN,
    LONGEST_LOCAL,
    SHORTEST_VALUE,
    Kind,
    Places,
)

_EMAIL, _NUMBER, _DOTTED, _COLONS, _DASHES = (int(kind) for kind in list(Kind)[:5])
_IBAN, _TOKEN, _PEM, _ASSIGNED, _WALLET = (int(kind) for kind in list(Kind)[5:])

_DIGIT = ((48, 57),)
_CAPITAL = ((65, 90),)
_HEX = (*_DIGIT, (65, 70), (97, 102))
_PREFIXES = ("AKI", "ASI", "git", "xox", "xap", "AIz", "eyJ", "sk_", "sk-", "rk_", "glp", "npm",
             "pyp", "hf_", "SG.", "ya2", "bc1", "-BE")  # fmt: skip
_digits = byte_mask((_DIGIT,))
_word = byte_mask(((*_DIGIT, *_CAPITAL, (95, 95), (97, 122)),))
_signs = byte_mask((((61, 61), (58, 58), (64, 64)),))
_sequences = byte_mask(
    *(tuple(((byte, byte),) for byte in prefix.encode()) for prefix in _PREFIXES),
    (((103, 103),), ((104, 104),), ((111, 112), (114, 115), (117, 117))),
    (_CAPITAL, _CAPITAL, _DIGIT),
    (_HEX, _HEX, ((45, 45),)),
)


def _table(characters: str) -> npt.NDArray[np.bool_]:
    table = np.zeros(256, np.bool_)
    table[list(characters.encode())] = True
    return table


_DIGITS = "0123456789"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_IS_WORD = _table(_DIGITS + _LETTERS + "_")
_IS_DIGIT = _table(_DIGITS)
_IS_HEX = _table(_DIGITS + "ABCDEFabcdef")
_IS_CAPITAL = _table(_LETTERS[:26])
_IS_ACCOUNT = _table(_DIGITS + _LETTERS[:26])
_IS_ALNUM = _table(_DIGITS + _LETTERS)
_IS_LOCAL = _table(_DIGITS + _LETTERS + "._%+'-")
_IS_TOKEN = _table(_DIGITS + _LETTERS + "_.-")
_IS_VALUE = _table(_DIGITS + _LETTERS + "+/_.~=-")
_IS_FILL = _table(" \t\"'`=>")
_IS_SEPARATOR = _table(" ./()-")


def places(data: Bytes, offsets: Integers, kinds: frozenset[Kind]) -> Places:
    """uint8[n_bytes], int64[n + 1] -> the places of these kinds."""
    wanted = np.zeros(len(Kind), np.bool_)
    wanted[[int(kind) for kind in kinds]] = True
    n_bytes = int(offsets[-1] - offsets[0])
    room = n_bytes // 256 + 64
    while True:
        found = np.empty((3, room), np.int64)
        count = _find(data, offsets, wanted, found)
        if count <= room:
            break
        room = count
    found = found[:, :count]
    found = found[:, np.lexsort((found[2], found[1], found[0]))]
    _count_characters(data, offsets, found)
    return Places(found[0], found[1], found[2])


@jit
def _find(data, offsets, wanted, found):
    """Write places, by bytes, into ``found`` as far as there is room; return how many there are."""
    n_found = 0
    for document in range(offsets.size - 1):
        begin, stop = offsets[document], offsets[document + 1]
        carry = types.uint64(0)  # whether the last byte before the block belongs to a word
        for place in range(begin, stop, BLOCK):
            here = block_at(data, place)
            word = _word(here)
            starts = _digits(here) & ~((word << types.uint64(1)) | carry)
            carry = word >> types.uint64(BLOCK - 1)
            left = (starts | _signs(here) | _sequences(here)) & bits_below(stop - place)
            while left != 0:
                at = place + lowest_bit(left)
                left &= left - types.uint64(1)
                n_found = _look(data, begin, stop, at, document, wanted, found, n_found)
    return n_found


@part
def _look(data, begin, stop, at, document, wanted, found, n_found):  # noqa: C901
    byte = data[at]
    if byte == 64:
        start = _local_start(data, begin, stop, at)
        if start >= 0:
            n_found = _note(document, start, _EMAIL, wanted, found, n_found)
        return n_found
    if byte == 58 or byte == 61:
        if byte == 58:
            start = _colons_start(data, begin, stop, at)
            if start >= 0:
                n_found = _note(document, start, _COLONS, wanted, found, n_found)
        if _is_assigned(data, stop, at):
            n_found = _note(document, at, _ASSIGNED, wanted, found, n_found)
        return n_found
    if byte == 45:
        if _is_pem(data, begin, stop, at):
            n_found = _note(document, at - 4, _PEM, wanted, found, n_found)
        return n_found
    if at > begin and _IS_WORD[data[at - 1]]:
        return n_found
    if _IS_DIGIT[byte]:
        if _has_seven_digits(data, stop, at):
            n_found = _note(document, at, _NUMBER, wanted, found, n_found)
        if not (at > begin and data[at - 1] == 46) and _is_dotted(data, stop, at):
            n_found = _note(document, at, _DOTTED, wanted, found, n_found)
    if _IS_HEX[byte] and not (at > begin and data[at - 1] == 45) and _is_dashed(data, stop, at):
        n_found = _note(document, at, _DASHES, wanted, found, n_found)
    if _IS_CAPITAL[byte] and _is_account(data, stop, at):
        n_found = _note(document, at, _IBAN, wanted, found, n_found)
    if _has_prefix(data, stop, at) and _run(data, at + 3, stop, _IS_TOKEN, SHORTEST_VALUE):
        n_found = _note(document, at, _TOKEN, wanted, found, n_found)
    length = _wallet_prefix(data, stop, at)
    if length > 0 and _run(data, at + length, stop, _IS_ALNUM, 24):
        n_found = _note(document, at, _WALLET, wanted, found, n_found)
    return n_found


@part
def _note(document, place, kind, wanted, found, n_found):
    if not wanted[kind]:
        return n_found
    if n_found < found.shape[1]:
        found[0, n_found] = document
        found[1, n_found] = place
        found[2, n_found] = kind
    return n_found + 1


@part
def _run(data, place, stop, table, length):
    """Whether ``length`` bytes of the table stand at ``place``."""
    if place + length > stop:
        return False
    for k in range(length):  # noqa: SIM110
        if not table[data[place + k]]:
            return False
    return True


@part
def _local_start(data, begin, stop, at):
    """Where the part of an e-mail address before the ``@`` begins; -1 if there is none."""
    if at + 1 >= stop or not (_IS_ALNUM[data[at + 1]] or 0xC3 <= data[at + 1] <= 0xC9):
        return -1
    place = at
    length = 0
    while place > begin and length <= LONGEST_LOCAL:
        if _IS_LOCAL[data[place - 1]]:
            place -= 1
        elif (
            0x80 <= data[place - 1] <= 0xBF
            and place - 2 >= begin
            and 0xC3 <= data[place - 2] <= 0xC9
        ):
            place -= 2
        else:
            break
        length += 1
    return place if 1 <= length <= LONGEST_LOCAL else -1


@part
def _colons_start(data, begin, stop, at):
    """Where a run of hexadecimal digits begins whose first colon this is; -1 if it is no such."""
    place = at
    while place > begin and at - place < 4 and _IS_HEX[data[place - 1]]:
        place -= 1
    if place > begin and (_IS_WORD[data[place - 1]] or data[place - 1] == 58):
        return -1
    after = at + 1
    while after < stop and after - at <= 4 and _IS_HEX[data[after]]:
        after += 1
    return place if after < stop and data[after] == 58 else -1


@part
def _is_assigned(data, stop, at):
    place = at + 1
    while place < stop and place - at <= 5 and _IS_FILL[data[place]]:
        place += 1
    if not (place < stop and _IS_ALNUM[data[place]]):
        return False
    if not _run(data, place, stop, _IS_VALUE, SHORTEST_VALUE):
        return False
    for k in range(place, min(stop, place + DIGIT_WITHIN)):
        if _IS_DIGIT[data[k]]:
            return True
        if not _IS_VALUE[data[k]]:
            return False
    return False


@part
def _is_pem(data, begin, stop, at):
    if at - 4 < begin or at + 7 > stop:
        return False
    for k in range(at - 4, at):
        if data[k] != 45:
            return False
    return (
        data[at + 1] == 66
        and data[at + 2] == 69
        and data[at + 3] == 71
        and data[at + 4] == 73
        and data[at + 5] == 78
        and data[at + 6] == 32
    )


@part
def _separator(data, stop, place):
    """How many bytes the separator there has; 0 if there is none."""
    if _IS_SEPARATOR[data[place]]:
        return 1
    if data[place] == 0xC2 and place + 1 < stop and data[place + 1] == 0xA0:
        return 2
    if data[place] == 0xE2 and place + 2 < stop and data[place + 1] == 0x80:
        last = data[place + 2]
        return 3 if 0x90 <= last <= 0x93 or last == 0xAF else 0
    return 0


@part
def _has_seven_digits(data, stop, at):
    place = at + 1
    for _ in range(6):
        for _ in range(3):
            if place < stop:
                place += _separator(data, stop, place)
        if not (place < stop and _IS_DIGIT[data[place]]):
            return False
        place += 1
    return True


@part
def _is_dotted(data, stop, at):
    place = at
    for _ in range(3):
        first = place
        while place < stop and place - first < 3 and _IS_DIGIT[data[place]]:
            place += 1
        if place == first or not (place < stop and data[place] == 46):
            return False
        place += 1
    return place < stop and _IS_DIGIT[data[place]]


@part
def _is_dashed(data, stop, at):
    if at + 11 > stop:
        return False
    for k in range(11):
        if k % 3 == 2:
            if data[at + k] != 45:
                return False
        elif not _IS_HEX[data[at + k]]:
            return False
    return True


@part
def _is_account(data, stop, at):
    if at + 8 > stop:
        return False
    if not (_IS_CAPITAL[data[at + 1]] and _IS_DIGIT[data[at + 2]] and _IS_DIGIT[data[at + 3]]):
        return False
    place = at + 4
    if data[place] == 32 or data[place] == 45:
        place += 1
    return _run(data, place, stop, _IS_ACCOUNT, 4)


@part
def _has_prefix(data, stop, at):
    if at + 3 > stop:
        return False
    if data[at] == 103 and data[at + 1] == 104:
        last = data[at + 2]
        return last == 111 or last == 112 or last == 117 or last == 115 or last == 114
    for k in range(_MARKS.shape[0]):
        if (
            data[at] == _MARKS[k, 0]
            and data[at + 1] == _MARKS[k, 1]
            and data[at + 2] == _MARKS[k, 2]
        ):
            return True
    return False


_MARKS = np.array([list(prefix.encode()) for prefix in _PREFIXES[:-2]], np.uint8)


@part
def _wallet_prefix(data, stop, at):
    """The length of what an address of Bitcoin or Ethereum begins with; 0 if it does not."""
    if data[at] == 49 or data[at] == 51:
        return 1
    if at + 2 <= stop and data[at] == 48 and data[at + 1] == 120:
        return 2
    if at + 3 <= stop and data[at] == 98 and data[at + 1] == 99 and data[at + 2] == 49:
        return 3
    return 0


@jit
def _count_characters(data, offsets, found):
    """Turn places by bytes, in order, into places by characters of their documents."""
    document = -1
    place = 0
    characters = 0
    for i in range(found.shape[1]):
        if found[0, i] != document:
            document = found[0, i]
            place = offsets[document]
            characters = 0
        while place < found[1, i]:
            characters += (data[place] & 0xC0) != 0x80
            place += 1
        found[1, i] = characters
