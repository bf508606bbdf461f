# SPDX-License-Identifier: Apache-2.0
"""TokenCountFilter: whatever the tokenizer, a column counts as its documents do."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer

from tests.tokenizer_files import BPE, CORPUS, as_is, texts_of
from tests.toys import records_of, run_quietly
from thresher.backends.local import LocalExecutor
from thresher.config import parse_recipe
from thresher.errors import ModelError
from thresher.pipeline import Pipeline
from thresher.stages.text.filters import TokenCountFilter
from thresher.stages.text.io import JsonlReader, JsonlWriter

FRENCH = texts_of(CORPUS / "fr")


class Letters:
    """Has nothing but ``encode``."""

    def encode(self, text: str) -> list[str]:
        return list(text)


def test_special_tokens_count_and_nothing_is_cut() -> None:
    rule = TokenCountFilter(hf_model_name=str(BPE))
    expected = [len(as_is(BPE).encode(text).ids) for text in FRENCH]

    assert max(expected) > 64
    assert rule.score_document("") == 1  # the file adds <s> in front
    assert [rule.score_document(text) for text in FRENCH[:20]] == expected[:20]


def test_a_tokenizer_that_is_given_is_used_as_it_is() -> None:
    given = Tokenizer.from_file(str(BPE / "tokenizer.json"))  # cuts and pads to 64
    rule = TokenCountFilter(tokenizer=given)

    assert rule.score_document("a") == 64
    assert rule.score_document("a " * 500) == 64
    assert given.truncation is not None
    assert TokenCountFilter(tokenizer=Letters()).score_document("abc") == 3


def test_bounds_are_included() -> None:
    rule = TokenCountFilter(tokenizer=Letters(), min_tokens=2, max_tokens=4)

    assert [rule.keep_document(n) for n in (1, 2, 4, 5)] == [False, True, True, False]
    assert TokenCountFilter(tokenizer=Letters()).keep_document(10**9)


@pytest.mark.parametrize("arguments", [{}, {"tokenizer": Letters(), "hf_model_name": "m"},
                                       {"hf_model_name": ""}])  # fmt: skip
def test_one_tokenizer_is_needed(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="one of tokenizer and hf_model_name"):
        TokenCountFilter(**arguments)


def test_local_files_only_is_refused() -> None:
    with pytest.raises(ValueError, match="local_files_only"):
        TokenCountFilter(hf_model_name="m", transformers_init_kwargs={"local_files_only": True})


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text("{}")
    with pytest.raises(ModelError, match="cannot be loaded"):
        TokenCountFilter(hf_model_name=str(path)).load_tokenizer()


def test_it_travels_without_what_it_has_loaded() -> None:
    rule = TokenCountFilter(hf_model_name=str(BPE))
    before = pickle.dumps(rule)
    rule.load_tokenizer()

    assert pickle.dumps(rule) == before
    assert pickle.loads(before).score_document("a") == rule.score_document("a")


@pytest.mark.parametrize("workers", [0, 1])
def test_in_a_recipe(tmp_path: Path, workers: int) -> None:
    recipe = parse_recipe(
        f"name: r\nmax_error_rate: 0.1\nstages:\n  - JsonlReader: {{file_paths: {CORPUS / 'fr'}}}\n"
        f"  - TokenCountFilter: {{hf_model_name: {BPE}, min_tokens: 300, max_tokens: 900}}\n"
        f"  - JsonlWriter: {{path: {tmp_path / 'out'}}}\n"
    )
    result = run_quietly(recipe.pipeline, LocalExecutor(workers=workers))

    tokenizer = as_is(BPE)
    expected = [text for text in FRENCH if 300 <= len(tokenizer.encode(text).ids) <= 900]
    assert 0 < len(expected) < len(FRENCH)
    assert [record["text"] for record in records_of(tmp_path / "out")] == expected
    assert result.counts[1].dropped == {"token_count": len(FRENCH) - len(expected)}


def test_a_tokenizer_in_memory_goes_to_workers(tmp_path: Path) -> None:
    rule = TokenCountFilter(tokenizer=as_is(BPE), min_tokens=300)
    stages = [JsonlReader(str(CORPUS / "fr")), rule, JsonlWriter(str(tmp_path / "out"))]
    result = run_quietly(Pipeline("p", stages=stages, max_error_rate=0.1), LocalExecutor(workers=1))

    assert 0 < result.counts[-1].rows_out < len(FRENCH)
    assert run_quietly(Pipeline("p", stages=stages), LocalExecutor(workers=0)).status == (
        "nothing to do"
    )
