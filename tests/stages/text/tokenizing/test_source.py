# SPDX-License-Identifier: Apache-2.0
"""Where tokenizers come from, and what is found out about them before they are loaded."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.tokenizer_files import BPE, EOS, save, trained
from thresher.errors import ModelError, PlanError
from thresher.pipeline import Pipeline
from thresher.stages.text.filters import ScoreFilter, TokenCountFilter
from thresher.stages.text.io import JsonlReader, JsonlWriter, MegatronTokenizerWriter
from thresher.stages.text.tokenizing import TokenizerSource
from thresher.stages.text.tokenizing import source as source_module
from thresher.stages.text.tokenizing.source import check_options
from thresher.stages.text.tokens import TokenCounter


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of a model's folder, to be changed."""
    return Path(shutil.copytree(BPE, tmp_path / "model"))


def test_a_folder_and_its_file_are_the_same(folder: Path) -> None:
    by_folder = TokenizerSource(str(folder)).load()
    by_file = TokenizerSource(str(folder / "tokenizer.json")).load()

    assert by_folder.eos_id == by_file.eos_id == 0
    assert by_folder.pad_id == by_file.pad_id == 1
    assert by_folder.size == by_file.size == 400


@pytest.mark.parametrize(
    ("config", "special", "options", "expected"),
    [
        ({"eos_token": "<pad>"}, {"eos_token": EOS}, {}, 1),
        ({"eos_token": {"content": "<pad>", "lstrip": False}}, {}, {}, 1),
        ({"eos_token": None}, {"eos_token": {"content": "<pad>"}}, {}, 1),
        ({}, {"eos_token": EOS}, {"eos_token": "<s>"}, 2),
        ({}, {}, {}, -1),
        ({"eos_token": "<none>"}, {}, {}, -1),
        ({"eos_token": ""}, {}, {}, -1),
        ([], {}, {}, -1),
    ],
)
def test_the_end_of_a_document(
    folder: Path, config: Any, special: Any, options: dict[str, Any], expected: int
) -> None:
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    (folder / "special_tokens_map.json").write_text(json.dumps(special))

    assert TokenizerSource(str(folder), options=options).load().eos_id == expected


def test_files_beside_that_are_broken_are_named(folder: Path) -> None:
    (folder / "tokenizer_config.json").write_text("{")
    with pytest.raises(ModelError, match=r"tokenizer_config\.json: not JSON"):
        TokenizerSource(str(folder)).load()


def test_added_tokens_beyond_the_vocabulary_count(tmp_path: Path) -> None:
    tokenizer = trained(vocab_size=300)
    tokenizer.add_tokens(["<one>", "<two>"])

    assert TokenizerSource(save(tokenizer, tmp_path)).load().size == 302


@pytest.mark.parametrize(
    "identifier", ["/none/tokenizer.json", "none.json", "./none", "~/none", "a/b/c"]
)
def test_a_missing_path_is_named(identifier: str) -> None:
    (mistake,) = TokenizerSource(identifier).mistakes("Stage")

    assert isinstance(mistake, ModelError)
    assert mistake.where == identifier
    assert "Stage" in mistake.what
    with pytest.raises(ModelError, match="no such file"):
        TokenizerSource(identifier).load_or_fetch()


def test_what_is_no_tokenizer_is_named(folder: Path) -> None:
    (folder / "tokenizer.json").write_text('{"a": 1}')
    with pytest.raises(ModelError, match="the tokenizer cannot be loaded"):
        TokenizerSource(str(folder)).load_or_fetch()


def without(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    found = source_module.find_spec
    monkeypatch.setattr(
        source_module, "find_spec", lambda name: None if name == package else found(name)
    )


def test_a_name_on_the_hub_needs_transformers(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "transformers")
    (mistake,) = TokenizerSource("org/model").mistakes("Stage")

    assert "Stage with 'org/model' needs the package 'transformers'" in mistake.what
    assert "pip install 'thresher[models]'" in mistake.todo
    assert "tokenizer.json" in mistake.todo


def test_a_file_needs_tokenizers(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "tokenizers")
    (mistake,) = TokenizerSource(str(BPE)).mistakes("Stage")

    assert "pip install 'thresher[text]'" in mistake.todo


class AutoTokenizer:
    """Stands for the one of ``transformers``, which not every environment has."""

    calls: list[dict[str, Any]]
    on_this_machine: bool
    is_fast: bool

    eos_token_id = 5
    pad_token_id = None
    all_special_tokens = ("</s>",)

    @classmethod
    def from_pretrained(cls, identifier: str, **options: Any) -> AutoTokenizer:
        cls.calls.append({"identifier": identifier, **options})
        if options["local_files_only"] and not cls.on_this_machine:
            raise OSError("not on this machine")
        return cls()

    @property
    def backend_tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        return Tokenizer.from_file(str(BPE / "tokenizer.json")) if self.is_fast else None

    def get_vocab(self) -> dict[str, int]:
        return {"a": 0, "b": 9}

    def convert_tokens_to_ids(self, names: list[str]) -> list[int]:
        return [5 for _ in names]

    def __call__(self, texts: list[str], **options: Any) -> dict[str, Any]:
        assert options == {"add_special_tokens": False, "truncation": False, "padding": False}
        return {"input_ids": [[9] * len(text) for text in texts]}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> type[AutoTokenizer]:
    module: Any = type(sys)("transformers")
    module.AutoTokenizer = AutoTokenizer
    monkeypatch.setitem(sys.modules, "transformers", module)
    found = source_module.find_spec
    monkeypatch.setattr(
        source_module, "find_spec", lambda name: name == "transformers" or found(name)
    )
    AutoTokenizer.calls, AutoTokenizer.on_this_machine, AutoTokenizer.is_fast = [], True, True
    return AutoTokenizer


def test_what_is_on_this_machine_is_taken_before_the_hub(hub: type[AutoTokenizer]) -> None:
    source = TokenizerSource("org/model", "cache", "secret", {"revision": "v1"})
    loaded = source.load_or_fetch()

    common = {"identifier": "org/model", "cache_dir": "cache", "token": "secret", "revision": "v1"}
    assert hub.calls == [{**common, "local_files_only": True}]
    assert (loaded.size, loaded.eos_id, loaded.pad_id) == (400, 5, -1)
    hub.on_this_machine = False
    source.load_or_fetch()
    assert hub.calls[1:] == [{**common, "local_files_only": flag} for flag in (True, False)]


def test_a_tokenizer_in_python_gives_the_ids_it_has(hub: type[AutoTokenizer]) -> None:
    import pyarrow as pa

    hub.is_fast = False
    loaded = TokenizerSource("org/model").load_or_fetch()
    tokens = loaded.tokens(pa.array(["ab", None, "c"]), special=False)

    assert loaded.size == 10
    assert tokens.ids.tolist() == [9, 9, 9]
    assert tokens.lengths.tolist() == [2, 0, 1]


def test_options_of_its_own_make_a_folder_a_matter_of_transformers(
    hub: type[AutoTokenizer],
) -> None:
    TokenizerSource(str(BPE), options={"use_fast": True}).load_or_fetch()

    assert [call["identifier"] for call in hub.calls] == [str(BPE)]


def test_what_the_hub_refuses_is_named(hub: type[AutoTokenizer]) -> None:
    class Refusing(hub):  # type: ignore[valid-type, misc]
        @classmethod
        def from_pretrained(cls, identifier: str, **options: Any) -> Any:
            raise OSError("no such model")

    sys.modules["transformers"].AutoTokenizer = Refusing  # type: ignore[attr-defined]
    with pytest.raises(ModelError, match=r"org/model: the tokenizer cannot be .*: no such model"):
        TokenizerSource("org/model").load_or_fetch()


def test_the_real_transformers_load_a_folder_the_same_way() -> None:
    pytest.importorskip("transformers")
    import pyarrow as pa

    texts = pa.array(["Où est la gare ?", "", None, "déjà " * 100])
    ours = TokenizerSource(str(BPE)).load()
    theirs = TokenizerSource(str(BPE), options={"use_fast": True}).load()

    assert theirs.tokens(texts, special=False).ids.tolist() == (
        ours.tokens(texts, special=False).ids.tolist()
    )
    assert (theirs.size, theirs.eos_id, theirs.pad_id) == (ours.size, ours.eos_id, ours.pad_id)


@pytest.mark.parametrize("name", ["cache_dir", "token", "local_files_only"])
def test_options_with_a_parameter_of_their_own_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"holds '{name}'"):
        check_options({name: "x"}, "here")


@pytest.mark.parametrize(
    "stages",
    [
        lambda out: [TokenCounter("/none/tokenizer.json"), JsonlWriter(out)],
        lambda out: [TokenCountFilter(hf_model_name="/none/tokenizer.json"), JsonlWriter(out)],
        lambda out: [
            ScoreFilter([TokenCountFilter(hf_model_name="/none/tokenizer.json")]), JsonlWriter(out),
        ],
        lambda out: [MegatronTokenizerWriter(out, "/none/tokenizer.json")],
    ],
)  # fmt: skip
def test_a_missing_file_is_found_when_the_pipeline_is_planned(stages: Any, tmp_path: Path) -> None:
    reader = JsonlReader(str(BPE.parents[2] / "examples" / "corpus" / "fr"))
    with pytest.raises(PlanError, match=r"/none/tokenizer\.json: the tokenizer of") as caught:
        Pipeline("p", stages=[reader, *stages(str(tmp_path / "out"))]).plan()

    (mistake,) = caught.value.mistakes
    assert isinstance(mistake, ModelError)
    assert not (tmp_path / "out").exists()


def test_another_tokenizer_at_the_same_place_is_another_version(folder: Path) -> None:
    writer = MegatronTokenizerWriter("out", str(folder))
    rule = TokenCountFilter(hf_model_name=str(folder))
    before = writer.version, rule.version
    assert before == (writer.version, rule.version)

    save(trained(vocab_size=300), folder)

    assert writer.version != before[0]
    assert rule.version != before[1]
    assert MegatronTokenizerWriter.version == "2"
    assert MegatronTokenizerWriter("out", "org/model").version == "2"
