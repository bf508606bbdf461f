# SPDX-License-Identifier: Apache-2.0
"""The command line in process: what it prints, and its exit codes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from thresher import __version__
from thresher.catalog import KINDS, catalog
from thresher.cli import exit_codes, main
from thresher.errors import (
    DataError,
    EngineError,
    ModelError,
    PlanError,
    StageError,
    StorageError,
)

Run = Callable[..., tuple[int, str, str]]

RECIPE = """
name: small
stages:
  - JsonlReader: {file_paths: in}
  - WordCountFilter: {min_words: 2}
  - JsonlWriter: {path: out}
"""


@pytest.fixture
def thresher(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command; gives its exit code, output and errors."""

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a recipe and a little input, which is the current directory."""
    (tmp_path / "in").mkdir()
    for name in "abc":
        lines = [json.dumps({"id": i, "text": "word " * i}) for i in range(5)]
        (tmp_path / "in" / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    (tmp_path / "r.yaml").write_text(RECIPE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


# -- help ----------------------------------------------------------------------------------------


def test_help_names_commands_and_exit_codes(thresher: Run) -> None:
    code, out, _ = thresher("--help")
    assert code == 0
    for word in ("run", "plan", "list", "show", "schema", "Exit codes", "130"):
        assert word in out
    assert not set("│╭╰") & set(out), "no boxes"


def test_help_of_run_names_every_option(thresher: Run) -> None:
    _, out, _ = thresher("run", "-h")
    options = "dry-run limit workers memory run-dir fresh fresh-from take-over set json quiet"
    for option in (*options.split(), "no-progress"):
        assert f"--{option}" in out
    assert "130" in out


def test_no_command_shows_the_help_and_a_wrong_one_is_a_mistake(thresher: Run) -> None:
    code, out, err = thresher()
    assert (code, "Commands" in out + err) == (2, True)
    code, _, err = thresher("runn")
    assert (code, "runn" in err) == (2, True)
    assert thresher("--version")[:2] == (0, f"thresher {__version__}\n")


# -- run -----------------------------------------------------------------------------------------


def test_a_run_and_nothing_left_to_do(folder: Path, thresher: Run) -> None:
    code, out, err = thresher("run", "r.yaml", "--workers", "0")
    assert (code, err) == (0, "")
    assert "15 in = 9 out + 6 dropped: every row is accounted for" in out
    assert "Done: 3 parts" in out
    assert "thresher plan r.yaml" in out
    kept = (folder / "out" / "a.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in kept] == [2, 3, 4]

    code, out, _ = thresher("run", "r.yaml", "--workers", "0")
    assert (code, "Nothing to do" in out) == (0, True)
    code, out, _ = thresher("run", "r.yaml", "--workers", "0", "--fresh")
    assert (code, "Done: 3 parts" in out) == (0, True)


def test_json_is_all_there_is_on_standard_output(folder: Path, thresher: Run) -> None:
    code, out, err = thresher("run", "r.yaml", "--workers", "0", "--json")
    told = json.loads(out)
    assert code == 0
    assert told["status"] == "complete"
    assert Path(told["manifest"]).is_file()
    assert [stage["rows_in"] for stage in told["stages"]] == [15, 15, 9]
    assert told["stages"][1]["dropped"] == {"word_count": 6}
    assert "Done" in err


def test_quiet_is_quiet(folder: Path, thresher: Run) -> None:
    assert thresher("run", "r.yaml", "--workers", "0", "-q") == (0, "", "")


def test_options_reach_the_run(folder: Path, thresher: Run) -> None:
    code, out, _ = thresher(
        *("run", "r.yaml", "--workers", "0", "--memory", "1GB", "--run-dir", "records"),
        *("--limit", "7", "--set", "WordCountFilter.min_words=4", "--set", "name=other"),
        *("--take-over", "--no-progress"),
    )
    assert code == 0
    assert "other: " in out
    assert "3 dropped by limit" in out
    assert "10 in = 1 out + 9 dropped" in out
    assert (folder / "records" / "manifest.json").is_file()


def test_fresh_from_a_stage_that_is_not_there(folder: Path, thresher: Run) -> None:
    code, _, err = thresher("run", "r.yaml", "--workers", "0", "--fresh-from", "Nothing")
    assert (code, "Nothing" in err) == (2, True)


def test_a_dry_run_writes_nothing(folder: Path, thresher: Run) -> None:
    code, out, _ = thresher("run", "r.yaml", "--dry-run")
    assert code == 0
    assert "3 parts" in out
    assert "word_count" in out
    assert not (folder / "out").exists()


def test_mistakes_are_listed_without_a_traceback(folder: Path, thresher: Run) -> None:
    (folder / "bad.yaml").write_text("stages:\n  - JsonReader: {}\n  - WordCountFilter: {m: 1}\n")
    code, out, err = thresher("run", "bad.yaml")
    assert (code, out) == (2, "")
    assert err.startswith("2 mistakes; nothing was run\n")
    for piece in ("1. ", "2. ", "bad.yaml, line 2, column 5", "to do: did you mean JsonlReader?"):
        assert piece in err
    assert "Traceback" not in err


def test_mistakes_of_the_plan_have_the_line_of_the_stage(folder: Path, thresher: Run) -> None:
    (folder / "bad.yaml").write_text(RECIPE.replace("WordCountFilter: {min_words: 2}",
        "ScoreFilter: {filter_obj: WordCountFilter, text_field: txt}"))  # fmt: skip
    for command in ("run", "plan"):
        code, _, err = thresher(command, "bad.yaml")
        assert code == 2
        assert "'txt'" in err
        assert "bad.yaml, line 5, column 5" in err
        assert "did you mean 'text'?" in err


def test_debugging_shows_the_traceback(
    folder: Path, thresher: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(exit_codes.DEBUG, "1")
    code, _, err = thresher("run", "none.yaml")
    assert (code, "Traceback" in err) == (3, True)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (PlanError("p"), 2),
        (StageError("s"), 1),
        (DataError("d"), 3),
        (StorageError("s"), 3),
        (ModelError("m"), 1),
        (EngineError("e"), 1),
        (ValueError("v"), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_exit_codes(error: BaseException, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_codes.code_of(error) == code
    exit_codes.tell(error)
    told = capsys.readouterr().err
    assert told
    assert "Traceback" not in told


def test_an_interrupted_run_has_its_own_code(
    folder: Path, thresher: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from thresher.pipeline import Pipeline, RunResult

    result = RunResult("p", "interrupted", [], [], "out", "run")
    monkeypatch.setattr(Pipeline, "run", lambda *a, **k: result)
    assert thresher("run", "r.yaml")[0] == 130


def test_an_interrupt_before_the_run_is_told(
    folder: Path, thresher: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from thresher.pipeline import Pipeline

    def interrupted(*args: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Pipeline, "run", interrupted)
    code, _, told = thresher("run", "r.yaml")
    assert (code, told) == (130, "interrupted\n")


# -- plan ----------------------------------------------------------------------------------------


def test_plan_shows_steps_and_columns(folder: Path, thresher: Run) -> None:
    code, out, _ = thresher("plan", "r.yaml")
    assert code == 0
    assert "small: 3 parts" in out
    assert "step 1" in out
    assert "reads text" in out
    assert "output: out" in out


def test_plan_as_json(folder: Path, thresher: Run) -> None:
    _, out, _ = thresher("plan", "r.yaml", "--json", "--set", "WordCountFilter.with.name=words")
    told = json.loads(out)
    assert [part["name"] for part in told["parts"]] == ["a.jsonl", "b.jsonl", "c.jsonl"]
    [segment] = told["segments"]
    words = next(s for step in segment["steps"] for s in step["stages"] if s["name"] == "words")
    assert words["reads"] == ["text"]
    assert words["rows"] == "subset"
    assert words["class"].endswith(".ScoreFilter")
    assert set(told["columns"]) == {"id", "text"}
    assert not (folder / "out").exists()


# -- list, show, schema --------------------------------------------------------------------------


def test_list_shows_everything(thresher: Run) -> None:
    code, out, _ = thresher("list")
    assert code == 0
    assert all(f"  {entry.name} " in out for entry in catalog().of_kind(*KINDS))
    assert "``" not in out


def test_list_of_a_kind(thresher: Run) -> None:
    for kind in ("filter", "filters", "Filter"):
        _, out, _ = thresher("list", "--kind", kind)
        assert "WordCountFilter" in out
        assert "JsonlReader" not in out
    code, _, err = thresher("list", "--kind", "thing")
    assert (code, "modifier" in err) == (2, True)
    _, out, _ = thresher("list", "--kind", "executor", "--json")
    assert "LocalExecutor" in [entry["name"] for entry in json.loads(out)]


@pytest.mark.parametrize("name", [entry.name for entry in catalog()])
def test_show_explains_everything(name: str, thresher: Run) -> None:
    code, out, err = thresher("show", name)
    assert (code, err) == (0, "")
    assert name in out
    assert "in a recipe" in out
    code, out, _ = thresher("show", name, "--json")
    assert json.loads(out)["name"] == name


def test_show_tells_parameters_defaults_and_an_example(thresher: Run) -> None:
    _, out, _ = thresher("show", "WordCountFilter")
    assert "min_words  = 50" in out
    assert "----" not in out
    assert "  stages:\n    - WordCountFilter:\n        min_words: 50\n" in out
    code, _, err = thresher("show", "WordCountFiltr")
    assert (code, "did you mean WordCountFilter?" in err) == (2, True)


def test_the_schema_is_json(thresher: Run) -> None:
    _, out, _ = thresher("schema")
    assert json.loads(out)["title"] == "Thresher recipe"
