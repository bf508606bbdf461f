# SPDX-License-Identifier: Apache-2.0
"""Records from outcomes: final names for files, and everything else as it was reported."""

from __future__ import annotations

import base64
import pickle
from dataclasses import dataclass

from thresher.runs.part import OUT, QUARANTINE, FileRecord, Outcome, Part, PartRecord, output_name


@dataclass(frozen=True)
class Recorder:
    """Makes records; ``prefix`` goes before the names of output files."""

    prefix: str = ""

    def record(self, outcome: Outcome) -> PartRecord:
        """The record of an outcome."""
        part = outcome.part
        inline = ""
        if outcome.inline:
            inline = base64.b64encode(pickle.dumps(outcome.inline, protocol=5)).decode()
        return PartRecord(
            part.segment,
            part.name,
            part.fingerprint,
            part.version,
            outcome.source_digest,
            self._files(outcome),
            tuple(outcome.counts),
            inline,
            outcome.failure,
            part.source_bytes,
            round(outcome.seconds, 3),
            outcome.lost_rows,
            outcome.memory,
        )

    def _files(self, outcome: Outcome) -> tuple[FileRecord, ...]:
        seen: dict[tuple[str, str], int] = {}  # files that belong together share a number
        files = []
        for file in outcome.files:
            index = seen.get((file.port, file.extension), 0)
            seen[file.port, file.extension] = index + 1
            final = self._final(outcome.part, file.port, index, file.extension)
            files.append(
                FileRecord(file.port, file.temp, final, file.rows, file.bytes, file.digest)
            )
        return tuple(files)

    def _final(self, part: Part, port: str, index: int, extension: str) -> str:
        if port == OUT:
            folder, slash, base = output_name(part.name, index, extension).rpartition("/")
            return f"{folder}{slash}{self.prefix}{base}"
        first = port == QUARANTINE and not part.segment
        stem = part.name if first else f"segment-{part.segment}/{part.name}"
        number = f"-{index:04d}" if index else ""
        return f"{port}/{stem}{number}.{extension}"
