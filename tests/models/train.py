# SPDX-License-Identifier: Apache-2.0
"""Make the small models of this folder anew.

    python tests/models/train.py

``quality.ftz`` is a fastText classifier that tells the prose of the example corpus from its planted
junk; it needs the package ``fasttext-numpy2-wheel``, in an environment of its own, as all fastText
packages share one module. ``pieces.model`` is a SentencePiece tokenizer of 200 pieces.
"""

from __future__ import annotations

import json
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
CORPUS = FOLDER.parents[1] / "examples" / "corpus"
JUNK = ("symbol junk", "repeated lines")


def documents() -> list[tuple[str, str]]:
    """(label, text) of the sections: ``hq``, or ``lq`` for those that were planted as junk."""
    planted = json.loads((CORPUS / "_planted.json").read_text(encoding="utf-8"))
    junk = {(each["file"], each["line"]) for each in planted if each["defect"] in JUNK}
    other = {(each["file"], each["line"]) for each in planted} - junk
    found = []
    for path in sorted(CORPUS.glob("*/sections-*.jsonl")):
        name = path.relative_to(CORPUS).as_posix()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if (name, number) not in other:
                words = json.loads(line)["text"].replace("__label__", " ").split()
                found.append(("lq" if (name, number) in junk else "hq", " ".join(words[:300])))
    return found


def train_quality() -> None:
    """Train and quantize the classifier."""
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / "lines"
        weight = {"hq": 1, "lq": 20}  # there is far more prose than junk
        lines.write_text(
            "".join(f"__label__{label} {text}\n" * weight[label] for label, text in documents()),
            encoding="utf-8",
        )
        model = _trained(str(lines))
        model.quantize(str(lines), qnorm=True, cutoff=3000, retrain=False, verbose=False)
        model.save_model(str(FOLDER / "quality.ftz"))


def _trained(lines: str) -> Any:
    """The classifier; now and then fastText stops with a NaN at no fault of the text."""
    import fasttext

    for _ in range(100):
        with suppress(RuntimeError):
            return fasttext.train_supervised(lines, dim=8, minCount=2, thread=1, verbose=0)
    raise SystemExit("training stops every time")


def train_pieces() -> None:
    """Train the tokenizer."""
    import sentencepiece

    english = [text for _, text in documents() if text.isascii()][:300]
    with tempfile.TemporaryDirectory() as folder:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(english),
            model_prefix=f"{folder}/pieces",
            vocab_size=200,
            normalization_rule_name="identity",
            max_sentence_length=100_000,
            minloglevel=2,
        )
        (FOLDER / "pieces.model").write_bytes(Path(folder, "pieces.model").read_bytes())


if __name__ == "__main__":
    for train in (train_quality, train_pieces):
        try:
            train()
        except ImportError as error:
            print(f"{train.__name__}: not made, {error}", file=sys.stderr)
