# SPDX-License-Identifier: Apache-2.0
"""Processor seconds of a piece of work inside a process; told as one line of JSON."""

import json
import resource
import sys
from pathlib import Path


def texts_of(path):
    """The texts of a JSONL file."""
    with Path(path).open(encoding="utf-8") as lines:
        return [json.loads(line)["text"] for line in lines]


def cpu_seconds():
    """User and system seconds of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def repeat(work, runs):
    """Processor seconds of each run, and what the last one returned."""
    seconds, result = [], None
    for _ in range(runs):
        start = cpu_seconds()
        result = work()
        seconds.append(cpu_seconds() - start)
    return seconds, result


def tell(**figures):
    """Print the figures for the caller."""
    print(json.dumps(figures), file=sys.stdout, flush=True)
