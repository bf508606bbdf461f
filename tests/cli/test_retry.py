# SPDX-License-Identifier: Apache-2.0
"""The command of a run is kept in its folder, without secrets; ``thresher retry`` repeats it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from thresher.cli.command import _is_secret
from thresher.cli.main import main
from thresher.pipeline import Pipeline
from thresher.runs.report import Observer
from thresher.stages.text.io import JsonlReader, JsonlWriter

RECIPE = """
name: one
stages:
- JsonlReader: {file_paths: in}
- ScoreFilter: {filter_obj: {WordCountFilter: {min_words: 1}}}
- JsonlWriter: {path: out}
max_error_rate: 1.0
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.jsonl").write_text('{"text":"x"}\n{"text":1}\n')
    (tmp_path / "one.yml").write_text(RECIPE)
    return tmp_path


def kept(folder: Path, name: str = "one") -> dict[str, object]:
    found: dict[str, object] = json.loads(
        (folder / f"out/_thresher/{name}/command.json").read_text()
    )
    return found


def test_the_command_is_kept(folder: Path) -> None:
    sets = ["--set", "JsonlWriter.mode=ignore"]
    assert main(["run", "one.yml", "--limit", "5", "--workers", "0", *sets, "-q"]) == 0
    assert kept(folder) == {
        "recipe": "one.yml",
        "sets": ["JsonlWriter.mode=ignore"],
        "limit": 5,
        "workers": 0,
        "memory": None,
        "run_dir": None,
        "left_out": [],
        "folder": str(folder),
    }


def test_it_is_repeated_from_anywhere(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["run", "one.yml", "--workers", "0", "-q"]) == 0
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    assert main(["retry", "../out", "-q"]) == 0
    monkeypatch.chdir(folder / "elsewhere")
    assert main(["retry", "../out/_thresher/one", "-q"]) == 0


def test_secrets_are_asked_for_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "one.yml", "--workers", "0", "-q"]) == 0
    path = folder / "out/_thresher/one/command.json"
    path.write_text(json.dumps({**kept(folder), "left_out": ["JsonlReader.hf_token"]}))
    assert main(["retry", "out"]) == 2
    assert "--set JsonlReader.hf_token=..." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("JsonlReader.read_kwargs.storage_options.key", True),
        ("X.hf_token", True),
        ("X.token", True),
        ("X.api_key", True),
        ("X.password", True),
        ("X.aws_secret_access_key", True),
        ("TokenCountFilter.tokenizer", False),
        ("TokenCountFilter.min_tokens", False),
        ("DocumentJoiner.text_field", False),
        ("X.id_key", False),
    ],
)
def test_what_has_the_name_of_a_secret(name: str, secret: bool) -> None:
    assert _is_secret(f"{name}=1") == secret


@pytest.mark.parametrize(
    ("value", "secret"),
    [
        ("https://user:pw@host/x.jsonl", True),
        ("{a: 's3://key:word@bucket/x'}", True),
        ("https://host/x?X-Amz-Signature=1f&a=b", True),
        ("https://host/x?a=b&access_token=1f", True),
        ("https://user@host/x.jsonl", False),
        ("https://host:8080/x@y.jsonl", False),
        ("https://host/x?page=1&keys=2", False),
    ],
)
def test_what_is_a_url_with_a_secret(value: str, secret: bool) -> None:
    assert _is_secret(f"X.url={value}") == secret


def test_there_is_no_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["retry", "in"]) == 2
    assert "there is no run here" in capsys.readouterr().err
    assert main(["retry", "nowhere"]) == 2


def test_a_run_of_python(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Pipeline("p", stages=[JsonlReader("in"), JsonlWriter("out")]).run(observer=Observer())
    assert main(["retry", "out"]) == 2
    assert 'pipeline.run(retry_failed="all")' in capsys.readouterr().err


def test_several_runs_in_one_output(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "one.yml", "--workers", "0", "-q"]) == 0
    (folder / "more").mkdir()
    (folder / "more/b.jsonl").write_text('{"text":"y"}\n')
    two = RECIPE.replace("name: one", "name: two").replace("paths: in", "paths: more")
    (folder / "two.yml").write_text(two)
    assert main(["run", "two.yml", "--workers", "0", "-q"]) == 0
    assert main(["retry", "out"]) == 2
    assert "2 pipelines have written here" in capsys.readouterr().err
    assert main(["retry", "out/_thresher/two", "-q"]) == 0


def test_a_run_that_is_not_complete(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "one.yml").write_text(RECIPE.replace("max_error_rate: 1.0", ""))
    assert main(["run", "one.yml", "--workers", "0", "-q"]) == 1
    capsys.readouterr()
    assert main(["retry", "out", "-q"]) == 1  # what was tried is tried again
    assert "1 of 2 records (50.0%) went to quarantine" in capsys.readouterr().err
    (folder / "in" / "new.jsonl").write_text('{"text":"never tried"}\n')
    assert main(["retry", "out"]) == 2
    assert "this run is not complete" in capsys.readouterr().err
