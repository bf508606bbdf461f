# SPDX-License-Identifier: Apache-2.0
"""SequencePacker: documents in, tables of packed sequences out."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa

from thresher.stages.text.packing.cuts import Cuts, Ints, best_fit, concatenate
from thresher.stages.text.tokenizing import Tokens
from thresher.tasks.columns import from_numpy

PACKINGS: dict[str, Callable[[Ints, int], Cuts]] = {
    "concatenate": concatenate, "best_fit": best_fit
}  # fmt: skip

WINDOW = 1 << 22
"""Tokens that are packed together, and then written, at least."""

SEQUENCES = 256
"""Sequences that they make at least."""


def schema(size: int, ids: pa.DataType) -> pa.Schema:
    """Columns of packed sequences of ``size`` tokens, whose documents have such ids."""
    int32 = pa.int32()
    return pa.schema(
        [
            ("input_ids", pa.list_(int32, size)),
            ("n_tokens", int32),
            ("cu_seqlens", pa.list_(int32)),
            ("document_ids", pa.list_(ids)),
            ("position_offsets", pa.list_(int32)),
        ]
    )


class SequencePacker:
    """Packs documents in the order given, a window of them at a time.

    A window ends with the document that fills it, so that the result does not depend on how the
    documents were batched. ``concatenate`` carries what is left of a window into the next;
    ``best_fit`` packs each window for itself. What is left at the end is padded: no token is ever
    left out.

    Parameters
    ----------
    size : int
        Tokens of a sequence.
    packing : str
        ``"concatenate"`` or ``"best_fit"``, see :mod:`thresher.stages.text.packing.cuts`.
    pad : int
        What sequences are filled up with.
    """

    def __init__(self, size: int, packing: str = "concatenate", pad: int = 0) -> None:
        self.size = size
        self.pad = pad
        self._packing = packing
        self._window = max(WINDOW, SEQUENCES * size)
        self._tokens: list[Tokens] = []
        self._ids: list[pa.Array] = []
        self._n_tokens = 0
        self._skipped = 0  # tokens of the first document that are written already

    def add(self, tokens: Tokens, ids: pa.Array) -> Iterator[pa.Table]:
        """Take documents, n with n ids; yields what they complete."""
        ends = np.cumsum(tokens.lengths)
        document = token = 0
        while True:
            # The first document that fills the window is its last.
            wanted = self._window - self._n_tokens + token
            full = int(np.searchsorted(ends, wanted))
            stop = min(full + 1, len(ends))
            end = int(ends[stop - 1]) if stop else 0
            if stop > document:
                self._tokens.append(Tokens(tokens.ids[token:end], tokens.lengths[document:stop]))
                self._ids.append(ids.slice(document, stop - document))
                self._n_tokens += end - token
            document, token = stop, max(end, token)
            if full >= len(ends):
                return
            yield from self._pack(last=False)

    def finish(self) -> Iterator[pa.Table]:
        """Yield what is left."""
        yield from self._pack(last=True)

    def _pack(self, *, last: bool) -> Iterator[pa.Table]:
        if not self._tokens:
            return
        tokens = Tokens(
            np.concatenate([each.ids for each in self._tokens]),
            np.concatenate([each.lengths for each in self._tokens]),
        )
        ids = pa.concat_arrays(self._ids)
        cuts = PACKINGS[self._packing](tokens.lengths, self.size)
        keeps = self._packing == "concatenate" and not last
        n_sequences = int(cuts.sequence[-1]) + (0 if keeps else 1)
        n_segments = int(np.searchsorted(cuts.sequence, n_sequences))
        skipped = self._skipped
        self._keep(tokens, ids, cuts, n_segments)
        done = Cuts(*(each[:n_segments] for each in vars(cuts).values()))
        if n_segments:
            yield self._table(tokens, ids, done, n_sequences, skipped)

    def _keep(self, tokens: Tokens, ids: pa.Array, cuts: Cuts, n_segments: int) -> None:
        """Go on with the documents from a segment on; of the first, what it has not had.

        That is less than a sequence, so no document goes on for a second time.
        """
        if n_segments == len(cuts.document):
            self._tokens, self._ids, self._n_tokens, self._skipped = [], [], 0, 0
            return
        first, start = int(cuts.document[n_segments]), int(cuts.start[n_segments])
        lengths = tokens.lengths[first:].copy()
        lengths[0] -= start
        rest = Tokens(tokens.ids[tokens.ids.size - lengths.sum() :].copy(), lengths)
        self._skipped = start
        self._tokens, self._ids, self._n_tokens = [rest], [ids.slice(first)], len(rest.ids)

    def _table(
        self, tokens: Tokens, ids: pa.Array, cuts: Cuts, n_sequences: int, skipped: int
    ) -> pa.Table:
        n_segments = np.bincount(cuts.sequence, minlength=n_sequences)
        bounds = np.concatenate([[0], np.cumsum(n_segments)])
        ends = np.cumsum(cuts.length)
        begins = ends - cuts.length
        in_sequence = begins - begins[bounds[:-1]][cuts.sequence]
        flat = np.full(n_sequences * self.size, self.pad, np.int32)
        of_document = np.cumsum(tokens.lengths) - tokens.lengths
        source = of_document[cuts.document] + cuts.start
        target = cuts.sequence * self.size + in_sequence
        steps = np.arange(int(ends[-1]))
        flat[steps + np.repeat(target - begins, cuts.length)] = tokens.ids[
            steps + np.repeat(source - begins, cuts.length)
        ]
        n_tokens = np.add.reduceat(cuts.length, bounds[:-1])
        # [0, end of the first segment, of the second, ...] of each sequence, one after another.
        borders = np.insert(in_sequence + cuts.length, bounds[:-1], 0)
        position = cuts.start + np.where(cuts.document == 0, skipped, 0)
        per_segment = _int32(bounds)
        values = [
            pa.FixedSizeListArray.from_arrays(from_numpy(flat), self.size),
            _int32(n_tokens),
            pa.ListArray.from_arrays(_int32(bounds + np.arange(len(bounds))), _int32(borders)),
            pa.ListArray.from_arrays(per_segment, ids.take(from_numpy(cuts.document))),
            pa.ListArray.from_arrays(per_segment, _int32(position)),
        ]
        return pa.Table.from_arrays(values, schema=schema(self.size, ids.type))


def _int32(values: Ints) -> pa.Array:
    return from_numpy(values.astype(np.int32))
