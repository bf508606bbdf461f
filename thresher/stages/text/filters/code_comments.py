# SPDX-License-Identifier: Apache-2.0
"""Comments in source code of many languages: what marks them, and how they are found.

A source is read once from left to right by one regular expression of its language's comment marks
and string literals, so that a mark within a string is none. The expressions never step back
(possessive repeats only): time grows with the length of the source, whatever it holds.

Not told apart from code: heredocs, literals of regular expressions, nested block comments (they end
at the first end mark).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from thresher.errors import PlanError

# String literals. One that must be closed on its line and is not takes the rest of the line, so
# that a stray quotation mark does no harm beyond.
_DOUBLE = r'"(?:[^"\\\n]++|\\(?:\r\n|.|\Z))*+"?'
_SINGLE = r"'(?:[^'\\\n]++|\\(?:\r\n|.|\Z))*+'?"
_CHARACTER = r"'(?:[^'\\\n]|\\.[^'\\\n]{0,9})'"  # a bare ' may mark a lifetime or part a number
_TEMPLATE = r"`(?:[^`\\]++|\\(?:.|\Z))*+(?:`|\Z)"
_RAW = r"`[^`]*+(?:`|\Z)"
_LONG_DOUBLE = r'"""(?:[^"\\]++|\\(?:.|\Z)|"(?!""))*+(?:"""|\Z)'
_LONG_SINGLE = r"'''(?:[^'\\]++|\\(?:.|\Z)|'(?!''))*+(?:'''|\Z)"
_OVER_LINES = r'"(?:[^"\\]++|\\(?:.|\Z))*+(?:"|\Z)'
_UNESCAPED = r"'[^'\n]*+'?"
_BRACKETS = r"\[\[.*?(?:\]\]|\Z)"
_ESCAPED = r"\\."  # outside of strings: in a regular expression, or what marks no comment
_VALUES = rf"(?<![^\s\[{{,:=])(?:{_DOUBLE}|{_SINGLE})"  # where plain text may hold apostrophes

_SEPARATE = r"(?<![^\s;|&()`])#"


@dataclass(frozen=True)
class CommentStyle:
    """How a family of languages writes comments and strings; all but ``block`` are patterns."""

    line: tuple[str, ...] = ()
    block: tuple[tuple[str, str], ...] = ()
    strings: tuple[str, ...] = (_DOUBLE,)

    def pattern(self) -> re.Pattern[str]:
        """Groups: for each kind of block comment, its text and its end mark; a line comment's text.

        So a match's last group is an even one for blocks, an odd one for lines, and none for
        strings.
        """
        blocks = [f"{re.escape(b)}(.*?)({re.escape(e)}|\\Z)" for b, e in self.block]
        lines = [rf"(?:{'|'.join(self.line)})([^\n]*+)"] if self.line else []
        # Blocks come first: in some languages a line mark begins a block mark (-- and --[[).
        return re.compile("|".join((*blocks, *lines, *self.strings)), re.DOTALL)


_C_BLOCK = (("/*", "*/"),)
STYLES: dict[str, CommentStyle] = {
    "c": CommentStyle(("//",), _C_BLOCK, (_DOUBLE, _CHARACTER)),
    "javascript": CommentStyle(("//",), _C_BLOCK, (_DOUBLE, _SINGLE, _TEMPLATE, _ESCAPED)),
    "go": CommentStyle(("//",), _C_BLOCK, (_DOUBLE, _CHARACTER, _RAW)),
    "java": CommentStyle(("//",), _C_BLOCK, (_LONG_DOUBLE, _DOUBLE, _CHARACTER)),
    "dart": CommentStyle(("//",), _C_BLOCK, (_LONG_DOUBLE, _LONG_SINGLE, _DOUBLE, _SINGLE)),
    "php": CommentStyle(("//", r"#(?!\[)"), _C_BLOCK, (_DOUBLE, _SINGLE)),
    "css": CommentStyle((), _C_BLOCK, (_DOUBLE, _SINGLE)),
    "scss": CommentStyle((r"(?<!:)//",), _C_BLOCK, (_DOUBLE, _SINGLE)),
    "python": CommentStyle(("#",), (), (_LONG_DOUBLE, _LONG_SINGLE, _DOUBLE, _SINGLE)),
    "ruby": CommentStyle(("#",), (("\n=begin", "\n=end"),), (_DOUBLE, _SINGLE)),
    "perl": CommentStyle((_SEPARATE,), (("\n=head", "\n=cut"),), (_DOUBLE, _SINGLE, _ESCAPED)),
    "shell": CommentStyle((_SEPARATE,), (), (_DOUBLE, _UNESCAPED, _ESCAPED)),
    "yaml": CommentStyle((_SEPARATE,), (), (_VALUES,)),
    "hash": CommentStyle(("#",), (), (_DOUBLE, _SINGLE)),
    "powershell": CommentStyle(("#",), (("<#", "#>"),), (_DOUBLE, _UNESCAPED)),
    "julia": CommentStyle(("#",), (("#=", "=#"),), (_LONG_DOUBLE, _DOUBLE, _CHARACTER)),
    "html": CommentStyle((), (("<!--", "-->"),), ()),
    "sql": CommentStyle(("--",), _C_BLOCK, (_DOUBLE, _SINGLE)),
    "lua": CommentStyle(("--",), (("--[[", "]]"),), (_DOUBLE, _SINGLE, _BRACKETS)),
    "haskell": CommentStyle(("--",), (("{-", "-}"),), (_DOUBLE, _CHARACTER)),
    "ada": CommentStyle(("--",), (), (_DOUBLE, _CHARACTER)),
    "lisp": CommentStyle((";",), (("#|", "|#"),), (_OVER_LINES, _ESCAPED)),
    "percent": CommentStyle(("%",), (), (_DOUBLE, _ESCAPED)),
    "fortran": CommentStyle(("!",), (), (_DOUBLE, _UNESCAPED)),
    "pascal": CommentStyle(("//",), (("{", "}"), ("(*", "*)")), (_UNESCAPED,)),
    "ml": CommentStyle((), (("(*", "*)"),), (_OVER_LINES, _CHARACTER)),
    "fsharp": CommentStyle(("//",), (("(*", "*)"),), (_LONG_DOUBLE, _OVER_LINES, _CHARACTER)),
    "basic": CommentStyle(("'",), (), (_DOUBLE,)),
}

_LANGUAGES = {
    "c": "c c++ cpp csharp c# objectivec swift kotlin rust d opencl cuda glsl hlsl verilog "
         "systemverilog solidity thrift proto protobuf zig stylus less",
    "javascript": "javascript js ecmascript typescript ts jsx tsx",
    "go": "go golang",
    "java": "java scala groovy",
    "dart": "dart",
    "php": "php",
    "css": "css",
    "scss": "scss sass",
    "python": "python python3",
    "ruby": "ruby",
    "perl": "perl",
    "shell": "shell shellscript sh bash zsh awk tcl",
    "yaml": "yaml makefile dockerfile toml cmake ini",
    "hash": "r elixir nim crystal coffeescript graphql",
    "powershell": "powershell",
    "julia": "julia",
    "html": "html xhtml xml xhtml+xml svg svg+xml markdown",
    "sql": "sql plsql",
    "lua": "lua",
    "haskell": "haskell elm agda idris",
    "ada": "ada vhdl",
    "lisp": "lisp commonlisp common-lisp scheme racket clojure emacs-lisp",
    "percent": "tex latex matlab erlang prolog octave",
    "fortran": "fortran",
    "pascal": "pascal delphi",
    "ml": "ocaml sml standard-ml coq",
    "fsharp": "fsharp f#",
    "basic": "basic vb vbnet visual-basic vbscript",
}  # fmt: skip

_STYLE_OF = {name: style for style, names in _LANGUAGES.items() for name in names.split()}
_MIME = re.compile(r"(?:text|application)/(?:x-)?(?:script\.)?")


@cache
def comment_pattern(language: str) -> re.Pattern[str]:
    """The pattern for a language's name (``"rust"``) or MIME type (``"text/x-c"``).

    Raises
    ------
    PlanError
        If it is none that is known.
    """
    name = re.sub(r"[-_](?:source|src|hdr)$|(?<=[c+])(?:src|hdr)$", "", _named(language))
    if name not in _STYLE_OF:
        known = ", ".join(sorted(_STYLE_OF))
        raise PlanError(
            f"it is not known how {language!r} marks comments",
            todo=f"give a MIME type such as 'text/x-java', or one of {known}",
        )
    return STYLES[_STYLE_OF[name]].pattern()


def _named(language: str) -> str:
    plain = _MIME.sub("", language.strip().lower(), count=1)
    return plain.replace(" ", "-").replace("objective-c", "objectivec")


def comments(source: str, pattern: re.Pattern[str]) -> list[str] | None:
    """The texts of the comments, without their marks; None if a block comment is never ended."""
    found: list[str] = []
    for match in pattern.finditer(source):
        last = match.lastindex
        if last is None:  # a string
            continue
        is_block = last % 2 == 0
        if is_block and not match[last]:
            return None
        found.append(match[last - is_block])
    return found
