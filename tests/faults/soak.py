# SPDX-License-Identifier: Apache-2.0
"""What the programs that disturb runs have in common: seeds, what befell them, and the verdict."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol, TypeAlias

Outcome: TypeAlias = "tuple[Counter[str], Mapping[object, Sequence[str]]]"
"""What befell the seeds, and the problems of those that have some."""


class Disturbed(Protocol):
    """One seed, at its end."""

    number: int
    histogram: Counter[str]
    problems: list[str]


def outcome_of(seeds: Iterable[Disturbed]) -> Outcome:
    """The seeds' histograms, added up, and the problems of those that have some."""
    histogram: Counter[str] = Counter()
    failed: dict[object, Sequence[str]] = {}
    for seed in seeds:
        histogram += seed.histogram
        if seed.problems:
            failed[seed.number] = seed.problems
    return histogram, failed


def soak(
    description: str,
    run: Callable[[argparse.Namespace], Outcome],
    add_options: Callable[[argparse.ArgumentParser], object] = lambda _: None,
    seeds: int = 12,
) -> int:
    """The command line: run ``seeds`` seeds from ``seed`` on; 1 if some have problems."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--seeds", type=int, default=seeds)
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    add_options(parser)
    chosen = parser.parse_args()
    began = time.monotonic()
    histogram, failed = run(chosen)
    for what, times in sorted(histogram.items()):
        print(f"{what:40} {times:5d}  {'#' * min(times, 60)}")
    seconds = time.monotonic() - began
    print(f"{chosen.seeds} seeds, {sum(histogram.values())} events, {seconds:.0f} s")
    for seed, found in failed.items():
        print(f"seed {seed}:", *found, sep="\n  ")
    print(f"with problems: {len(failed)}")
    return 1 if failed else 0
