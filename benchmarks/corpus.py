# SPDX-License-Identifier: Apache-2.0
"""Benchmark corpora: JSONL of any size, made from the documentation that Debian ships.

Its pages are stripped of their markup and cut between paragraphs into documents of about 1 to
16 KB, no two alike. There are three kinds: ``technical`` prose, ``web``, which keeps menus, titles
and other furniture of pages, and ``non-latin`` text of eight languages. What is asked for beyond
that comes from the same documents again, under new ids and with their paragraphs shuffled.
Everything is drawn from one fixed seed, so a smaller corpus is a prefix of a larger one of as many
files.

    python -m benchmarks.corpus --mb 1000 --files 8
"""

import argparse
import dataclasses
import functools
import hashlib
import html
import itertools
import json
import math
import random
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks import cache

# Of each line's packages the first that the running Debian release has is taken.
TECHNICAL = """
cppreference-doc-en-html
debian-handbook
debian-history
debian-policy
developers-reference
gimp-help-de
gimp-help-en
gimp-help-es
gimp-help-fr
gimp-help-it
gimp-help-ru
git-doc
installation-guide-amd64
libboost1.74-doc libboost1.83-doc
libreoffice-help-fr
linux-doc-6.1 linux-doc-6.12
maint-guide
openjdk-17-doc openjdk-21-doc
postgresql-doc-15 postgresql-doc-17
python-django-doc
python-pandas-doc
python3.11-doc python3.13-doc
"""
WEB = """
openjdk-17-doc openjdk-21-doc
cppreference-doc-en-html
python-django-doc
python-pandas-doc
postgresql-doc-15 postgresql-doc-17
libreoffice-help-en-us
libreoffice-help-de
libreoffice-help-es
gimp-help-en
gimp-help-it
debian-handbook
"""
NON_LATIN = """
libreoffice-help-ja
libreoffice-help-zh-cn
libreoffice-help-ko
libreoffice-help-hi
libreoffice-help-ru
libreoffice-help-el
gimp-help-uk
gimp-help-fa
"""
MEGABYTE = 1_000_000
SEED = 20_240_501

_INVISIBLE = re.compile(r"<(head|script|style|nav|svg)\b.*?</\1\s*>|<!--.*?-->", re.S | re.I)
_CODE = re.compile(r"<(script|style|svg)\b.*?</\1\s*>|<!--.*?-->", re.S | re.I)
_BLOCK = re.compile(
    r"</?(?:p|div|section|article|h[1-6]|ul|ol|dl|dt|dd|li|table|tr|pre|blockquote)\b[^>]*>", re.I
)
_TAG = re.compile(r"<[^>]*>")
_BLANKS = re.compile(r"[ \t\r\f\v]*\n\s*|[ \t\r\f\v]+")


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of text: Debian packages, and what of their pages is no text."""

    name: str
    packages: str
    invisible: re.Pattern[str]


KINDS = {
    kind.name: kind
    for kind in (
        Kind("technical", TECHNICAL, _INVISIBLE),
        Kind("web", WEB, _CODE),
        Kind("non-latin", NON_LATIN, _INVISIBLE),
    )
}


def jsonl(size_mb: float, files: int = 1, kind: str = "technical") -> Path:
    """Return a folder of ``files`` JSONL files that hold ``size_mb`` megabytes together."""
    name = "jsonl" if kind == "technical" else kind
    target = cache.folder("corpora") / f"{name}-{size_mb:g}mb-{files}"
    if not target.exists():
        limit = size_mb * MEGABYTE / files
        _write(target, files, lambda documents: _until_bytes(documents, limit), KINDS[kind])
    return target


def small_files(files: int = 50, documents: int = 100) -> Path:
    """Return a folder of ``files`` JSONL files of ``documents`` documents each."""
    target = cache.folder("corpora") / f"small-{files}x{documents}"
    if not target.exists():
        _write(target, files, lambda stream: itertools.islice(stream, documents))
    return target


def _until_bytes(lines: Iterator[bytes], limit: float) -> Iterator[bytes]:
    written = 0
    while written < limit:
        line = next(lines)
        written += len(line)
        yield line


def _write(target: Path, files: int, take, kind: Kind = KINDS["technical"]) -> None:
    """Fill a folder beside ``target``, then rename it: a cut-off build leaves no half corpus."""
    partial = target.with_name(target.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    lines = _lines(kind)
    for number in range(files):
        with (partial / f"part-{number:04}.jsonl").open("wb") as sink:
            sink.writelines(take(lines))
    partial.rename(target)


def _lines(kind: Kind) -> Iterator[bytes]:
    """Yield documents without end, as JSON lines: first each as it is, then shuffled inside."""
    with _base_documents(kind).open(encoding="utf-8") as source:
        base = [json.loads(line) for line in source]
    for again in itertools.count():
        draw = random.Random(SEED + again)
        for number, (package, page, text) in enumerate(base):
            if again:
                paragraphs = text.split("\n\n")
                draw.shuffle(paragraphs)
                text = "\n\n".join(paragraphs)
            record = {
                "id": f"doc-{again:03}-{number:06}",
                "text": text,
                "source": package,
                "meta": {"page": page, "characters": len(text)},
            }
            yield json.dumps(record, ensure_ascii=False).encode() + b"\n"


def _base_documents(kind: Kind) -> Path:
    """Return one file of all distinct documents, ``[package, page, text]`` a line, shuffled."""
    name = "base" if kind.name == "technical" else f"base-{kind.name}"
    target = cache.folder("corpora") / f"{name}.jsonl"
    if target.exists():
        return target
    with ProcessPoolExecutor() as pool:
        named = kind.packages.strip().splitlines()
        pages = [page for packages in named for page in _pages(_unpacked(packages.split()))]
        seen: set[bytes] = set()
        rows: list[str] = []
        for documents in pool.map(functools.partial(_documents, kind), pages, chunksize=64):
            for package, page, text in documents:
                digest = hashlib.md5(text.encode(), usedforsecurity=False).digest()
                if digest not in seen:
                    seen.add(digest)
                    rows.append(json.dumps([package, page, text], ensure_ascii=False) + "\n")
    random.Random(SEED).shuffle(rows)
    partial = target.with_suffix(".partial")
    with partial.open("w", encoding="utf-8") as sink:
        sink.writelines(rows)
    return partial.rename(target)


def _unpacked(packages: list[str]) -> Path:
    """Download and unpack, once, the first of these packages that this Debian release has."""
    for package in packages:
        target = cache.folder("packages") / package
        if target.exists() or _unpack(package, target):
            return target
    raise SystemExit(f"benchmarks: this Debian release has none of {', '.join(packages)}")


def _unpack(package: str, target: Path) -> bool:
    with tempfile.TemporaryDirectory(dir=cache.folder()) as work:
        command = ["apt-get", "download", "-q", package]
        subprocess.run(command, cwd=work, capture_output=True, check=False)
        for archive in Path(work).glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", archive, f"{work}/unpacked"], check=True)
            Path(work, "unpacked").rename(target)
            return True
    return False


def _pages(folder: Path) -> list[Path]:
    found = folder.rglob("*.html")
    return sorted(page for page in found if page.is_file() and not page.is_symlink())


def _documents(kind: Kind, page: Path) -> list[tuple[str, str, str]]:
    """Cut one page between paragraphs into documents of about 1 to 16 KB."""
    package, *inside = page.relative_to(cache.folder("packages")).parts
    name = "/".join(inside)
    draw = random.Random(name)
    documents, paragraphs, size, wanted = [], [], 0, _size(draw)
    for paragraph in _paragraphs(kind, page.read_text(encoding="utf-8", errors="replace")):
        paragraphs.append(paragraph)
        size += len(paragraph.encode())
        if size >= wanted:
            documents.append((package, name, "\n\n".join(paragraphs)))
            paragraphs, size, wanted = [], 0, _size(draw)
    if size >= 1_000:
        documents.append((package, name, "\n\n".join(paragraphs)))
    return documents


def _size(draw: random.Random) -> float:
    return math.exp(draw.uniform(math.log(1_000), math.log(15_000)))


def _paragraphs(kind: Kind, markup: str) -> Iterator[str]:
    plain = _TAG.sub("", _BLOCK.sub("\n\n", kind.invisible.sub(" ", markup)))
    for block in re.split(r"\n\s*\n", html.unescape(plain)):
        text = _BLANKS.sub(lambda gap: "\n" if "\n" in gap[0] else " ", block).strip()
        for start in range(0, len(text), 8_000):
            yield text[start : start + 8_000]


def main() -> None:
    """Build a corpus and print its folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mb", type=float, default=1_000)
    parser.add_argument("--files", type=int, default=8)
    parser.add_argument("--kind", choices=KINDS, default="technical")
    parser.add_argument("--documents", type=int, help="documents a file; takes the place of --mb")
    chosen = parser.parse_args()
    if chosen.documents:
        print(small_files(chosen.files, chosen.documents))
    else:
        print(jsonl(chosen.mb, chosen.files, chosen.kind))


if __name__ == "__main__":
    main()
