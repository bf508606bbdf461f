# SPDX-License-Identifier: Apache-2.0
"""What a worker has to know of the run it works for."""

from __future__ import annotations

from dataclasses import dataclass

from thresher.runs.part import LostFile
from thresher.stages.reading import ReaderStage
from thresher.tasks import FileGroupTask


@dataclass(frozen=True)
class RunContext:
    """Facts of one Segment's run, the same for all its workers.

    Parameters
    ----------
    output, run_dir : str
        Roots of the ports.
    temp_output, temp_run : str
        This epoch's folders for temporaries, relative to those roots.
    sink : str
        What becomes of the last Step's tasks: ``"out"``, ``"result"`` or ``"spill"``.
    on_error : str
        ``"quarantine"`` or ``"raise"``.
    durable : bool
        Whether closed files are synced to disk.
    typed : bool
        Whether all files of the output are to have one schema.
    node_folder : str
        Where once-per-machine work is noted.
    reader : ReaderStage | None
        That of the first Segment, which finds rows again in what it has read.
    """

    output: str
    run_dir: str
    temp_output: str
    temp_run: str
    sink: str
    on_error: str = "quarantine"
    durable: bool = True
    node_folder: str = ""
    inline_bytes: int = 2048
    typed: bool = False
    reader: ReaderStage | None = None


@dataclass(frozen=True)
class Attempt:
    """The part of a lease that travels with an envelope; see :class:`Lease`.

    ``file`` is the one that all rows of the part come from, if it is one. ``source`` is what a
    reader in an earlier Step has read, as long as rows have the numbers that it gave them.
    """

    token: str
    part: str
    rows: tuple[int, int] | None = None
    skip: tuple[tuple[int, str], ...] = ()
    probe: bool = False
    lost_files: tuple[LostFile, ...] = ()
    reject: str = ""
    again: bool = False
    file: str = ""
    source: FileGroupTask | None = None
