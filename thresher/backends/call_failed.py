# SPDX-License-Identifier: Apache-2.0
"""How a call ends badly, and errors of user code in words."""

from __future__ import annotations

from thresher.backends.executor import Failed
from thresher.errors import ThresherError, error_text, message_of
from thresher.runs.part import LostFile, Path


class CallFailed(Exception):
    """A call that could not be brought to an end; becomes a ``Failed`` message."""

    def __init__(
        self,
        kind: str,
        stage: str,
        error: str,
        detail: str = "",
        *,
        cause: str = "",
        lost_file: LostFile | None = None,
    ) -> None:
        super().__init__(kind, stage, error, detail)
        self.kind, self.stage, self.error, self.detail = kind, stage, error, detail
        self.cause, self.lost_file = cause, lost_file

    def message(self, token: str, path: Path, step: int, rows: int) -> Failed:
        """The message that tells the driver."""
        return Failed(
            token, path, step, self.kind, self.error, self.stage, self.detail, rows, self.cause,
            self.lost_file,
        )  # fmt: skip


def in_words(error: Exception) -> str:
    """The error with the line it comes from; errors of ours say enough themselves."""
    if isinstance(error, ThresherError):
        return message_of(error)
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    place = ""
    if frame is not None:
        name = frame.tb_frame.f_code.co_filename.rpartition("/")[2]
        place = f" (at {name}:{frame.tb_lineno})"
    return f"{error_text(error)}{place}"
