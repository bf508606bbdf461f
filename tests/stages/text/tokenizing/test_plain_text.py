# SPDX-License-Identifier: Apache-2.0
"""Text that spells special tokens is tokenized as other text is, whatever the tokenizer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

from tests.stages.text.tokenizing.kinds import KINDS, LETTERS, METASPACE, tokens
from tests.tokenizer_files import save
from thresher.errors import ModelError
from thresher.stages.text.filters import TokenCountFilter, TokenizerFertilityFilter
from thresher.stages.text.tokenizing import LoadedTokenizer, TokenizerSource
from thresher.stages.text.tokenizing.plain import plain_tokenizer
from thresher.stages.text.tokens import TokenCounter
from thresher.tasks import TOKENS, DocumentBatch

PLACES = ["{0}", "{0}b", "b{0}", "a {0} b", "a{0}b{0}", "{0}{0}", "he {0}", "{0} he", "im{0}!",
          "a  {0}  b", "{0}s>"]  # fmt: skip
"""Where in a text special tokens are spelled."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A folder for each kind."""
    root = tmp_path_factory.mktemp("kinds")
    return {name: kind.save(root / name) for name, kind in KINDS.items()}


@pytest.fixture(scope="module")
def all_loaded(folders: dict[str, str]) -> dict[str, LoadedTokenizer]:
    return {name: TokenizerSource(folder).load() for name, folder in folders.items()}


def ids_of(loaded: LoadedTokenizer, text: str) -> list[int]:
    return loaded.tokens(pa.array([text]), special=False).ids.tolist()


def special_ids(folder: str, name: str) -> set[int]:
    original = Tokenizer.from_file(f"{folder}/tokenizer.json")
    return {original.token_to_id(token) for token in KINDS[name].special}


@pytest.mark.parametrize("loader", ["tokenizers", "transformers"])
@pytest.mark.parametrize("name", KINDS)
def test_special_tokens_in_text_are_plain_text(
    folders: dict[str, str], name: str, loader: str
) -> None:
    kind, folder = KINDS[name], folders[name]
    options = {}
    if loader == "transformers":
        pytest.importorskip("transformers")
        options = {"use_fast": True}
    loaded = TokenizerSource(folder, options=options).load()
    original = Tokenizer.from_file(f"{folder}/tokenizer.json")
    without = kind.plain()

    for special in kind.special:
        for place in PLACES:
            text = place.format(special)
            ids = ids_of(loaded, text)
            assert special_ids(folder, name).isdisjoint(ids), text
            assert tokens(original, ids) == tokens(without, without.encode(text).ids), text
            if kind.decodes and METASPACE not in text:
                assert original.decode(ids, skip_special_tokens=False) == text


@pytest.mark.parametrize("loader", ["tokenizers", "transformers"])
@pytest.mark.parametrize("name", KINDS)
def test_special_tokens_in_text_can_be_allowed(
    folders: dict[str, str], name: str, loader: str
) -> None:
    folder = folders[name]
    options = {}
    if loader == "transformers":
        pytest.importorskip("transformers")
        options = {"use_fast": True}
    loaded = TokenizerSource(folder, options=options, allow_special_tokens=True).load()
    original = Tokenizer.from_file(f"{folder}/tokenizer.json")

    for special in KINDS[name].special:
        ids = ids_of(loaded, f"a {special} a")
        assert original.token_to_id(special) in ids


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_no_text_has_special_tokens(
    folders: dict[str, str], all_loaded: dict[str, LoadedTokenizer], data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(list(KINDS)))
    kind, folder = KINDS[name], folders[name]
    parts = st.one_of(
        st.text(max_size=5),
        st.text(LETTERS, max_size=3),
        st.sampled_from([*kind.special, *(token[1:] for token in kind.special), " ", "im_", "|>!"]),
    )
    text = "".join(data.draw(st.lists(parts, max_size=8)))
    ids = ids_of(all_loaded[name], text)

    assert special_ids(folder, name).isdisjoint(ids)
    original = Tokenizer.from_file(f"{folder}/tokenizer.json")
    without = kind.plain()
    assert tokens(original, ids) == tokens(without, without.encode(text).ids)


@pytest.mark.parametrize("name", KINDS)
def test_the_tokenizer_stays_the_same_otherwise(folders: dict[str, str], name: str) -> None:
    plain = TokenizerSource(folders[name]).load()
    allowing = TokenizerSource(folders[name], allow_special_tokens=True).load()

    assert (plain.size, plain.eos_id, plain.pad_id) == (
        allowing.size, allowing.eos_id, allowing.pad_id,
    )  # fmt: skip
    assert plain.eos_id >= 0
    texts = pa.array(["a he", "", "im_ b"])
    for special in (False, True):
        ours, theirs = (each.tokens(texts, special=special) for each in (plain, allowing))
        assert ours.ids.tolist() == theirs.ids.tolist()
        np.testing.assert_array_equal(ours.lengths, theirs.lengths)


@pytest.mark.parametrize("name", KINDS)
def test_counts_are_of_plain_text_too(folders: dict[str, str], name: str) -> None:
    text = f"a {KINDS[name].special[0]} he"
    file = f"{folders[name]}/tokenizer.json"
    loaded = TokenizerSource(folders[name]).load()
    expected = len(ids_of(loaded, text))
    added = int(loaded.counts(pa.array([""]), special=True)[0])

    assert TokenCountFilter(hf_model_name=folders[name]).score_document(text) == expected + added
    batch = DocumentBatch("set", data=pa.table({"text": [text]}))
    assert TokenCounter(folders[name]).process(batch).data.column(TOKENS).to_pylist() == [expected]
    if name != "named_only":  # only the file itself is looked at
        assert TokenizerFertilityFilter(file).score_document(text) == len(text) / expected


def test_a_tokenizer_that_is_given_to_the_filter_is_not_changed() -> None:
    given = KINDS["byte_level"].build(["<s>"])
    given.no_padding()
    rule = TokenCountFilter(tokenizer=given)

    assert rule.score_document("<|endoftext|>") == 2
    assert given.encode_special_tokens is False


@pytest.mark.parametrize("name", ["unigram", "word_piece", "word_level"])
def test_the_unknown_token_is_not_made_of_its_spelling(
    folders: dict[str, str], name: str, tmp_path: Path
) -> None:
    unknown = "<unk>" if name == "unigram" else "[UNK]"
    tokenizer = Tokenizer.from_file(f"{folders[name]}/tokenizer.json")
    tokenizer.add_special_tokens([unknown])
    loaded = TokenizerSource(save(tokenizer, tmp_path)).load()

    (unknown_id,) = ids_of(loaded, "é")[-1:]
    assert unknown_id == tokenizer.token_to_id(unknown)
    # Words that are not known as a whole are unknown, here as in other text.
    assert (unknown_id in ids_of(loaded, unknown)) == (name == "word_level")


@pytest.mark.parametrize(
    "told",
    [
        {"bos_token": "<b>"},
        {"mask_token": {"content": "<b>", "lstrip": True}},
        {"additional_special_tokens": ["<b>"]},
        {"extra_special_tokens": [{"content": "<b>"}]},
        {"extra_special_tokens": {"image_token": "<b>"}},
        {"added_tokens_decoder": {"7": {"content": "<b>", "special": True}}},
    ],
)
def test_files_beside_name_special_tokens(told: dict[str, Any], tmp_path: Path) -> None:
    tokenizer = KINDS["byte_level_added"].build([])
    tokenizer.add_tokens(["<b>", "<c>"])
    ordinary = {
        "add_bos_token": True,
        "extra_special_tokens": "<c>",
        "added_tokens_decoder": {"8": {"content": "<c>"}},
    }
    folder = save(tokenizer, tmp_path, **{**ordinary, **told})
    ids = ids_of(TokenizerSource(folder).load(), "a<b>b<c>")

    assert tokenizer.token_to_id("<b>") not in ids
    assert ids[-1] == tokenizer.token_to_id("<c>")


def test_ordinary_added_tokens_stay(folders: dict[str, str]) -> None:
    folder = folders["byte_level_added"]
    original = Tokenizer.from_file(f"{folder}/tokenizer.json")
    ids = ids_of(TokenizerSource(folder).load(), "<|im_start|>!")

    found = tokens(original, ids)
    assert found.count("im_") == 1
    assert found[-1] == "|>!"
    assert original.decode(ids) == "<|im_start|>!"


def test_a_tokenizer_that_can_do_it_itself_is_not_made_anew() -> None:
    can = KINDS["byte_level"].build(["<s>"])
    cannot = KINDS["unigram"].build(["<s>"])

    assert plain_tokenizer(can, (), "").tokenizer is can
    assert plain_tokenizer(cannot, (), "").tokenizer is not cannot


@pytest.mark.parametrize("byte_fallback", [False, True])
def test_special_tokens_that_are_characters_are_told(byte_fallback: bool, tmp_path: Path) -> None:
    pieces = {"a": 0, "!": 1, "<0x0A>": 2, "<s>": 3}
    tokenizer = Tokenizer(models.BPE(pieces, [], byte_fallback=byte_fallback))
    tokenizer.add_special_tokens(["!", "<s>", *(["<0x0A>"] if byte_fallback else [])])
    with pytest.warns(UserWarning, match="single characters among its special tokens: '!'"):
        loaded = TokenizerSource(save(tokenizer, tmp_path)).load()

    assert loaded.special_characters == (("!", "<0x0A>") if byte_fallback else ("!",))
    assert ids_of(loaded, "a!\n" if byte_fallback else "a!") == [0, 1, 2][: 2 + byte_fallback]


def test_pieces_inside_words_are_looked_at_without_their_mark(tmp_path: Path) -> None:
    pieces = {"[UNK]": 0, "a": 1, "##!": 2, "[SEP]": 3}
    tokenizer = Tokenizer(models.WordPiece(pieces, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens([AddedToken("##!"), AddedToken("[SEP]")])
    with pytest.warns(UserWarning, match="'##!'"):
        loaded = TokenizerSource(save(tokenizer, tmp_path)).load()

    assert ids_of(loaded, "a! [SEP]") == [1, 2, 0]


def test_merges_with_a_mark_inside_words_are_followed() -> None:
    pieces = {"<": 0, "##s": 1, "##>": 2, "##s>": 3, "<s>": 4}
    merges = [("##s", "##>"), ("<", "##s>")]
    tokenizer = Tokenizer(models.BPE(pieces, merges, continuing_subword_prefix="##"))
    tokenizer.add_special_tokens(["<s>"])
    plain = plain_tokenizer(tokenizer, (), "").tokenizer

    assert tokenizer.encode("<s>").ids == [4]
    assert plain.encode("<s>").ids == [0, 3]


def test_parts_in_python_are_refused_by_name() -> None:
    class Python:
        def pre_tokenize(self, text: Any) -> None:
            pass

    tokenizer = KINDS["unigram"].build(["<s>"])
    tokenizer.pre_tokenizer = pre_tokenizers.PreTokenizer.custom(Python())
    with pytest.raises(ModelError, match="org/model: the tokenizer cannot be kept from making"):
        LoadedTokenizer.of_tokenizers(tokenizer, where="org/model")
    assert LoadedTokenizer.of_tokenizers(tokenizer, allow_special_tokens=True).size > 0


def test_ids_that_would_change_are_refused() -> None:
    tokenizer = Tokenizer(models.Unigram([("<unk>", 0.0), ("<s>", 0.0)], 0))
    tokenizer.add_special_tokens(["<s>"])
    tokenizer.add_tokens(["<two>"])
    larger = [("<unk>", 0.0), ("<s>", 0.0), ("a", -1.0), ("b", -1.0)]
    tokenizer.model = models.Unigram(larger, 0)
    with pytest.raises(ModelError, match="its ids change when it is saved"):
        plain_tokenizer(tokenizer, (), "model")


def test_versions_say_that_the_tokens_are_others() -> None:
    for stage in (TokenCounter("m"), TokenCountFilter(hf_model_name="org/model")):
        assert stage.version == "2"
    assert TokenizerFertilityFilter("none.model").version == "2"


def test_files_are_read_as_they_are(tmp_path: Path) -> None:
    folder = KINDS["unigram"].save(tmp_path)
    before = (tmp_path / "tokenizer.json").read_bytes()
    TokenizerSource(folder).load()

    assert (tmp_path / "tokenizer.json").read_bytes() == before
    assert json.loads(before)["added_tokens"][0]["content"] == "</s>"
