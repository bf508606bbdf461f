# SPDX-License-Identifier: Apache-2.0
"""Every shipped recipe runs on the demo's corpus."""

from pathlib import Path

import pytest

from thresher.config import load_recipe

EXAMPLES = Path(__file__).parents[4] / "examples"
RECIPES = sorted((EXAMPLES / "recipes").glob("*.yaml"))
KEEP_PROSE = {"gopher", "code", "non_english", "nemo_non_english"}
"""Recipes that keep some of a handbook's pages."""


def test_there_are_recipes():
    assert len(RECIPES) == 9


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_runs_and_names_the_rules_that_drop(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(EXAMPLES)
    monkeypatch.delenv("INPUT", raising=False)
    output = tmp_path / "output"

    recipe = load_recipe(str(path), (), {"OUTPUT": str(output)})
    result = recipe.pipeline.run(recipe.executor)

    assert result.status == "complete"
    dropped = {rule for counts in result.counts for rule in counts.dropped}
    if not path.stem.startswith("nemo"):
        names = {counts.stage for counts in result.counts}
        assert all(rule.partition(".")[0] in names and "." in rule for rule in dropped)
    assert dropped
    kept = sum(len(part.read_text().splitlines()) for part in output.rglob("*.jsonl"))
    assert kept == result.counts[-1].rows_in
    assert kept > 0 or path.stem not in KEEP_PROSE
