# SPDX-License-Identifier: Apache-2.0
"""Blocks: small tasks travel through an engine together, large ones alone.

A task of Ray Data's or Xenna's costs ten to twenty milliseconds at each stage, whatever is in it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from thresher.backends.envelope import Envelope
from thresher.backends.executor import Lease
from thresher.backends.supervisor import root
from thresher.tasks import DocumentBatch

Block = list[Envelope]
MOST_BYTES = 16 * 1024 * 1024
_UNKNOWN = MOST_BYTES // 16
_BLOCKS_PER_CPU = 16


def blocks_of(leases: Sequence[Lease], cpus: float) -> list[Block]:
    """The first calls of attempts, in blocks: enough of them to keep all CPUs busy to the end."""
    most = max(1, len(leases) // max(1, math.ceil(cpus * _BLOCKS_PER_CPU)))
    sizes = [max(lease.part.estimate, lease.part.source_bytes) for lease in leases]
    return _gathered([root(lease) for lease in leases], sizes, most)


def blocks_after(block: Block, made: Sequence[Envelope]) -> list[Block]:
    """What a Step made of a block, in blocks that are no longer than it was."""
    return _gathered(made, [_size(envelope) for envelope in made], len(block))


def _gathered(envelopes: Sequence[Envelope], sizes: Sequence[int], most: int) -> list[Block]:
    blocks: list[Block] = []
    room = 0
    for envelope, size in zip(envelopes, sizes, strict=True):
        size = size or _UNKNOWN
        if not blocks or size > room or len(blocks[-1]) >= most:
            blocks.append([])
            room = MOST_BYTES
        blocks[-1].append(envelope)
        room -= size
    return blocks


def _size(envelope: Envelope) -> int:
    task = envelope.parcel.task
    return task.size_bytes if isinstance(task, DocumentBatch) else 0
