# SPDX-License-Identifier: Apache-2.0
"""Rows to the letter: ``python tests/faults/rows.py --documents 1000000``.

Documents with big integers, odd key orders and nested fields; one line in a thousand is broken,
three rows raise and one kills its worker. Everything else must come out as it went in, and
exactly these must be in quarantine, with file and line.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from random import Random

ROOT = Path(__file__).parents[2]
FILES = 4
BROKEN_SHARE = 0.001


@dataclass
class Planted:
    """The input, and what is wrong in it: (file, line) to what the quarantine must say."""

    folder: Path
    bad: dict[tuple[str, int], str] = field(default_factory=dict)
    raising: list[str] = field(default_factory=list)
    killing: str = ""


def plant(folder: Path, documents: int, seed: int = 0) -> Planted:
    """Write the input files."""
    rng = Random(seed)
    folder.mkdir(parents=True)
    planted = Planted(folder)
    special = rng.sample(range(documents), 4)
    planted.raising = [f"doc-{number}" for number in special[:3]]
    planted.killing = f"doc-{special[3]}"
    words = _words()
    per_file = -(-documents // FILES)
    for index in range(FILES):
        path = folder / f"{index}.jsonl"
        with path.open("wb") as file:
            for line, number in enumerate(
                range(index * per_file, min((index + 1) * per_file, documents)), 1
            ):
                broken = number not in special and rng.random() < BROKEN_SHARE
                record = _record(rng, number, words)
                file.write(_broken(rng, record) if broken else record)
                file.write(b"\n")
                if broken:
                    planted.bad[str(path), line] = "broken"
                elif number in special:
                    kills = number == special[3]
                    planted.bad[str(path), line] = "kills" if kills else "cannot bear"
    return planted


def _words() -> list[str]:
    corpus = ROOT / "examples" / "corpus"
    text = " ".join(
        json.loads(line)["text"]
        for language in ("en", "ru", "ja")
        for line in (corpus / language / "sections-00.jsonl").read_text("utf-8").splitlines()[3:40]
    )
    return text.split(" ")


def _record(rng: Random, number: int, words: list[str]) -> bytes:
    """One record, in one of several shapes; written by hand where ``json`` would tidy it."""
    start = rng.randrange(len(words) - 30)
    text = json.dumps(" ".join(words[start : start + 25]), ensure_ascii=rng.random() < 0.3)
    fields = [
        f'"id": "doc-{number}"',
        f'"text": {text}',
        f'"big": {rng.getrandbits(90)}',
        f'"price": {rng.choice(("1.10", "1e5", "-0.0", "3", "1E-7"))}',
        f'"mixed": {rng.choice(("1", chr(34) + "x" + chr(34), "null", "[1, [2, {}]]", "true"))}',
        f'"nested": {{"z": {rng.randrange(9)}, "a": {{"deep": [1,  2 ]}}, "date": "2024-01-01"}}',
    ]
    rng.shuffle(fields)
    if rng.random() < 0.1:
        fields.append(f'"only_here_{number % 7}": "\\u00e9\\/"')
    return ("{" + rng.choice((", ", ",", " , ")).join(fields) + "}").encode()


def _broken(rng: Random, record: bytes) -> bytes:
    cut = record[: rng.randrange(5, len(record) - 1)]
    return rng.choice((cut, record[:-1] + b"}}", b"not json", record.replace(b'"text"', b"text")))


def run(planted: Planted, output: Path, blocksize: str) -> str:
    """Run the job; returns what it printed."""
    command = [
        sys.executable,
        str(Path(__file__).with_name("rows_job.py")),
        str(planted.folder),
        str(output),
        blocksize,
        ",".join(planted.raising),
        planted.killing,
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


def problems(planted: Planted, output: Path, documents: int) -> list[str]:
    """What is not as it must be."""
    run_dir = output / "_thresher" / "rows"
    manifest = json.loads((run_dir / "manifest.json").read_text())
    found = []
    for number, (want, got) in enumerate(
        zip_longest(_expected(planted), _written(output, manifest["files"]))
    ):
        if want != got:
            found.append(f"row {number} of the output is {got!r}, not {want!r}")
            break
    found += _quarantine_problems(planted, run_dir)
    bad = len(planted.bad)
    reader, touchy, writer = manifest["stages"]
    facts = (
        reader["rows_in"],
        reader.get("quarantined", 0) + touchy.get("quarantined", 0),
        reader["rows_out"] == touchy["rows_in"],
        touchy["rows_out"] == writer["rows_in"],
        writer["rows_out"],
        manifest["rows"],
    )
    if facts != (documents, bad, True, True, documents - bad, documents - bad):
        found.append(f"the counts do not balance: {manifest['stages']}")
    return found


def _expected(planted: Planted) -> Iterator[bytes]:
    for path in sorted(planted.folder.iterdir()):
        with path.open("rb") as file:
            for line, record in enumerate(file, 1):
                if (str(path), line) not in planted.bad:
                    yield record


def _written(output: Path, files: list[dict[str, str]]) -> Iterator[bytes]:
    for entry in files:
        with (output / entry["path"]).open("rb") as file:
            yield from file


def _quarantine_problems(planted: Planted, run_dir: Path) -> list[str]:
    found = []
    left = dict(planted.bad)
    for path in sorted((run_dir / "quarantine").rglob("*.ndjson")):
        for text in path.read_text("utf-8").splitlines():
            entry = json.loads(text)
            place = (entry.get("file", ""), entry.get("line", 0))
            reason = left.pop(place, None)
            if reason is None:
                found.append(f"in quarantine, and should not be: {text[:300]}")
            elif reason != "broken" and reason not in entry["error"]:
                found.append(f"{place} is in quarantine for {entry['error']!r}, not {reason!r}")
    found += [f"not in quarantine: {place} ({reason})" for place, reason in left.items()]
    return found[:10]


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Send rows through, and compare to the letter.")
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--blocksize", default="16MB")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="thresher-rows-"))
    try:
        planted = plant(folder / "input", arguments.documents, arguments.seed)
        began = time.monotonic()
        print(run(planted, folder / "out", arguments.blocksize))
        print(f"{arguments.documents} documents in {time.monotonic() - began:.1f} s")
        found = problems(planted, folder / "out", arguments.documents)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(*found, f"{len(planted.bad)} bad rows planted, {len(found)} problems", sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
