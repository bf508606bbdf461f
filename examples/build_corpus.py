# SPDX-License-Identifier: Apache-2.0
"""Build the demo corpus: The Debian Administrator's Handbook in eleven languages, as JSONL.

    apt-get download debian-handbook
    dpkg-deb -x debian-handbook_*.deb unpacked
    python examples/build_corpus.py unpacked

Reads the XHTML pages of the Debian package ``debian-handbook`` (tried with 11.20220922). A page
becomes either one document, as it stands with its navigation (``pages``), or one document for
each of its sections and sidebars (``sections``). Paragraphs that a translation left in English
are dropped. Then ``DEFECTS`` are planted, drawn from a fixed seed: the same package always gives
the same corpus. ``corpus/_planted.json`` says where each of them lies.
"""

import argparse
import dataclasses
import hashlib
import json
import random
import re
import shutil
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa

CORPUS = Path(__file__).parent / "corpus"
BOOK = Path("usr/share/doc/debian-handbook/html")
ADDRESS = "https://debian-handbook.info/browse"
LOCALES = [
    *["ar-MA", "de-DE", "en-US", "es-ES", "fr-FR", "id-ID"],
    *["it-IT", "ja-JP", "pt-BR", "ru-RU", "zh-CN"],
]
COMPRESSED = {"ja/pages": ".gz", "zh/pages": ".zst"}
SEED = 11
SECTION_BYTES, PAGE_BYTES = 320_000, 80_000  # of text, for each language
LONGEST = 8_000

DEFECTS = {
    "broken json": 8,
    "mojibake": 40,
    "very short": 60,
    "symbol junk": 40,
    "repeated lines": 30,
    "exact duplicate": 80,
}

_DIVISIONS = {"section", "sidebar", "preface", "chapter", "appendix"}
_BLOCKS = {
    *["address", "blockquote", "dd", "div", "dl", "dt", "h1", "h2", "h3", "h4", "h5"],
    *["li", "ol", "p", "pre", "table", "td", "th", "tr", "ul"],
}
_MIRRORS = re.compile(r"\b(?:archive|deb|ftp|http|mirror|security|snapshot)[\w.-]*\.debian\.org")
_BROKEN: list[Callable[[str], str]] = [
    lambda line: line[: len(line) // 2],
    lambda line: line.replace('"id"', "id", 1),
    lambda line: repr(json.loads(line)),
    lambda line: line.removesuffix("}"),
    lambda _: "<html><head><title>504 Gateway Time-out</title></head></html>",
]


@dataclasses.dataclass
class Section:
    """What stands below one heading of a page."""

    title: str | None = None
    anchor: str | None = None
    paragraphs: list[str] = dataclasses.field(default_factory=list)
    code: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Row:
    """One line of the corpus to be, with the defect planted in it."""

    record: dict
    defect: str | None = None
    line: str | None = None


def read_page(page: Path) -> tuple[list[Section], list[str]]:
    """Return a page's sections, and the lines of the whole page with its navigation."""
    head, body = ElementTree.parse(page).getroot()
    sections: list[Section] = []
    whole = Section()
    _collect(body, Section(), sections)
    _collect(body, whole, None)
    title = next("".join(node.itertext()) for node in head if _tag(node) == "title")
    return sections, [title, *whole.paragraphs]


def _tag(node: ElementTree.Element) -> str:
    return node.tag.rpartition("}")[2]


def _collect(node: ElementTree.Element, section: Section, sections: list[Section] | None) -> None:
    """Sort the text below ``node`` into sections; without ``sections`` all goes into one."""
    kinds = set(node.get("class", "").split())
    if _tag(node) == "pre":
        section.code.append("".join(node.itertext()).strip("\n"))
        section.paragraphs.append(section.code[-1])
        return
    if sections is not None:
        if kinds & {"docnav", "toc"} or node.get("id") in {"banner", "title"}:
            return
        if kinds & _DIVISIONS:
            section = Section()
            sections.append(section)
        if "title" in kinds and section.title is None:
            section.title = " ".join("".join(node.itertext()).split())
            section.anchor = next((a.get("id") for a in node.iter() if a.get("id")), None)
            return
    inline = [node.text or ""]
    for child in node:
        if _tag(child) in _BLOCKS and child.get("class") != "url":
            _end_paragraph(inline, section)
            _collect(child, section, sections)
        else:
            inline.append("".join(child.itertext()))
        inline.append(child.tail or "")
    _end_paragraph(inline, section)


def _end_paragraph(inline: list[str], section: Section) -> None:
    text = " ".join("".join(inline).split())
    inline.clear()
    if text:
        section.paragraphs.append(text)


def read_locale(book: Path, locale: str, english: set[str]) -> dict[str, list[Row]]:
    """Return the rows of one language by file name."""
    names = sorted(page.name for page in (book / locale).glob("*.html"))
    names.remove("index.html")
    random.Random(SEED).shuffle(names)
    rows: dict[str, list[Row]] = {"sections": [], "pages": []}
    room = {"sections": SECTION_BYTES, "pages": PAGE_BYTES}
    for number, name in enumerate(names):
        sections, lines = read_page(book / locale / name)
        kind = "sections" if number % 4 else "pages"
        for title, anchor, text in _documents(kind, sections, lines, english):
            if room[kind] > 0 and not _MIRRORS.search(text):
                room[kind] -= len(text.encode())
                rows[kind].append(Row(_record(locale, name, kind, title, anchor, text)))
    half = len(rows["sections"]) // 2
    return {
        "sections-00": rows["sections"][:half],
        "sections-01": rows["sections"][half:],
        "pages": rows["pages"],
    }


def _documents(
    kind: str, sections: list[Section], lines: list[str], english: set[str]
) -> Iterator[tuple[str | None, str | None, str]]:
    """Yield title, anchor and text of each document that a page gives."""
    if kind == "pages":
        text = "\n".join(line for line in lines if line not in english)
        if len(text) <= 2 * LONGEST:
            yield lines[0], None, text
        return
    for section in sections:
        own = [text for text in section.paragraphs if text not in english]
        if set(own) - set(section.code):
            yield section.title, section.anchor, _cut("\n\n".join(own))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[:LONGEST].rpartition("\n\n")[0]


def _record(
    locale: str, name: str, kind: str, title: str | None, anchor: str | None, text: str
) -> dict:
    place = f"{locale}/stable/{name}" + (f"#{anchor}" if anchor else "")
    identity = hashlib.blake2b(f"{place} {text}".encode(), digest_size=5).hexdigest()
    fingerprint = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return {
        "id": f"{locale[:2]}-{identity}",
        "text": text,
        "url": f"{ADDRESS}/{place}",
        "lang": locale[:2],
        "title": title,
        "meta": {
            "kind": kind.removesuffix("s"),
            "characters": len(text),
            "fingerprint": int.from_bytes(fingerprint),
            "book": {"name": "debian-handbook", "edition": 11, "locale": locale},
            "topics": name.removesuffix(".html").removeprefix("sect.").split("-"),
        },
    }


def plant(files: dict[str, list[Row]]) -> None:
    """Plant ``DEFECTS``, each in a row of its own."""
    draw = random.Random(SEED)
    sound = [row for rows in files.values() for row in rows]
    draw.shuffle(sound)
    for defect, wanted in DEFECTS.items():
        for number in range(wanted):
            row = _next(sound, defect)
            if defect == "broken json":
                row.defect, row.line = defect, _BROKEN[number % len(_BROKEN)](_json(row.record))
            elif defect == "mojibake":
                row.defect, row.record["text"] = defect, _mojibake(row.record["text"])
            else:
                text = _spoilt(defect, row.record, draw)
                identity = f"{row.record['lang']}-{defect.replace(' ', '-')}-{number:02}"
                record = row.record | {"id": identity, "text": text}
                rows = draw.choice(list(files.values()))
                rows.insert(draw.randrange(len(rows) + 1), Row(record, defect))


def _next(sound: list[Row], defect: str) -> Row:
    """Take out a row that the defect can be planted in."""
    for place, row in enumerate(sound):
        if defect != "mojibake" or _mojibake(row.record["text"]):
            return sound.pop(place)
    raise ValueError(f"no row is left for {defect}")


def _mojibake(text: str) -> str | None:
    """Return the UTF-8 bytes read as Windows-1252, None where that shows little or fails."""
    try:
        spoilt = text.encode().decode("cp1252")
    except UnicodeDecodeError:
        return None
    return spoilt if len(spoilt) - len(text) >= 10 else None


def _spoilt(defect: str, record: dict, draw: random.Random) -> str:
    words = record["text"].split()
    if defect == "very short":
        return " ".join(words[: draw.randint(1, 8)])
    if defect == "symbol junk":
        symbols = ["###", "***", "|||", "==>", "...", "{}", "@@", "%%%", "#", "~~~", *words[:5]]
        return " ".join(draw.choices(symbols, k=draw.randint(120, 400)))
    if defect == "repeated lines":
        line = " ".join(words[:9])
        return "\n".join([line] * draw.randint(20, 60))
    return record["text"]


def _json(record: dict) -> str:
    return json.dumps(record, ensure_ascii=False)


def write(files: dict[str, list[Row]]) -> None:
    """Write the corpus and the list of what was planted in it."""
    planted = []
    for name, rows in files.items():
        suffix = COMPRESSED.get(name, "")
        path = CORPUS / f"{name}.jsonl{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = "".join(f"{row.line or _json(row.record)}\n" for row in rows).encode()
        with pa.output_stream(path, compression="detect" if suffix else None) as sink:
            sink.write(lines)
        planted += [
            {"file": f"{name}.jsonl{suffix}", "line": number, "defect": row.defect}
            for number, row in enumerate(rows, 1)
            if row.defect
        ]
    listing = ",\n".join(map(_json, planted))
    (CORPUS / "_planted.json").write_text(f"[\n{listing}\n]\n", encoding="utf-8")


def main() -> None:
    """Build the corpus from a folder of unpacked packages."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("unpacked", type=Path, help="where dpkg-deb -x unpacked debian-handbook")
    book = parser.parse_args().unpacked / BOOK
    english: set[str] = set()
    for page in (book / "en-US").glob("*.html"):
        sections, lines = read_page(page)
        paragraphs = [text for section in sections for text in section.paragraphs]
        code = {text for section in sections for text in section.code}
        english |= {text for text in [*paragraphs, *lines] if len(text) > 40} - code
    files = {
        f"{locale[:2]}/{name}": rows
        for locale in LOCALES
        for name, rows in read_locale(book, locale, set() if locale == "en-US" else english).items()
    }
    plant(files)
    for locale in LOCALES:
        shutil.rmtree(CORPUS / locale[:2], ignore_errors=True)
    write(files)


if __name__ == "__main__":
    main()
