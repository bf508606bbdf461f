# SPDX-License-Identifier: Apache-2.0
"""``thresher plan --nodes``: what it prints, and what it asks for."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from thresher.cli import main

Run = Callable[..., tuple[int, str, str]]

RECIPE = """
name: small
stages:
  - JsonlReader: {file_paths: in}
  - WordCountFilter: {min_words: 2}
  - RepeatedLinesFilter: {}
    with: {resources: {cpus: 0.5}}
  - JsonlWriter: {path: out}
"""


@pytest.fixture
def thresher(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Runs a command in a folder with a recipe and some input; gives code, output and errors."""
    (tmp_path / "in").mkdir()
    for name in "abc":
        lines = [json.dumps({"id": i, "text": "word " * i}) for i in range(5)]
        (tmp_path / "in" / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    (tmp_path / "r.yaml").write_text(RECIPE)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def run_recipe(thresher: Run, *options: str) -> None:
    assert thresher("run", "r.yaml", "--workers", "0", "-q", *options)[0] == 0


def test_the_recipes_own_run_is_where_rates_come_from(thresher: Run) -> None:
    run_recipe(thresher)
    code, out, err = thresher("plan", "r.yaml", "--nodes", "6", "--cpus-per-node", "16")

    assert (code, err) == (0, "")
    assert "an estimate, from 15 rows in 3 parts" in out
    assert "1  jsonl_reader_stage + word_count" in out
    assert "2  repeated_lines + jsonl_writer" in out
    lines = out.splitlines()
    table = lines.index(next(line for line in lines if line.startswith("nodes "))) + 1
    assert [line.split()[0] for line in lines[table : table + 4]] == ["1", "2", "4", "6"]
    assert "6 nodes of 16 CPUs" in out
    assert "RayActorPoolExecutor" in out
    for word in ("start-up", "memory", "object store", "storage"):
        assert f"  {word} " in out


def test_as_json(thresher: Run) -> None:
    run_recipe(thresher)
    options = ("--cpus-per-node", "3", "--memory-per-node", "4GB", "--json")
    told = json.loads(thresher("plan", "r.yaml", "--nodes", "2", *options)[1])

    assert told["node"] == {"cpus": 3, "memory": 4 * 10**9, "gpus": 0, "name": "a node"}
    assert told["measured"]["rows"] == 15
    assert [p["nodes"] for p in told["predictions"]] == [1, 2]
    for prediction in told["predictions"]:
        assert prediction["bottleneck"] in prediction["busy"]
        assert prediction["low"] <= prediction["seconds"] <= prediction["high"]
        workers = [load["workers"] for load in prediction["loads"]]
        assert workers == [3 * prediction["nodes"], 6 * prediction["nodes"]]  # half a CPU each


def test_one_node_is_this_executors(thresher: Run) -> None:
    run_recipe(thresher)
    told = json.loads(thresher("plan", "r.yaml", "--nodes", "1", "--json")[1])

    assert told["executor"] == "LocalExecutor"


@pytest.mark.parametrize("place", ["trial", "trial/_thresher/small"])
def test_a_trial_elsewhere_is_named(thresher: Run, place: str) -> None:
    run_recipe(thresher, "--limit", "7", "--set", "JsonlWriter.path=trial")
    code, out, _ = thresher("plan", "r.yaml", "--nodes", "2", "--from", place)

    assert code == 0
    assert "from 7 rows in 2 parts" in out
    assert not Path("out").exists()


def test_without_a_run_it_is_said_how_to_get_one(thresher: Run) -> None:
    code, out, err = thresher("plan", "r.yaml", "--nodes", "2")

    assert (code, out) == (2, "")
    assert "no run of this recipe has been measured" in err
    assert "--limit 10000 --set JsonlWriter.path=trial" in err
    assert "--from trial" in err


def test_the_run_of_another_recipe_is_refused(thresher: Run) -> None:
    run_recipe(thresher)
    recipe = Path("r.yaml")
    recipe.write_text(RECIPE.replace("RepeatedLinesFilter", "UrlsFilter"))
    code, _, err = thresher("plan", "r.yaml", "--nodes", "2", "--from", "out")

    assert code == 2
    assert "another pipeline" in err


def test_gpus_are_those_of_the_nodes(thresher: Run) -> None:
    recipe = Path("r.yaml")
    recipe.write_text(RECIPE.replace("cpus: 0.5", "gpus: 1"))

    for gpus, told in (("0", "needs 1 GPUs; a node has 0"), ("4", "no run of this recipe")):
        code, _, err = thresher("plan", "r.yaml", "--nodes", "2", "--gpus-per-node", gpus)
        assert code == 2
        assert told in err


def test_options_of_nodes_need_nodes(thresher: Run) -> None:
    for options in (("--cpus-per-node", "2"), ("--from", "out"), ("--memory-per-node", "1GB")):
        code, _, err = thresher("plan", "r.yaml", *options)
        assert code == 2
        assert "--nodes" in err
