# SPDX-License-Identifier: Apache-2.0
"""The code filters and NeMo Curator's own classes on the same source files and nasty texts.

    python -m benchmarks.agreement.nemo_code                       a thousand files or two (minutes)
    python -m benchmarks.agreement.nemo_code --python P FOLDER...

``--python`` is the interpreter of an environment that has NeMo Curator with sentencepiece,
comment_parser, beautifulsoup4 and a fastText that can predict; the folders are searched for source
files by suffix (Python's library, headers and documents of the system when not given). Scores that
differ are listed by cause; a cause that is not known is a failure.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks import peers
from thresher.stages.text import filters
from thresher.stages.text.language_model import BUNDLED, FastTextModel

SIDE = Path(__file__).with_name("nemo_code_side.py")
PIECES = Path(__file__).parents[2] / "tests" / "models" / "pieces.model"
MOST_CHARACTERS = 200_000
CLOSE = 1e-6

LANGUAGES = {
    ".py": "text/x-python", ".h": "text/x-c", ".c": "text/x-c", ".cpp": "text/x-c++",
    ".hpp": "text/x-c++", ".js": "application/javascript", ".java": "text/x-java-source",
    ".go": "text/x-go", ".sh": "text/x-shellscript", ".rb": "text/x-ruby", ".html": "text/html",
    ".xml": "text/xml",
}  # fmt: skip

TABLE = """language,extension,Include,Long_line_threshold,Alphanum_threshold,Alpha filter
python,py,1,100,0.6,0.5
"""

NASTY = [
    "", "\n", "\r\n", " ", "é", "\x00", "#", "//", "/*", "/**/", "/*/", '"', "'", "\\", "# é\n",
    "字 = 1", '"' * 100, "'''", '"""x', "<", "<p", "<!--", "-->", "<script>", "&amp;&lt",
    "a" * 1001 + "\nb",
    "<?xml version='1.0'?>", "é" * 86 + "<?xml version=", "é" * 87 + "<?xml version=",
    "\ufeff# x\n", "()" * 3000, "(" * 3000, "😀 = '# no' # yes", "# a\\\n# b\n", "// a \\\n b\n",
    "x\t= 1\f\n# c",
    "async def f():\n    'doc'\n", "print 'x' # y\n", "x = 1\r# a\ry = 2\r", "Ⅷⓐ²ा ि",
]  # fmt: skip


def main() -> None:
    """Compare, print and judge."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--python", type=Path)
    parser.add_argument("--files", type=int, default=300, help="at most so many of each suffix")
    options = parser.parse_args()
    folders = options.folders or [
        Path(sysconfig.get_path("stdlib")), Path("/usr/include"), Path("/usr/share")
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder, "table.csv")
        table.write_text(TABLE)
        rules = _rules(str(table))
        sources = list(_sources(folders, options.files))
        python = options.python or peers.NEMO_CURATOR.python()
        theirs, seconds = _ask(python, rules, sources)
        own, own_seconds = _own(rules, sources)
    sys.exit(_report(sources, own, theirs, own_seconds, seconds))


def _rules(table: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """Filters and their arguments, by a label."""
    comments = {
        f"comments {mime}": ("GeneralCommentToCodeFilter", {"language": mime})
        for mime in sorted(set(LANGUAGES.values()))
    }
    model = FastTextModel(BUNDLED).path
    return {
        **comments,
        "python comments": ("PythonCommentToCodeFilter", {}),
        "lines": ("NumberOfLinesOfCodeFilter", {}),
        "xml header": ("XMLHeaderFilter", {}),
        "letters": ("AlphaFilter", {}),
        "html": ("HTMLBoilerplateFilter", {}),
        "extension": ("PerExtensionFilter", _extension(table)),
        "fertility": ("TokenizerFertilityFilter", {"path_to_tokenizer": str(PIECES)}),
        "language": ("FastTextLangId", {"model_path": model}),
        "quality": ("FastTextQualityFilter", {"model_path": model, "label": "__label__en"}),
    }


def _extension(table: str) -> dict[str, Any]:
    return {"lang": "python", "extension": "py", "metadata_file": table}


def _sources(folders: list[Path], most: int) -> Iterator[dict[str, Any]]:
    """Texts with the rules to score them by: files of each suffix, and nasty ones by all."""
    everywhere = ["lines", "xml header", "letters", "extension", "fertility", "language", "quality"]
    for suffix, mime in LANGUAGES.items():
        files = (path for folder in folders for path in sorted(folder.rglob(f"*{suffix}")))
        rules = [f"comments {mime}", *everywhere]
        rules += ["python comments"] if suffix == ".py" else ["html"] if suffix == ".html" else []
        for path in islice((path for path in files if path.is_file()), most):
            text = path.read_text(encoding="utf-8", errors="replace")[:MOST_CHARACTERS]
            yield {"name": suffix, "text": text, "rules": rules}
    every = [f"comments {mime}" for mime in sorted(set(LANGUAGES.values()))]
    for text in NASTY:
        rules = [*every, *everywhere, "python comments", "html"]
        yield {"name": "nasty", "text": text, "rules": rules}


def _ask(python: Path, rules: Any, sources: Any) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """NeMo Curator's scores of each source, and its CPU seconds for each rule."""
    sent = json.dumps({"rules": rules, "sources": sources})
    ran = subprocess.run([python, SIDE], input=sent, stdout=subprocess.PIPE, text=True, check=True)
    lines = ran.stdout.split("\n")
    scores = [json.loads(line[1:]) for line in lines if line.startswith("\x02")]
    assert len(scores) == len(sources), "an answer for each source"
    return scores, next(json.loads(line[1:]) for line in lines if line.startswith("\x03"))


def _own(rules: Any, sources: Any) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """Our scores of each source, document by document, and our CPU seconds for each rule."""
    made = {label: getattr(filters, name)(**told) for label, (name, told) in rules.items()}
    seconds: dict[str, float] = defaultdict(float)
    scores = []
    for source in sources:
        scores.append({})
        for label in source["rules"]:
            start = time.process_time()
            scores[-1][label] = made[label].score_document(source["text"])
            seconds[label] += time.process_time() - start
    return scores, seconds


def _report(
    sources: list[dict[str, Any]], own: Any, theirs: Any, own_seconds: Any, seconds: Any
) -> int:
    compared: Counter[str] = Counter()
    causes: Counter[tuple[str, str]] = Counter()
    for source, ours, other in zip(sources, own, theirs, strict=True):
        for label, score in other.items():
            compared[label] += 1
            if not _same(ours[label], score):
                cause = _cause(label, source["text"], ours[label], score)
                causes[label, cause] += 1
                if cause == "unknown":
                    sample = source["text"][:70]
                    print(f"  {label}: {source['name']} {sample!r}: {ours[label]} and {score}")
    untold = sorted({rule for source in sources for rule in source["rules"]} - set(compared))
    for label in untold:
        print(f"{label}: not compared, NeMo Curator lacks a library")
    for label, count in compared.items():
        print(
            f"{label}: {count} compared, CPU {own_seconds[label]:.2f} s and {seconds[label]:.2f} s"
        )
        for (of, cause), n in sorted(causes.items()):
            if of == label:
                print(f"    {n:6} differ: {cause}")
    return int(bool(untold) or any(cause == "unknown" for _, cause in causes))


def _same(own: Any, other: Any) -> bool:
    if isinstance(own, str) or isinstance(other, str | dict) or other is None:
        return bool(own == other)
    return abs(own - other) < CLOSE


def _cause(label: str, text: str, own: Any, other: Any) -> str:
    """Why a score differs, as far as it is known."""
    if isinstance(other, dict):
        if text == "" and other["raised"] in ("ZeroDivisionError", "IndexError"):
            return "an empty document: theirs raises"
        return f"theirs raises {other['raised']}"
    for cause, holds in CAUSES.get(label, {}).items():
        if holds(text, own, other):
            return cause
    return "unknown"


def _has_async_docstring(text: str, own: Any, other: Any) -> bool:
    found = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.AsyncFunctionDef)]
    return any(ast.get_docstring(node) is not None for node in found)


def _spaces_in_pre(text: str) -> int:
    """By how much white space between tags is longer than one, within <pre>."""
    inside = re.findall(r"<pre\b.*?</pre", text, re.DOTALL | re.IGNORECASE)
    return sum(len(run) - 1 for part in inside for run in re.findall(r">(\s+)(?=<)", part))


def _matches(pattern: str) -> Callable[[str, Any, Any], bool]:
    """Whether a text has what two parsers take for different things."""
    return lambda text, own, other: re.search(pattern, text, re.DOTALL) is not None


CAUSES: dict[str, dict[str, Callable[[str, Any, Any], bool]]] = {
    "python comments": {"docstrings of asynchronous functions count": _has_async_docstring},
    "letters": {
        "marks and numbers that Unicode calls alphabetic are no letters": lambda text, own, other: (
            own < other and any(not c.isalpha() and not c.isascii() for c in text)
        )
    },
    "html": {
        "white space between tags counts once in <pre> too": lambda text, own, other: (
            own < other <= own + _spaces_in_pre(text) / len(text) + CLOSE
        ),
        "a tag that is not closed reaches to the end": _matches(r"<[a-z/!?][^>]*\Z"),
    },
    "extension": {
        "no share of nothing is enough": lambda text, own, other: not text,
    },
    "comments text/x-python": {
        "theirs gives up where Python's tokenizer does": lambda text, own, other: other == 9999,
        "a carriage return ends no comment": _matches(r"\r(?!\n)"),
    },
    "comments application/javascript": {
        "template literals and regular expressions are no comments": _matches(r"`|[(=,:]\s*/[^/*]"),
    },
    "comments text/x-shellscript": {
        "a comment begins where a word may, and single quotes know no escapes": _matches(
            r"[^\s;|&()`]#|\\'|'[^']*\n|\"[^\"]*\n"
        ),
    },
}


if __name__ == "__main__":
    main()
