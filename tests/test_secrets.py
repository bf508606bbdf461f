# SPDX-License-Identifier: Apache-2.0
"""Secrets are in nothing that is printed or kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from thresher.backends.local import LocalExecutor
from thresher.config import dump_recipe, parse_recipe
from thresher.pipeline import Pipeline
from thresher.secrets import is_secret, masked, masked_url
from thresher.stages.text.io import JsonlReader, JsonlWriter

SECRET = "T0p-5ecret"


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("password", True), ("db_password", True), ("hf_token", True), ("token", True),
        ("aws_secret_access_key", True), ("account_key", True), ("api-key", True),
        ("connection_string", True), ("Authorization", True), ("access_token", True),
        ("tokenizer", False), ("min_tokens", False), ("token_field", False), ("id_key", False),
        ("keys", False), ("text_field", False),
    ],
)  # fmt: skip
def test_names_of_secrets(name: str, secret: bool) -> None:
    assert is_secret(name) == secret


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("s3://me:pw@host/x", "s3://me:***@host/x"),
        ("https://host/x?a=1&X-Amz-Signature=1f#y", "https://host/x?a=1&X-Amz-Signature=***#y"),
        ("https://host/x?sig=a%2Fb&b=c", "https://host/x?sig=***&b=c"),
        ("https://me@host:80/x?page=1", "https://me@host:80/x?page=1"),
        ("no URL: a:b@c", "no URL: a:b@c"),
    ],
)
def test_urls(text: str, shown: str) -> None:
    assert masked_url(text) == shown


def test_secrets_at_any_depth() -> None:
    options = {"key": "k", "anon": False, "client_kwargs": {"headers": [{"Authorization": "x"}]}}
    assert masked({"storage_options": options}) == {
        "storage_options": {
            "key": "***",
            "anon": False,
            "client_kwargs": {"headers": [{"Authorization": "***"}]},
        }
    }
    assert masked("k", "key") == "k"  # a parameter of a stage, such as the key of a join
    assert masked(("s3://a:b@c",), "file_paths") == ("s3://a:***@c",)


def pipeline(source: Path, output: Path) -> Pipeline:
    options = {"auto_mkdir": True, "password": SECRET}
    return Pipeline(
        "p",
        stages=[
            JsonlReader(str(source), read_kwargs={"storage_options": options}),
            JsonlWriter(str(output), write_kwargs={"storage_options": options}),
        ],
        max_error_rate=1.0,
    )


def test_a_stage_is_shown_without_them(tmp_path: Path) -> None:
    shown = repr(pipeline(tmp_path, tmp_path).stages)
    assert "password" in shown
    assert SECRET not in shown


def test_a_dumped_recipe_looks_for_them_in_the_environment(tmp_path: Path) -> None:
    made = pipeline(tmp_path / "in", tmp_path / "out")
    text = dump_recipe(made)
    assert SECRET not in text
    assert "${PASSWORD}" in text
    assert parse_recipe(text, env={"PASSWORD": SECRET}).pipeline.stages == made.stages


def test_a_run_keeps_none_and_its_folder_is_private(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / "a.jsonl").write_text('{"v":1}\nbroken\n')
    made = pipeline(source, tmp_path / "out")
    result = made.run(LocalExecutor(workers=0), shard="0/2", wait=0)
    assert result.status == "waiting"
    kept = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert any(path.parent.name == "plans" for path in kept)
    assert [path for path in kept if SECRET.encode() in path.read_bytes()] == []
    assert (tmp_path / "out/_thresher/p").stat().st_mode & 0o777 == 0o700
