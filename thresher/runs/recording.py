# SPDX-License-Identifier: Apache-2.0
"""Records from outcomes: final names for files, and everything else as it was reported."""

from __future__ import annotations

import base64
import pickle
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from thresher.errors import StageError
from thresher.runs.names import OutputNames
from thresher.runs.part import (
    OUT,
    QUARANTINE,
    FileRecord,
    Key,
    Outcome,
    Part,
    PartRecord,
    WrittenFile,
)

_SEGMENT = re.compile(r"^_segment-\d+/")


@dataclass(frozen=True)
class Recorder:
    """Makes records.

    Parameters
    ----------
    prefix : str
        What goes before the names of output files.
    environment : str
        Digest of the environment that the parts ran in.
    before : Mapping[Key, PartRecord]
        Records that are replaced: attempts are counted on.
    is_there : callable
        Whether all that such a record names is there.
    names : OutputNames
        Names of files, given those of all parts of the plan.
    """

    prefix: str = ""
    environment: str = ""
    before: Mapping[Key, PartRecord] = field(default_factory=dict)
    is_there: Callable[[PartRecord], bool] = lambda record: False
    names: OutputNames = field(default_factory=OutputNames)

    def record(self, outcome: Outcome) -> PartRecord:
        """The record of an outcome; that of the attempt before if this one went worse."""
        part = outcome.part
        inline = ""
        if outcome.inline:
            inline = base64.b64encode(pickle.dumps(outcome.inline, protocol=5)).decode()
        record = PartRecord(
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
            outcome.memory,
            outcome.failed_rows,
            outcome.cause,
            first_names=outcome.first_names,
            names=outcome.names,
            left_out=outcome.left_out,
            absent=outcome.absent,
        )
        if not record.has_failed:
            return record
        before = self.before.get(record.key)
        reason = record.failure or _most_often(record.cause, outcome.reasons)
        stands = replace(record, reason=reason)
        if before is not None and before.went_better_than(record) and self.is_there(before):
            if not before.has_failed:
                return before
            stands = before
        return replace(
            stands,
            cause=record.cause,
            failed_for=self._failed_for(record, before),
            environment=self.environment,
        )

    def _failed_for(self, record: PartRecord, before: PartRecord | None) -> dict[str, int]:
        """Attempts at the same piece of work in the same environment, this one included."""
        counts: dict[str, int] = {}
        if before is not None and before.is_same_work(record):
            counts |= before.failed_for if before.environment == self.environment else {}
        return {**counts, record.cause: counts.get(record.cause, 0) + 1}

    def _files(self, outcome: Outcome) -> tuple[FileRecord, ...]:
        seen: dict[tuple[str, str], int] = {}  # files that belong together share a number
        files = []
        for file in outcome.files:
            index = seen.get((file.port, file.extension), 0)
            seen[file.port, file.extension] = index + 1
            final = self._final(outcome.part, file.port, index, file.extension)
            files.append(_record_of(file, final))
        return tuple(files)

    def _final(self, part: Part, port: str, index: int, extension: str) -> str:
        name = self.names.name(part.name, index, extension if port == OUT else "")
        if port == OUT:
            folder, slash, base = name.rpartition("/")
            return f"{folder}{slash}{self.prefix}{base}"
        first = port == QUARANTINE and not part.segment
        # No part has a name that begins with an underscore.
        stem = name if first else f"_segment-{part.segment}/{name}"
        return f"{port}/{stem}.{extension}"


def _most_often(cause: str, reasons: Mapping[str, int]) -> str:
    """The reason that was given most often where the cause lies."""
    stage = cause.rpartition(": ")[0]
    told = [reason for reason in reasons if reason.startswith(f"{stage}: ")]
    return max(told, key=lambda reason: reasons[reason], default=cause)


def rewritten(record: PartRecord, outcome: Outcome) -> PartRecord:
    """The record of a part whose output files were written again, with other columns.

    Raises
    ------
    StageError
        If the files are not the same number, or hold other numbers of rows.
    """
    old = record.on_port(OUT)
    new = [file for file in outcome.files if file.port == OUT]
    if [file.rows for file in old] != [file.rows for file in new]:
        raise StageError(
            "files that were written again hold other rows than before",
            where=f"part {record.name!r}",
            todo="nothing of it was committed; run again",
        )
    files = [
        replace(_record_of(made, was.final), holds=was.holds, columns=made.columns or made.holds)
        for was, made in zip(old, new, strict=True)
    ]
    kept = [file for file in record.files if file.port != OUT]
    before = record.written_before or record.output_digest
    return replace(record, files=(*files, *kept), written_before=before)


def _record_of(file: WrittenFile, final: str) -> FileRecord:
    return FileRecord(
        file.port,
        file.temp,
        final,
        file.rows,
        file.bytes,
        file.digest,
        file.holds,
        file.columns,
        file.extension,
    )


def has_name_of_another(record: PartRecord, names: OutputNames, prefix: str) -> bool:
    """Whether a file of a record is called as one of another part may be called.

    ``names`` are those of the present plan: it may have parts that came after the record.
    """
    for file in record.files:
        name, extension = file.final, file.extension
        if file.port == OUT:
            folder, slash, base = name.rpartition("/")
            if not base.startswith(prefix):
                continue
            name = f"{folder}{slash}{base.removeprefix(prefix)}"
        else:
            name = _SEGMENT.sub("", name.removeprefix(f"{file.port}/"), count=1)
            name, extension = name.removesuffix(f".{extension}"), ""
        if names.is_of_another(name, record.name, extension):
            return True
    return False
