# SPDX-License-Identifier: Apache-2.0
"""Every query of every dashboard and alert, asked of a real Prometheus while a pipeline runs."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.metrics.scraping import ask, manifest_rows, needs_prometheus
from tests.metrics.test_server import free_port
from thresher.metrics import scrape, server
from thresher.metrics.series import PREFIX, SERIES

ROOT = Path(__file__).parents[2]
GRAFANA = ROOT / "deploy" / "grafana"
DRIVER = Path(__file__).with_name("driver.py")

PATIENCE_SECONDS = 240

NO_GPU = ("gpu_memory", "ray_node_gram_used")
"""What is empty on a machine without a GPU."""

Watched = tuple[server.Status, "subprocess.Popen[str]"]


def queries() -> dict[str, list[str]]:
    """Queries by dashboard, with the variables filled in."""
    found = {}
    for file in sorted(GRAFANA.glob("*.json")):
        panels = json.loads(file.read_text())["panels"]
        found[file.stem] = [filled(t["expr"]) for panel in panels for t in panel["targets"]]
    return found


def filled(query: str) -> str:
    for variable, value in {"pipeline": "watched", "run": ".+", "__rate_interval": "30s"}.items():
        query = query.replace(f"${variable}", value)
    assert "$" not in query
    return query


@contextmanager
def watched(folder: Path, *arguments: str) -> Iterator[Watched]:
    """A driver, and a Prometheus that has found it."""
    needs_prometheus()
    metrics = folder / "metrics"
    prometheus = server.start(free_port(), metrics)
    environment = {**os.environ, "THRESHER_METRICS_DIR": str(metrics)}
    if not arguments:
        environment["THRESHER_METRICS_PORT"] = "0"
    try:
        with subprocess.Popen(
            [sys.executable, str(DRIVER), str(folder), *arguments],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as driver:
            try:
                yield prometheus, driver
            finally:
                driver.communicate("\n")
    finally:
        server.stop(metrics)


def until_all_are_answered(url: str, driver: "subprocess.Popen[str]", wanted: list[str]) -> None:
    """Ask until each query has had an answer with something in it."""
    silent = dict.fromkeys(wanted)
    end = time.monotonic() + PATIENCE_SECONDS
    while silent and time.monotonic() < end:
        assert driver.poll() is None, "the driver has ended; it said why"
        for query in list(silent):
            if ask(url, query):
                del silent[query]
        time.sleep(0.2)
    assert list(silent) == []


def rows_told(url: str, job: str) -> dict[tuple[str, str], float]:
    answer = ask(url, f'thresher_rows_total{{pipeline="watched",job="{job}"}}')
    ways = [(a["metric"]["stage"], a["metric"]["direction"]) for a in answer]
    assert len(set(ways)) == len(ways), "each once"
    return {way: float(a["value"][1]) for way, a in zip(ways, answer, strict=True)}


def until_rows_are(url: str, job: str, run_dir: str) -> None:
    """What was scraped becomes what the manifest says."""
    wanted = manifest_rows(run_dir)
    end = time.monotonic() + PATIENCE_SECONDS
    while rows_told(url, job) != wanted and time.monotonic() < end:
        time.sleep(0.2)
    assert rows_told(url, job) == wanted


@pytest.mark.engine
@pytest.mark.slow
def test_every_query_of_a_local_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scrape, "SCRAPE_EVERY", "1s")
    asked = [q for name in ("thresher-run", "thresher-work") for q in queries()[name]]
    with watched(tmp_path) as (prometheus, driver):
        until_all_are_answered(prometheus.url, driver, [q for q in asked if not has_gpu(q)])
        for query in filter(has_gpu, asked):
            ask(prometheus.url, query)
        assert driver.stdout is not None
        until_rows_are(prometheus.url, "thresher", driver.stdout.readline().strip())
        check_rules(prometheus.url)


@pytest.mark.engine
@pytest.mark.slow
def test_every_query_of_a_run_on_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray") if not os.environ.get("THRESHER_CI") else None
    monkeypatch.setattr(scrape, "SCRAPE_EVERY", "1s")
    folder = Path(tempfile.mkdtemp(prefix="thm-", dir="/tmp"))  # Ray's sockets need a short path
    asked = [q for each in queries().values() for q in each]
    try:
        with watched(folder, str(folder / "ray")) as (prometheus, driver):
            # What is sampled as it changes may have changed back before Ray hands it on.
            until_all_are_answered(prometheus.url, driver, [q for q in asked if not has_gpu(q)])
            assert driver.stdout is not None
            until_rows_are(prometheus.url, "ray", driver.stdout.readline().strip())
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def has_gpu(query: str) -> bool:
    return any(name in query for name in NO_GPU)


def check_rules(url: str) -> None:
    """Prometheus has no complaint about a rule, and knows every series that one names."""
    rules = yaml.safe_load(scrape.RULES.read_text())["groups"][0]["rules"]
    for rule in rules:
        ask(url, rule["expr"])
        for name in set(re.findall(rf"{PREFIX}\w+", rule["expr"])):
            assert ask(url, name), name


# -- the files themselves ------------------------------------------------------------------------


def builder() -> Any:
    spec = importlib.util.spec_from_file_location("grafana_build", GRAFANA / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_files_are_what_is_defined() -> None:
    files = {file.name: file.read_text() for file in GRAFANA.glob("*.json")}
    assert files == builder().built(), "python deploy/grafana/build.py"


def test_queries_name_series_that_there_are() -> None:
    named = {n for qs in queries().values() for q in qs for n in re.findall(rf"{PREFIX}\w+", q)}
    known = {PREFIX + name for name in SERIES}

    assert {name.removesuffix("_bucket") for name in named} <= known


def test_panels_have_titles_and_do_not_lie_on_each_other() -> None:
    for file in GRAFANA.glob("*.json"):
        told = json.loads(file.read_text())
        taken = set()
        for panel in told["panels"]:
            place = panel["gridPos"]
            cells = {
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            }
            assert panel["title"]
            assert not taken & cells, panel["title"]
            assert max(x for x, _ in cells) < 24
            taken |= cells
