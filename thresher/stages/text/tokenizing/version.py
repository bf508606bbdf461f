# SPDX-License-Identifier: Apache-2.0
"""VersionOfFiles: a version that changes with the files a stage reads beside its input."""

from __future__ import annotations

from typing import Any

from thresher import storage
from thresher.errors import StorageError


class VersionOfFiles:
    """A class attribute ``version``: on an instance it also tells what is in its tokenizer's files.

    Work done with one tokenizer is not taken for work done with another that has come to lie at
    its place. The class needs a property ``source``, a TokenizerSource or None.
    """

    def __init__(self, version: str = "1") -> None:
        self.version = version

    def __get__(self, instance: Any, owner: type | None = None) -> str:
        source = None if instance is None else instance.source
        try:
            files = [] if source is None else source.files
            digests = [storage.store_for(path).digest(path) for path in files]
        except StorageError:  # planning tells what is wrong with them
            digests = []
        return "-".join([self.version, *digests])
