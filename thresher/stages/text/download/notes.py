# SPDX-License-Identifier: Apache-2.0
"""Note: what is known of a download, kept beside it, so that it can be resumed and trusted."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from thresher.storage import store_for


@dataclass(frozen=True)
class Note:
    """What a server said of a file, and how far its download is.

    Parameters
    ----------
    url : str
        Where it comes from.
    etag, modified : str
        The validators; a weak entity tag is none.
    size : int
        Bytes of the whole file; -1 when the server did not say.
    digests : tuple[str, ...]
        ``algorithm:hexadecimal`` of the whole file, as the server offers them.
    done : bool
        Whether all bytes were received and found to be right.
    boot : str
        The machine's uptime the bytes were written in: those of another one may be lost.
    """

    url: str
    etag: str = ""
    modified: str = ""
    size: int = -1
    digests: tuple[str, ...] = ()
    done: bool = False
    boot: str = ""

    @property
    def validator(self) -> str:
        """What tells that the file is still the same; empty if nothing does."""
        return self.etag or self.modified

    def finished(self, size: int) -> Note:
        """The note of a file that is there whole."""
        return replace(self, size=size, done=True)

    def write(self, path: Path) -> None:
        """Keep it, whole or not at all."""
        store_for(str(path)).write(str(path), json.dumps(asdict(self)).encode())


def read_note(path: Path) -> Note | None:
    """The note at ``path``; None if there is none that can be read."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        values = json.loads(path.read_bytes())
        return Note(**{**values, "digests": tuple(values["digests"])})
    return None


def boot() -> str:
    """What is the same until the machine starts again; empty where it cannot be told."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""
