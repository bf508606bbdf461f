# SPDX-License-Identifier: Apache-2.0
"""Tokenizers of transformers in Python: plain text, whatever they offer for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pytest

from thresher.errors import DataError
from thresher.stages.text.filters import TokenCountFilter, TokenizerFertilityFilter
from thresher.stages.text.tokenizing import LoadedTokenizer, TokenizerSource
from thresher.stages.text.tokenizing.slow import PlainSlowTokenizer

PIECES = Path(__file__).parents[3] / "models" / "pieces.model"
PLACES = ["{0}", "{0}b", "b{0}", "a {0} b", "a{0}b{0}", "{0}{0}"]


def ids_of(loaded: LoadedTokenizer, text: str) -> list[int]:
    return loaded.tokens(pa.array([text]), special=False).ids.tolist()


@pytest.fixture(scope="module")
def sentence_piece(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder without a tokenizer.json, with special tokens and an ordinary added one."""
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("sentencepiece")
    folder = tmp_path_factory.mktemp("pieces")
    tokenizer = transformers.BertGenerationTokenizer(str(PIECES))
    tokenizer.add_tokens(["<new>"])
    tokenizer.save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder for a tokenizer that keeps special tokens also where it is told to split them."""
    pytest.importorskip("transformers")
    from transformers.models.bert.tokenization_bert_legacy import BertTokenizerLegacy

    folder = tmp_path_factory.mktemp("words")
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "[", "]", "cls", "sep", "unk"]
    (folder / "vocab.txt").write_text("\n".join(pieces))
    BertTokenizerLegacy(str(folder / "vocab.txt")).save_pretrained(folder)
    return str(folder)


def test_sentence_piece_itself_makes_no_special_tokens_of_text() -> None:
    sentencepiece = pytest.importorskip("sentencepiece")
    processor = sentencepiece.SentencePieceProcessor(model_file=str(PIECES))
    rule = TokenizerFertilityFilter(str(PIECES))

    for special in ("<s>", "</s>", "<unk>"):
        for place in PLACES:
            text = place.format(special)
            ids = processor.encode(text)
            assert processor.piece_to_id(special) not in ids
            assert processor.decode(ids) == text
            assert rule.score_document(text) == len(text) / len(ids)


@pytest.mark.parametrize("special", ["<s>", "</s>", "<unk>", "<pad>", "<::::>"])
def test_special_tokens_of_sentence_piece_models(sentence_piece: str, special: str) -> None:
    sentencepiece = pytest.importorskip("sentencepiece")
    processor = sentencepiece.SentencePieceProcessor(model_file=str(PIECES))
    loaded = TokenizerSource(sentence_piece).load()
    allowing = TokenizerSource(sentence_piece, allow_special_tokens=True).load()

    assert (loaded.eos_id, loaded.size) == (allowing.eos_id, allowing.size) == (2, 203)
    for place in PLACES:
        text = place.format(special)
        assert ids_of(loaded, text) == processor.encode(text)
    assert ids_of(allowing, f"a{special}") == [*processor.encode("a"), _id_of(allowing, special)]


def _id_of(loaded: LoadedTokenizer, special: str) -> int:
    (found,) = ids_of(loaded, special)
    return found


def test_ordinary_added_tokens_stay(sentence_piece: str) -> None:
    loaded = TokenizerSource(sentence_piece).load()
    apart = [*ids_of(loaded, "a"), 202, *ids_of(loaded, "</s>b")]

    assert ids_of(loaded, "a<new></s>b") == apart
    assert ids_of(loaded, "a<new>b") == [*ids_of(loaded, "a"), 202, *ids_of(loaded, "b")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[CLS]", ["[", "cls", "]"]),
        ("[CLS] a", ["[", "cls", "]", "a"]),
        ("a [SEP] b", ["a", "[", "sep", "]", "b"]),
        ("[UNK]", ["[", "unk", "]"]),
        ("[unk] é", ["[", "unk", "]", "[UNK]"]),
        ("a é", ["a", "[UNK]"]),
    ],
)
def test_one_that_keeps_special_tokens_gets_their_pieces(
    words: str, text: str, expected: list[str]
) -> None:
    loaded = TokenizerSource(words).load()
    pieces = (Path(words) / "vocab.txt").read_text().split()

    assert [pieces[i] for i in ids_of(loaded, text)] == expected
    n_added = 2  # [CLS] in front, [SEP] behind
    rule = TokenCountFilter(hf_model_name=words)
    assert rule.score_document(text) == len(expected) + n_added


def test_bytes() -> None:
    transformers = pytest.importorskip("transformers")
    loaded = LoadedTokenizer.of_transformers(transformers.ByT5Tokenizer())

    for special in ("</s>", "<pad>", "<unk>", "<extra_id_7>"):
        for place in PLACES:
            text = place.format(special)
            assert ids_of(loaded, text) == [byte + 3 for byte in text.encode()]


class Added:
    """An added token, as transformers has it."""

    def __init__(self, content: str, special: bool, **flags: bool) -> None:
        self.content, self.special = content, special
        self.lstrip = flags.get("lstrip", False)
        self.rstrip = flags.get("rstrip", False)
        self.single_word = flags.get("single_word", False)


class Custom:
    """A tokenizer of characters, as models on the hub bring their own.

    Parameters
    ----------
    finds : function
        Of a text that begins with the special token: whether it makes that of it.
    """

    eos_token_id = 0
    pad_token_id = None
    unk_token = None
    all_special_tokens = ("<eos>", "#")
    name_or_path = "org/custom"
    added_tokens_decoder: ClassVar[Any] = {
        0: Added("<eos>", True),
        1: Added("#", True),
        2: Added("_one", False, lstrip=True, rstrip=True),
        3: Added("two", False, single_word=True),
    }

    def __init__(
        self, finds: Callable[[str], bool] = lambda text: text.startswith("<eos>")
    ) -> None:
        self.finds = finds

    def get_vocab(self) -> dict[str, int]:
        return {"<eos>": 0, "a": 97}

    def convert_tokens_to_ids(self, names: list[str]) -> list[int | None]:
        return [{"<eos>": 0, "#": 1}.get(name) for name in names]

    def build_inputs_with_special_tokens(self, ids: list[int]) -> list[int]:
        return [*ids, 0]

    def __call__(self, texts: list[str], **options: Any) -> dict[str, Any]:
        if options.pop("split_special_tokens", False):
            raise ValueError("not supported")
        assert options == {"add_special_tokens": False, "truncation": False, "padding": False}
        return {"input_ids": [self._encode(text) for text in texts]}

    def _encode(self, text: str) -> list[int]:
        ids = []
        while text:
            special = self.finds(text)
            ids.append(0 if special else 1 if text[0] == "#" else ord(text[0]))
            text = text[5 if special else 1 :]
        return ids


def chars(text: str) -> list[int]:
    return [1 if letter == "#" else ord(letter) for letter in text]


def test_one_without_the_option_gets_pieces_too() -> None:
    loaded = LoadedTokenizer.of_transformers(Custom())
    encoded = loaded.encode(["a<eos>b", "<eos>", "", "a"], False)

    assert encoded == [chars("a<eos>b"), chars("<eos>"), [], [97]]
    assert loaded.encode(["a<eos>"], True) == [[*chars("a<eos>"), 0]]
    assert loaded.encode([], True) == []
    assert loaded.special_characters == ("#",)
    assert ids_of(
        LoadedTokenizer.of_transformers(Custom(), allow_special_tokens=True), "<eos>"
    ) == [0]


def test_flags_of_ordinary_added_tokens_are_heeded() -> None:
    loaded = LoadedTokenizer.of_transformers(Custom())

    assert ids_of(loaded, "<eos> _one two xtwo") == [*chars("<eos>"), 2, 3, *chars(" xtwo")]


def test_one_that_makes_special_tokens_in_any_case_is_reported() -> None:
    loaded = LoadedTokenizer.of_transformers(Custom(lambda text: text.startswith("<")))
    with pytest.raises(
        DataError, match="org/custom: the tokenizer makes its special token '<eos>'"
    ):
        ids_of(loaded, "a<eos>")


@pytest.mark.parametrize("error", [NotImplementedError, AttributeError])
def test_one_that_tells_no_added_tokens(error: type[Exception]) -> None:
    class Silent(Custom):
        @property
        def added_tokens_decoder(self) -> Any:
            raise error

    assert PlainSlowTokenizer(Silent())(["<eos>"], False) == [chars("<eos>")]


def test_one_with_added_tokens_in_another_form() -> None:
    class Method(Custom):
        def added_tokens_decoder(self) -> Any:
            raise NotImplementedError

    assert PlainSlowTokenizer(Method())(["<eos>"], False) == [chars("<eos>")]
