# SPDX-License-Identifier: Apache-2.0
"""This tree beside an earlier commit of it, in one go and by turns: what a change costs.

Both run in this environment, with one worker: the pipeline of ``jsonl_filters``, the same records
to Parquet, and the scores of ``text_filters``. Figures are medians of processor seconds, without
start-up; what is written must be the same.

    python -m benchmarks.commits                  beside the last commit
    python -m benchmarks.commits --commit HEAD~3 --mb 500 --runs 5
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq

from benchmarks import cache, corpus, measure

ROOT = Path(__file__).parents[2]
WIDTHS = "{:<34} {:>12} {:>12} {:>8}"


def main() -> int:
    """Measure both trees, and print a table."""
    chosen = _arguments()
    before = cache.folder("commits") / "before"
    shutil.rmtree(before, ignore_errors=True)
    _git("worktree", "prune")
    _git("worktree", "add", "--detach", "--force", str(before), chosen.commit)
    try:
        print(WIDTHS.format("CPU seconds", chosen.commit[:12], "this tree", "ratio"))
        same = _pipelines(before, chosen)
        _scores(before, chosen)
    finally:
        _git("worktree", "remove", "--force", str(before))
    return 0 if same else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--commit", default="HEAD", help="the earlier commit")
    parser.add_argument("--mb", type=float, default=300, help="size of the corpus")
    parser.add_argument("--text-mb", type=float, default=20, help="size of each kind of text")
    parser.add_argument("--runs", type=int, default=5, help="medians of so many runs are shown")
    return parser.parse_args()


def _git(*command: str) -> None:
    subprocess.run(["git", *command], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


# -- pipelines --------------------------------------------------------------------------------


def _pipelines(before: Path, chosen: argparse.Namespace) -> bool:
    programs = {
        "JSONL, five rules, JSONL": ROOT / "benchmarks/jsonl_filters/thresher_side.py",
        "JSONL to Parquet": Path(__file__).parent / "to_parquet_side.py",
    }
    source = corpus.jsonl(chosen.mb, 4)
    single = corpus.small_files(files=1, documents=1)
    same = True
    for title, program in programs.items():
        taken: dict[Path, list[float]] = {before: [], ROOT: []}
        for tree in taken:
            _run(program, tree, single)  # fills caches of code and of the file system
        for _ in range(chosen.runs):
            for tree, seconds in taken.items():
                startup = _run(program, tree, single)
                seconds.append(_run(program, tree, source) - startup)
        _show(title, *taken.values())
        same &= _rows(_output(before)) == _rows(_output(ROOT))
    if not same:
        print("NOT THE SAME ROWS")
    return same


def _run(program: Path, tree: Path, source: Path) -> float:
    output = _output(tree)
    shutil.rmtree(output, ignore_errors=True)
    log = cache.folder("logs") / "commits.log"
    command = [sys.executable, program, source, output]
    environment = {"PYTHONPATH": str(tree), "THRESHER_KERNELS": "compiled"}
    return measure.run(command, log, **environment).cpu_s


def _output(tree: Path) -> Path:
    return cache.folder("outputs", "commits", "now" if tree == ROOT else "before") / "out"


def _rows(folder: Path) -> list[str]:
    """The rows of all files, as sorted JSON; the order of a struct's members says nothing."""
    rows: list[str] = []
    for path in sorted(folder.glob("*.jsonl")):
        with path.open(encoding="utf-8") as lines:
            rows += lines
    for path in sorted(folder.glob("*.parquet")):
        table = pq.read_table(path).to_pylist()
        rows += (json.dumps(row, default=str, sort_keys=True) for row in table)
    return sorted(rows)


# -- scores -----------------------------------------------------------------------------------


def _scores(before: Path, chosen: argparse.Namespace) -> None:
    for kind in corpus.KINDS:
        (path,) = corpus.jsonl(chosen.text_mb, 1, kind).glob("*.jsonl")
        told: dict[Path, dict[str, list[float]]] = {}
        for _ in range(2):
            for tree in (before, ROOT):
                found = _told(tree, path, chosen.runs)
                known = told.setdefault(tree, {})
                for name in ("seconds", "preset_seconds"):
                    known[name] = known.get(name, []) + found[name]
        for name, title in (("seconds", "28 heuristics"), ("preset_seconds", "signals")):
            _show(f"{kind}, {title}", told[before][name], told[ROOT][name])


def _told(tree: Path, path: Path, runs: int) -> dict[str, list[float]]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.text_filters.thresher_side", path, str(runs)],
        stdout=subprocess.PIPE,
        check=True,
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), "THRESHER_KERNELS": "compiled"},
    )
    told: dict[str, list[float]] = json.loads(done.stdout.splitlines()[-1])
    return told


def _show(title: str, before: list[float], now: list[float]) -> None:
    old, new = statistics.median(before), statistics.median(now)
    ratio = f"{new / old:.3f}x"
    print(WIDTHS.format(title, f"{old:.2f}", f"{new:.2f}", ratio), flush=True)


if __name__ == "__main__":
    sys.exit(main())
