# SPDX-License-Identifier: Apache-2.0
# mypy: allow-untyped-defs, allow-untyped-calls
"""How much of a document its repeated sequences of words make up.

Sequences of n words are looked for only where those of n - 1 repeat, by a table of counts that
takes no branches: a slot's count is never less than that of a sequence in it, so what is left out
does not repeat. Only what is left is counted by its hash of 64 bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types

from thresher.kernels.arrow_text import Bytes, Integers, sample
from thresher.kernels.blocks import count_characters, inlined
from thresher.kernels.compiled import jit, part
from thresher.kernels.distinct import table_size
from thresher.kernels.hashing import MIX, hash_words
from thresher.kernels.scratch import longest, slots_for
from thresher.kernels.split import SPARE_EDGES, split_words

_I64 = ir.IntType(64)
_LENGTH_MIX = 0xD6E8FEB86659FD93  # odd, and its bits look random


def signals(
    data: Bytes, offsets: Integers, top: Sequence[int], repeated: Sequence[int]
) -> dict[str, Integers]:
    """uint8[n_bytes], int64[n_documents+1] -> int64[n_documents] each of:

    ``top_characters:<n>`` for each n of ``top``: characters of the most frequent n words (of
    several, the first), joined by blanks, times how often they are there; 0 for documents of fewer
    than n words. ``repeated_characters:<n>`` for each n of ``repeated``: characters, without white
    space, of n words that were there before; after such the search goes on behind them.
    """
    wanted = np.zeros(max((*top, *repeated), default=0) + 1, np.uint8)
    wanted[list(top)] |= 1
    wanted[list(repeated)] |= 2
    counts = np.zeros((2, len(wanted), len(offsets) - 1), np.int64)
    if wanted.any():
        room = longest(offsets) // 2 + 2
        edges = np.empty(2 * room + SPARE_EDGES, np.int64)
        hashes, keys = np.empty((2, room), np.uint64)
        active = np.empty(room, np.int64)
        size = slots_for(room)
        tally, times = np.empty((2, size), np.uint32)
        slots = np.empty(size, np.uint64)
        places = np.empty(size, np.int64)
        _count(
            data, offsets, wanted, edges, hashes, keys, active, tally, slots, places, times,
            counts,
        )  # fmt: skip
    found = {f"top_characters:{n}": counts[0, n] for n in top}
    return found | {f"repeated_characters:{n}": counts[1, n] for n in repeated}


def compile_all() -> None:
    """Compile the kernel."""
    signals(*sample(), (2,), (3,))


@jit
def _count(
    data, offsets, wanted, edges, hashes, keys, active, tally, slots, places, times,
    counts,
):  # fmt: skip
    mix = types.uint64(_LENGTH_MIX)
    for document in range(offsets.size - 1):
        begin = offsets[document]
        stop = offsets[document + 1]
        n_words = split_words(data, begin, stop, edges)
        hash_words(data, n_words, edges, hashes)
        for word in range(n_words):  # words of one hash may differ in length
            hashes[word] += types.uint64(edges[2 * word + 1] - edges[2 * word]) * mix
        is_ascii = count_characters(data, begin, stop) == stop - begin
        _cascade(
            data, n_words, edges, is_ascii, hashes, keys, active,
            tally, slots, places, times, wanted, counts, document,
        )  # fmt: skip


@part
def _cascade(
    data, n_words, edges, is_ascii, hashes, keys, active, tally, slots, places, times,
    wanted, counts, document,
):  # fmt: skip
    """Fill ``counts`` int64[2, n_max + 1, n_documents] for one document."""
    n = 1
    while wanted[n] == 0:
        n += 1
    n_active = _start(n, n_words, hashes, keys, active)
    while n < wanted.size and n_active > 1:
        n_active, size, most = _repeating(n_active, keys, active, tally)
        if wanted[n] & 1:
            top, often = _top(n_active, keys, active, tally[:size], most, slots, places, times)
            n_characters = _characters(data, edges, top, top + n, is_ascii)
            counts[0, n, document] = often * (n_characters + n - 1)
        if wanted[n] & 2:
            counts[1, n, document] = _repeated(
                data, n, n_active, edges, is_ascii, keys, active, slots
            )
        n += 1
        n_active = _longer(n, n_words, n_active, hashes, keys, active)
    for rest in range(n, wanted.size):  # nothing repeats any more
        if wanted[rest] & 1 and rest <= n_words:
            n_characters = _characters(data, edges, types.int64(0), rest, is_ascii)
            counts[0, rest, document] = n_characters + rest - 1


@part
def _start(n, n_words, hashes, keys, active):
    """Every sequence of n words; int64 how many there are."""
    mix = types.uint64(MIX)
    n_active = n_words - n + 1 if n <= n_words else 0
    for place in range(n_active):
        active[place] = place
        keys[place] = hashes[place]
    for k in range(1, n):
        for place in range(n_active):
            keys[place] = keys[place] * mix + hashes[place + k]
    return n_active


@inlined
def _slot(typing_context, key, size):
    """uint64, int64 power of two -> int64: the slot at which a key is looked for first."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        mixed = builder.mul(arguments[0], ir.Constant(_I64, MIX))
        low = builder.sub(arguments[1], ir.Constant(_I64, 1))
        return builder.and_(builder.lshr(mixed, ir.Constant(_I64, 32)), low)

    return types.int64(types.uint64, types.int64), generate


@part
def _repeating(n_active, keys, active, tally):
    """Keep what may repeat: (int64 how much, int64 slots of ``tally``, uint32 highest count)."""
    size = table_size(n_active)
    tally[:size] = 0
    for item in range(n_active):
        tally[_slot(keys[item], size)] += types.uint32(1)
    n_left = 0
    most = types.uint32(0)
    for item in range(n_active):
        often = tally[_slot(keys[item], size)]
        most = often if often > most else most
        keys[n_left] = keys[item]
        active[n_left] = active[item]
        n_left += often > 1
    return n_left, size, most


@part
def _longer(n, n_words, n_active, hashes, keys, active):
    """Lengthen to n words where both sequences of one word less may repeat; int64 how many."""
    mix = types.uint64(MIX)
    n_left = 0
    for item in range(n_active - 1):
        place = active[item]
        fits = active[item + 1] == place + 1 and place + n <= n_words
        last = place + n if fits else n_words
        active[n_left] = place
        keys[n_left] = keys[item] * mix + hashes[last - 1]
        n_left += fits
    return n_left


@part
def _top(n_active, keys, active, tally, most, slots, places, times):
    """The first place and the count (int64, int64) of the most frequent sequence."""
    least = most
    while least > 1:
        top, often = _most_frequent(n_active, keys, active, tally, least, slots, places, times)
        if often >= least:
            return top, types.int64(often)
        # Slots that several share hid it.
        least = often if often > 2 else types.uint32(1 + (least > 2))
    return types.int64(0), types.int64(1)


@part
def _most_frequent(n_active, keys, active, tally, least, slots, places, times):
    """The most frequent of the sequences whose slots of ``tally`` count ``least`` and more."""
    n_likely = 0
    for item in range(n_active):
        n_likely += tally[_slot(keys[item], tally.size)] >= least
    size = table_size(n_likely)
    times[:size] = 0
    for item in range(n_active):
        key = keys[item]
        if tally[_slot(key, tally.size)] < least:
            continue
        slot = _slot(key, size)
        while times[slot] != 0 and slots[slot] != key:
            slot = slot + 1 & size - 1
        if times[slot] == 0:
            slots[slot] = key
            places[slot] = active[item]
        times[slot] += types.uint32(1)
    top = 0
    often = types.uint32(0)
    for slot in range(size):
        if times[slot] > often or (times[slot] == often and places[slot] < top and often > 0):
            top = places[slot]
            often = times[slot]
    return top, often


@part
def _repeated(data, n, n_active, edges, is_ascii, keys, active, slots):
    """int64: characters of the sequences of n words that were there before."""
    size = table_size(n_active)
    slots[:size] = 0
    n_characters = 0
    free = 0  # the word at which the next sequence may begin
    for item in range(n_active):
        place = active[item]
        if place < free:
            continue
        key = keys[item] | types.uint64(keys[item] == 0)  # 0 is a free slot
        slot = _slot(key, size)
        while slots[slot] != 0 and slots[slot] != key:
            slot = slot + 1 & size - 1
        if slots[slot] == key:
            n_characters += _characters(data, edges, place, place + n, is_ascii)
            free = place + n
        slots[slot] = key
    return n_characters


@part
def _characters(data, edges, first, behind, is_ascii):
    """int64: characters of the words from number ``first`` to before ``behind``."""
    n_characters = 0
    for word in range(first, behind):
        start = edges[2 * word]
        end = edges[2 * word + 1]
        n_characters += end - start if is_ascii else count_characters(data, start, end)
    return n_characters
