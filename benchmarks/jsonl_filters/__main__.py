# SPDX-License-Identifier: Apache-2.0
"""JSONL in, five quality rules, JSONL out: Thresher, NeMo Curator and datatrove in one go.

Each side is a program of its own in an environment of its own, with one worker. Processor seconds
are user and system of its whole process tree. The same program on a single document is its
start-up, which is taken off and shown. The rows kept must be the same.

    python -m benchmarks.jsonl_filters                   1 GB, three runs (about a quarter hour)
    python -m benchmarks.jsonl_filters --peer-mb 100     peers on a prefix, compared by megabyte
"""

import argparse
import dataclasses
import itertools
import json
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from benchmarks import cache, corpus, measure, peers
from thresher import __version__ as thresher_version

HERE = Path(__file__).parent
MAX_TOP_BIGRAM = 0.2
HEADINGS = ["side", "MB", "CPU_s", "start-up", "net_CPU", "wall_s", "peak_MB", "net_ratio"]
WIDTHS = "{:<23} {:>6} {:>9} {:>9} {:>9} {:>8} {:>8} {:>9}"


@dataclasses.dataclass(frozen=True)
class Side:
    """One contender: a program beside this file, and the interpreter that runs it."""

    name: str
    title: str
    python: Path

    def run(self, source: Path, **environment: str) -> measure.Cost:
        """Run the program into an empty folder."""
        shutil.rmtree(self.output.parent, ignore_errors=True)
        log = cache.folder("logs") / f"{self.name}.log"
        command = [self.python, HERE / f"{self.name}_side.py", source, self.output]
        root = str(HERE.parents[1]) if self.name == "thresher" else ""
        return measure.run(command, log, PYTHONPATH=root, **environment)

    @property
    def output(self) -> Path:
        """Return the folder that the program writes to."""
        return cache.folder("outputs", "jsonl_filters", self.name) / "kept"

    def kept(self) -> set[str]:
        """Return the ids of the rows that the last run kept."""
        return {record["id"] for record in _records(self.output)}


@dataclasses.dataclass(frozen=True)
class Result:
    """What a side took on ``mb`` megabytes: the whole, and its start-up."""

    mb: float
    whole: measure.Cost
    startup: measure.Cost

    @property
    def cpu_s(self) -> float:
        """Return the processor seconds without start-up."""
        return self.whole.cpu_s - self.startup.cpu_s


def main() -> int:
    """Measure all sides, compare what they kept, print the table."""
    chosen = _arguments()
    thresher = Side("thresher", f"thresher {thresher_version}", Path(sys.executable))
    nemo, datatrove = peers.NEMO_CURATOR, peers.DATATROVE
    others = [
        Side("nemo", str(nemo), nemo.python()),
        Side("datatrove", str(datatrove), datatrove.python()),
        Side("datatrove_tuned", f"{datatrove} tuned", datatrove.python()),
    ]
    source = corpus.jsonl(chosen.mb, chosen.files)
    peer_mb = chosen.peer_mb or chosen.mb
    peer_source = source if peer_mb == chosen.mb else corpus.jsonl(peer_mb)
    print(WIDTHS.format(*HEADINGS))
    ours = _measure(thresher, source, chosen.mb, chosen.runs)
    _print(thresher, ours, ours)
    kept = thresher.kept()
    agreed = True
    for side in others:
        try:
            theirs = _measure(side, peer_source, peer_mb, chosen.peer_runs or chosen.runs)
        except measure.CommandFailed as crash:
            print(f"{side.title:<22} crashed ({crash}): no figure")
            continue
        _print(side, theirs, ours)
        agreed &= _compare(side, kept, source, peer_source)
    shutil.rmtree(cache.folder("outputs", "jsonl_filters"))
    return 0 if agreed else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mb", type=float, default=1_000, help="size of the corpus")
    parser.add_argument("--files", type=int, default=8, help="files it lies in")
    parser.add_argument("--runs", type=int, default=3, help="medians of so many runs are shown")
    parser.add_argument("--peer-runs", type=int, help="fewer runs for the peers")
    parser.add_argument("--peer-mb", type=float, help="give the peers only a prefix of this size")
    return parser.parse_args()


def _measure(side: Side, source: Path, mb: float, runs: int) -> Result:
    single = corpus.small_files(files=1, documents=1)
    side.run(single, THRESHER_KERNELS="compiled")  # fills caches of code and of the file system
    startup = measure.median([side.run(single) for _ in range(max(runs, 3))])
    return Result(mb, measure.median([side.run(source) for _ in range(runs)]), startup)


def _print(side: Side, result: Result, ours: Result) -> None:
    whole = result.whole
    ratio = (result.cpu_s / result.mb) / (ours.cpu_s / ours.mb)
    seconds = (whole.cpu_s, result.startup.cpu_s, result.cpu_s, whole.wall_s)
    shown = [f"{value:.2f}" for value in seconds]
    columns = [side.title, f"{result.mb:g}", *shown, f"{whole.peak_mb:.0f}", f"{ratio:.1f}x"]
    print(WIDTHS.format(*columns), flush=True)


def _compare(side: Side, ours: set[str], source: Path, peer_source: Path) -> bool:
    """Say whether a peer kept the rows that we kept; explain the ones where it did not."""
    theirs = side.kept()
    if peer_source != source:
        ours = ours & {record["id"] for record in _records(peer_source)}
    differing = ours ^ theirs
    ties = 0
    if differing and side.name == "nemo":
        records = (record for record in _records(peer_source) if record["id"] in differing)
        ties = sum(_is_tie(record["text"]) for record in records)
    unexplained = len(differing) - ties
    print(f"    kept {len(theirs):,} rows, we {len(ours):,}; {len(differing)} differ", end="")
    print(f", {ties} of them by ties between bigrams" if ties else "")
    if unexplained:
        print(f"    NOT THE SAME ROWS: {unexplained} differ for no known reason")
    return not unexplained


def _is_tie(text: str) -> bool:
    """Say whether the keep rule depends on which of equally frequent bigrams is called the top.

    NeMo Curator takes whichever its set of n-grams yields first, which changes from run to run.
    """
    counts = Counter(itertools.pairwise(text.split()))
    most = max(counts.values())
    shares = [
        (len(text) - len(text.replace(" ".join(bigram), ""))) / len(text)
        for bigram, count in counts.items()
        if count == most
    ]
    return min(shares) <= MAX_TOP_BIGRAM < max(shares)


def _records(folder: Path) -> Iterator[dict]:
    for path in sorted(folder.glob("*.jsonl")):
        with path.open(encoding="utf-8") as lines:
            yield from map(json.loads, lines)


if __name__ == "__main__":
    sys.exit(main())
