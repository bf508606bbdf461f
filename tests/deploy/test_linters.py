# SPDX-License-Identifier: Apache-2.0
"""Scripts and the Dockerfile by the linters made for them, and the commands in all of them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from thresher.cli.main import app

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SCRIPTS = [*sorted((DEPLOY / "slurm").iterdir()), ROOT / ".ci" / "run"]
COMMANDS = [path for path in sorted(DEPLOY.rglob("*")) if "thresher" in path.name or
            path.parent.name in ("docker", "kuberay", "slurm")]  # fmt: skip


def complaints(linter: str, *arguments: str | Path) -> str:
    """What a linter says; empty if all is well."""
    program = Path(sys.executable).parent / linter
    ran = subprocess.run(
        [program, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert ran.returncode in (0, 1), ran.stderr
    return ran.stdout if ran.returncode else ""


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_clean(script: Path) -> None:
    assert complaints("shellcheck", script) == ""


def test_the_dockerfile_is_clean() -> None:
    file = DEPLOY / "docker" / "Dockerfile"
    assert complaints("hadolint", "--no-color", "--failure-threshold", "warning", file) == ""


def test_linters_find_mistakes(tmp_path: Path) -> None:
    (tmp_path / "script").write_text("#!/bin/bash\ncd $1\n")
    (tmp_path / "Dockerfile").write_text("FROM debian\nRUN apt-get install curl\n")
    assert "SC2086" in complaints("shellcheck", tmp_path / "script")
    assert "DL3015" in complaints("hadolint", "--no-color", tmp_path / "Dockerfile")


def runs(path: Path) -> list[str]:
    """What follows ``thresher run`` in a file, lines that go on joined."""
    text = path.read_text().replace("\\\n", " ")
    return re.findall(r'\bthresher(?:\}")? run (.*)', text)


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: path.name)
def test_commands_use_options_that_there_are(path: Path) -> None:
    tree = typer.main.get_command(app)
    assert isinstance(tree, typer.core.TyperGroup)
    known = {name for one in tree.commands["run"].params for name in one.opts}
    for arguments in runs(path):
        assert set(re.findall(r"--[a-z][a-z-]*", arguments)) <= known


def test_there_are_commands() -> None:
    assert {path.name for path in COMMANDS if any("--shard" in run for run in runs(path))} == {
        "array.sbatch",
        "shards-job.yaml",
        "thresher_dag.py",
    }
