# SPDX-License-Identifier: Apache-2.0
"""The alert rules, by Prometheus' own tool."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.metrics.scraping import needs_prometheus
from thresher.metrics.scrape import RULES
from thresher.metrics.series import PREFIX, SERIES

HERE = Path(__file__).parent


def promtool(folder: Path, *arguments: str) -> str:
    """What it complains of; empty if all is well."""
    needs_prometheus()
    ran = subprocess.run(
        ["promtool", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    return ran.stdout + ran.stderr if ran.returncode else ""


@pytest.mark.engine
def test_the_rules_are_right(tmp_path: Path) -> None:
    assert promtool(tmp_path, "check", "rules", str(RULES)) == ""


@pytest.mark.engine
def test_each_rings_when_it_should_and_not_before(tmp_path: Path) -> None:
    for file in (RULES, HERE / "alerts_test.yml"):
        shutil.copy(file, tmp_path)
    assert promtool(tmp_path, "test", "rules", "alerts_test.yml") == ""


def test_rules_name_series_that_there_are_and_each_is_tested() -> None:
    rules = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]
    named = set(re.findall(rf"{PREFIX}\w+", " ".join(rule["expr"] for rule in rules)))
    tests = yaml.safe_load((HERE / "alerts_test.yml").read_text())["tests"]
    tested = {case["alertname"] for each in tests for case in each["alert_rule_test"]}

    assert {name.removeprefix(PREFIX) for name in named} <= set(SERIES)
    assert {rule["alert"] for rule in rules} == tested
    for rule in rules:
        assert {"summary", "todo"} <= set(rule["annotations"])


def test_what_is_deployed_is_what_is_shipped() -> None:
    deployed = HERE.parents[1] / "deploy" / "prometheus" / "alerts.yml"
    assert deployed.read_text() == RULES.read_text()
