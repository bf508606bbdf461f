# SPDX-License-Identifier: Apache-2.0
"""What C4's rules look for, and how they are numbered."""

from __future__ import annotations

ENDS = (".", "?", "!", '"', "'")
"""What a line that is kept ends with."""

ELLIPSIS = "..."
"""What it must not end with."""

STOPS = ".?!"
"""What a sentence ends with, but for :data:`CLOSERS`."""

CLOSERS = "\"')]"

PLACEHOLDER = "lorem ipsum"
SCRIPT = "javascript"
BRACE = "{"
POLICIES = (
    "terms of use",
    "privacy policy",
    "cookie policy",
    "uses cookies",
    "use of cookies",
    "use cookies",
)
"""Phrases, in whatever case, of lines that are about the site and not its subject."""

CITATION = r"\[\d*\]|\[edit\]|\[citation needed\]"
"""Regular expression of marks that are taken out of lines."""

SWITCHES = (
    "max_word_length",
    "remove_citations",
    "end_mark",
    "min_words_per_line",
    "lorem_ipsum",
    "javascript",
    "curly_bracket",
    "policy",
)
"""Settings by their place in the kernel's int64 array; 0 switches a rule off."""

COUNTS = (
    "c4_lines",
    "c4_kept_lines",
    "c4_sentences",
    "c4_placeholder",
    "c4_brace",
    "c4_long_word_lines",
    "c4_unended_lines",
    "c4_few_word_lines",
    "c4_script_lines",
    "c4_policy_lines",
)
"""What is counted of each document. A placeholder or a brace ends the count."""
