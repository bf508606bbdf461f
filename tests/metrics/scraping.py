# SPDX-License-Identifier: Apache-2.0
"""What tests of metrics share: reading an endpoint, and adding up what it says."""

from __future__ import annotations

import json
import os
import shutil
import urllib.parse
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample


def scrape(port: int) -> list[Sample]:
    """All samples of a driver's endpoint."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return [s for family in text_string_to_metric_families(text) for s in family.samples]


def sums(samples: list[Sample], name: str, *by: str) -> dict[Any, float]:
    """Values of one series, added up by some of its labels."""
    found: Counter[Any] = Counter()
    for sample in samples:
        if sample.name == f"thresher_{name}":
            key = tuple(sample.labels[label] for label in by)
            found[key[0] if len(by) == 1 else key] += sample.value
    return dict(found)


def manifest_rows(run_dir: str | Path) -> dict[tuple[str, str], float]:
    """Rows in and out of each stage, by the manifest."""
    stages = json.loads((Path(run_dir) / "manifest.json").read_text())["stages"]
    ways = ("in", "out")
    return {(stage["stage"], way): stage[f"rows_{way}"] for stage in stages for way in ways}


def needs_prometheus() -> None:
    """Skip where Debian's package is not installed; continuous integration installs it."""
    if shutil.which("prometheus") and shutil.which("promtool"):
        return
    if os.environ.get("THRESHER_CI"):
        pytest.fail("apt-get install prometheus")
    pytest.skip("needs prometheus and promtool: apt-get install prometheus")


def ask(url: str, query: str) -> list[dict[str, Any]]:
    """The answer of a Prometheus to an instant query, which must be right."""
    form = urllib.parse.urlencode({"query": query}).encode()
    try:
        with urllib.request.urlopen(f"{url}/api/v1/query", form, timeout=10) as answer:
            told = json.load(answer)
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{query}: {error.read().decode()}") from error
    assert told["status"] == "success", told
    return list(told["data"]["result"])
