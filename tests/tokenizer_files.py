# SPDX-License-Identifier: Apache-2.0
"""Small real tokenizers, trained on the example corpus.

``python -m tests.tokenizer_files`` makes ``tests/tokenizers/bpe`` anew, the one that tests need
before there is a folder for temporary files.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

ROOT = Path(__file__).parents[1]
CORPUS = ROOT / "examples" / "corpus"
BPE = ROOT / "tests" / "tokenizers" / "bpe"
"""A folder as models have it: 400 tokens, ``<|endoftext|>`` among them."""

EOS = "<|endoftext|>"


def texts_of(folder: Path) -> list[str]:
    """Every text of plain JSONL files that can be read, file by file."""
    found = []
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_bytes().splitlines():
            try:
                found.append(json.loads(line)["text"])
            except (ValueError, KeyError):
                continue
    return found


def trained(vocab_size: int = 400) -> Tokenizer:
    """A byte-level BPE tokenizer; like those of many models, it cuts, pads and adds by itself."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[EOS, "<pad>", "<s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator(texts_of(CORPUS / "fr"), trainer)
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 2)]
    )
    made.enable_truncation(max_length=64)
    made.enable_padding(length=64, pad_id=1, pad_token="<pad>")
    return made


def save(tokenizer: Tokenizer, folder: Path, **told: Any) -> str:
    """Write a ``tokenizer.json`` and, if anything is told, a ``tokenizer_config.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    if told:
        (folder / "tokenizer_config.json").write_text(json.dumps(told, indent=1) + "\n")
    return str(folder)


def as_is(folder: str | Path) -> Tokenizer:
    """The tokenizer of a folder, without what cuts and pads."""
    loaded = Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))
    loaded.no_truncation()
    loaded.no_padding()
    return loaded


def ids_of(folder: str | Path, texts: list[str | None]) -> list[list[int]]:
    """The ids of each text, encoded alone; of null as of the empty text."""
    tokenizer = as_is(folder)
    return [tokenizer.encode(text or "", add_special_tokens=False).ids for text in texts]


if __name__ == "__main__":
    options = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 64}
    save(trained(), BPE, eos_token=EOS, pad_token="<pad>", **options)
