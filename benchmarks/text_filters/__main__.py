# SPDX-License-Identifier: Apache-2.0
"""All 28 heuristics and all preset signals on three kinds of real text, every score of every one.

Each side scores documents that lie in its own kind of memory, in one process; processor seconds
(user and system) are those of scoring alone, medians of several runs. Peers are given a prefix,
for which scores are compared; speed is by megabyte.

    python -m benchmarks.text_filters               252 MB, five runs (about a quarter hour)
    python -m benchmarks.text_filters --peer-mb 2   quicker
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks import cache, corpus, peers
from benchmarks.text_filters import heuristics

HERE = Path(__file__).parent
ROW = "{:<11} {:<44} {:>6} {:>9} {:>9}"


def main() -> int:
    """Measure all sides on all kinds of text; print a table."""
    chosen = _arguments()
    print(ROW.format("text", "work", "MB", "MB/CPU_s", "we_are"))
    agreed = True
    for kind in corpus.KINDS:
        agreed &= _kind(kind, chosen)
    return 0 if agreed else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mb", type=float, default=84, help="size of each kind of text")
    parser.add_argument("--peer-mb", type=float, default=5, help="size of the peers' prefix")
    parser.add_argument("--shipped-mb", type=float, default=1, help="of it for spaCy's words")
    parser.add_argument("--runs", type=int, default=5, help="medians of so many runs are shown")
    return parser.parse_args()


def _kind(kind: str, chosen: argparse.Namespace) -> bool:
    files = {mb: _file(kind, mb) for mb in (chosen.mb, chosen.peer_mb, chosen.shipped_mb)}
    size = {mb: _text_mb(path) for mb, path in files.items()}
    ours = [sys.executable, "-m", "benchmarks.text_filters.thresher_side"]
    nemo = [peers.NEMO_CURATOR.python(), HERE / "nemo_side.py"]
    datatrove = [peers.DATATROVE.python(), HERE / "datatrove_side.py"]

    def told(command, mb, *more):
        return _run([*command, files[mb], str(chosen.runs), *more])

    def show(work, mb, seconds, reference=None):
        speed = size[mb] / statistics.median(seconds)
        ratio = "" if reference is None else f"{reference / speed:.1f}x"
        print(ROW.format(kind, work, f"{size[mb]:.1f}", f"{speed:.2f}", ratio), flush=True)
        return speed

    we = told(ours, chosen.mb)
    n_heuristics = len(heuristics.ALL)
    heuristic = show(f"thresher, {n_heuristics} heuristics", chosen.mb, we["seconds"])
    signals = show("thresher, Gopher and C4 signals", chosen.mb, we["preset_seconds"])
    gopher = show("thresher, Gopher signals", chosen.mb, we["gopher_seconds"])
    they = told(nemo, chosen.peer_mb)
    show(f"{peers.NEMO_CURATOR}, the same heuristics", chosen.peer_mb, they["seconds"], heuristic)
    same = _compare(told(ours, chosen.peer_mb)["scores"], they["scores"])
    for words, mb in (("split", chosen.peer_mb), ("shipped", chosen.shipped_mb)):
        theirs = told(datatrove, mb, words)
        title = f"{peers.DATATROVE}, {words} words,"
        show(f"{title} Gopher", mb, theirs["gopher"]["seconds"], gopher)
        show(f"{title} Gopher and C4", mb, theirs["all"]["seconds"], signals)
    print(ROW.format(kind, "thresher, two threads over one", "", "", f"{we['scaling']:.2f}x"))
    return same


def _file(kind: str, mb: float) -> Path:
    (path,) = corpus.jsonl(mb, 1, kind).glob("*.jsonl")
    return path


def _text_mb(path: Path) -> float:
    with path.open(encoding="utf-8") as lines:
        return sum(len(json.loads(line)["text"].encode()) for line in lines) / 1e6


def _run(command: list) -> dict:
    log = cache.folder("logs") / "text_filters.log"
    with log.open("wb") as words:
        environment = os.environ | {"THRESHER_KERNELS": "compiled"}
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=words, check=False, env=environment
        )
    if done.returncode:
        raise SystemExit(f"{command[0]} failed:\n{log.read_text()[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def _compare(ours: list[list[float]], theirs: list[list[float]]) -> bool:
    """Say how many scores differ, by heuristic; equal work is what speed is compared at."""
    same = True
    for (name, arguments), a, b in zip(heuristics.ALL, ours, theirs, strict=True):
        differ = sum(
            not math.isclose(x, y, rel_tol=1e-9, abs_tol=1e-12) for x, y in zip(a, b, strict=True)
        )
        if differ:
            print(f"    {name}{arguments or ''}: {differ} of {len(a)} scores differ")
            # Which of equally frequent n-grams is the top one differs from run to run of theirs.
            same &= name == "RepeatingTopNGramsFilter" or differ <= 0.01 * len(a)
    return same


if __name__ == "__main__":
    sys.exit(main())
