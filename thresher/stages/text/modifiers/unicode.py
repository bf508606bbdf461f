# SPDX-License-Identifier: Apache-2.0
"""UnicodeReformatter: mends text that was decoded wrongly."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import pyarrow as pa

from thresher.errors import missing_extra
from thresher.stages.text.modifiers.document_modifier import DocumentModifier, modify_some
from thresher.stages.text.modifiers.mendable import Mendable


class UnicodeReformatter(DocumentModifier):
    """Mend text with ftfy: mojibake, HTML entities, control characters, and what options ask.

    Needs the extra ``text``. All options but ``config`` are those of ``ftfy.TextFixerConfig``.

    Source: Speer 2019, ftfy (doi:10.5281/zenodo.2591652).

    >>> UnicodeReformatter().modify_document("sch\\u00c3\\u00b6n")
    'schön'

    Parameters
    ----------
    config : ftfy.TextFixerConfig | None
        All options at once; the other arguments are ignored if it is given.
    """

    requires = (("ftfy", "text"),)
    EXAMPLES = ({}, {"uncurl_quotes": True, "fix_latin_ligatures": True}, {"normalization": "NFKC"})

    def __init__(
        self,
        config: Any = None,
        unescape_html: str | bool = "auto",
        remove_terminal_escapes: bool = True,
        fix_encoding: bool = True,
        restore_byte_a0: bool = True,
        replace_lossy_sequences: bool = True,
        decode_inconsistent_utf8: bool = True,
        fix_c1_controls: bool = True,
        fix_latin_ligatures: bool = False,
        fix_character_width: bool = False,
        uncurl_quotes: bool = False,
        fix_line_breaks: bool = False,
        fix_surrogates: bool = True,
        remove_control_chars: bool = True,
        normalization: str | None = None,
        max_decode_length: int = 1_000_000,
        explain: bool = True,
    ) -> None:
        self.config = config
        self.options: dict[str, Any] = {
            "unescape_html": unescape_html,
            "remove_terminal_escapes": remove_terminal_escapes,
            "fix_encoding": fix_encoding,
            "restore_byte_a0": restore_byte_a0,
            "replace_lossy_sequences": replace_lossy_sequences,
            "decode_inconsistent_utf8": decode_inconsistent_utf8,
            "fix_c1_controls": fix_c1_controls,
            "fix_latin_ligatures": fix_latin_ligatures,
            "fix_character_width": fix_character_width,
            "uncurl_quotes": uncurl_quotes,
            "fix_line_breaks": fix_line_breaks,
            "fix_surrogates": fix_surrogates,
            "remove_control_chars": remove_control_chars,
            "normalization": normalization,
            "max_decode_length": max_decode_length,
            "explain": explain,
        }

    def modify_document(self, text: str) -> str:
        """The mended text."""
        ftfy, config = self._ftfy
        mended: str = ftfy.fix_text(text, config)
        return mended

    def modify_column(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        """Only lines that ftfy could change are given to it."""
        return modify_some(self._mendable.mend, column, self._mendable.where(column))

    @cached_property
    def _ftfy(self) -> tuple[Any, Any]:
        """The library and its options; made on first use, as importing takes a while."""
        try:
            import ftfy
        except ImportError:
            raise missing_extra("UnicodeReformatter", "ftfy", "text") from None
        return ftfy, self.config or ftfy.TextFixerConfig(**self.options)

    @cached_property
    def _mendable(self) -> Mendable:
        return Mendable(*self._ftfy)

    def __getstate__(self) -> dict[str, Any]:
        loaded = ("_ftfy", "_mendable")
        return {name: value for name, value in self.__dict__.items() if name not in loaded}
