# SPDX-License-Identifier: Apache-2.0
"""JSONL in, Megatron's .bin and .idx out: Thresher and NeMo Curator with one tokenizer.

The tokenizer is a byte-level BPE of 32,000 tokens, trained on the corpus. Processor seconds are
user and system of the whole process tree, less those of the same program on a single document.
The files must be the same, byte by byte. ``ids alone`` is the tokenizer's own library at work on
the same texts and nothing else: what neither side can save.

NeMo Curator's writer does not run with transformers 5, which its package brings along: it is given
an older one.

    python -m benchmarks.megatron                   50 MB, three runs (about five minutes)
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import cache, corpus, measure, peers
from thresher import __version__ as thresher_version

HERE = Path(__file__).parent
VOCABULARY = 32_000
TRAINED_ON_MB = 10
OLDER = ("transformers==4.57.1", "tokenizers==0.22.1", "huggingface-hub==0.36.0")
WIDTHS = "{:<20} {:>9} {:>9} {:>9} {:>8} {:>8} {:>8}"
HEADINGS = ["side", "CPU_s", "start-up", "net_CPU", "wall_s", "peak_MB", "ratio"]


def main() -> int:
    """Measure both sides, compare their files, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mb", type=float, default=50, help="size of the corpus")
    parser.add_argument("--runs", type=int, default=3, help="medians of so many runs are shown")
    chosen = parser.parse_args()
    source = corpus.jsonl(chosen.mb)
    model = tokenizer()
    print(WIDTHS.format(*HEADINGS))
    root = str(HERE.parents[1])
    ours = _measure("thresher", [sys.executable], source, model, chosen.runs, root)
    _print(f"thresher {thresher_version}", *ours, ours)
    nemo = peers.NEMO_CURATOR
    theirs = _measure("nemo", [nemo.python()], source, model, chosen.runs, str(older()))
    _print(str(nemo), *theirs, ours)
    alone = ids_alone(source, model)
    print(WIDTHS.format("ids alone", "", "", f"{alone:.2f}", "", "", f"{alone / _net(ours):.2f}x"))
    same = _files("thresher") == _files("nemo")
    print("    the files are the same" if same else "    NOT THE SAME FILES")
    shutil.rmtree(cache.folder("outputs", "megatron"))
    return 0 if same else 1


def tokenizer() -> Path:
    """Return a model's folder with a tokenizer; train it if it is not there."""
    target = cache.folder("tokenizers") / f"bpe-{VOCABULARY}"
    if target.exists():
        return target
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator(_texts(corpus.jsonl(TRAINED_ON_MB)), trainer)
    partial = target.with_suffix(".partial")
    partial.mkdir(exist_ok=True)
    made.save(str(partial / "tokenizer.json"))
    told = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|endoftext|>"}
    (partial / "tokenizer_config.json").write_text(json.dumps(told))
    return partial.rename(target)


def older() -> Path:
    """Return a folder with the packages that NeMo Curator's writer runs with."""
    target = cache.folder("peers") / OLDER[0].replace("==", "-")
    if not target.exists():
        python = peers.NEMO_CURATOR.python()
        install = [python, "-m", "pip", "install", "-q", "--no-deps", "--target"]
        subprocess.run([*install, target, *OLDER], check=True, stdout=sys.stderr)
    return target


def ids_alone(source: Path, model: Path) -> float:
    """Return the processor seconds that the ids of all texts take, texts and model in memory."""
    from tokenizers import Tokenizer

    loaded = Tokenizer.from_file(str(model / "tokenizer.json"))
    texts = _texts(source)
    start = time.process_time()
    for first in range(0, len(texts), 1000):
        loaded.encode_batch_fast(texts[first : first + 1000], add_special_tokens=False)
    return time.process_time() - start


def _texts(folder: Path) -> list[str]:
    paths = sorted(folder.glob("*.jsonl"))
    return [json.loads(line)["text"] for path in paths for line in path.open(encoding="utf-8")]


def _measure(
    name: str, python: Sequence[str | Path], source: Path, model: Path, runs: int, path: str
) -> tuple[measure.Cost, measure.Cost]:
    def run(folder: Path) -> measure.Cost:
        output = cache.folder("outputs", "megatron", name)
        shutil.rmtree(output)
        command = [*python, HERE / f"{name}_side.py", folder, output, model]
        log = cache.folder("logs") / f"megatron-{name}.log"
        return measure.run(command, log, PYTHONPATH=path)

    single = corpus.small_files(files=1, documents=1)
    run(single)  # fills caches of the file system
    startup = measure.median([run(single) for _ in range(3)])
    return measure.median([run(source) for _ in range(runs)]), startup


def _net(result: tuple[measure.Cost, measure.Cost]) -> float:
    return result[0].cpu_s - result[1].cpu_s


def _print(
    title: str,
    whole: measure.Cost,
    startup: measure.Cost,
    ours: tuple[measure.Cost, measure.Cost],
) -> None:
    net = whole.cpu_s - startup.cpu_s
    seconds = [f"{value:.2f}" for value in (whole.cpu_s, startup.cpu_s, net, whole.wall_s)]
    columns = [title, *seconds, f"{whole.peak_mb:.0f}", f"{net / _net(ours):.2f}x"]
    print(WIDTHS.format(*columns), flush=True)


def _files(name: str) -> list[bytes]:
    """Return all .bin and .idx files that the last run of a side has left."""
    folder = cache.folder("outputs", "megatron", name)
    found = [path for path in folder.glob("*.*") if path.suffix in (".bin", ".idx")]
    return [path.read_bytes() for path in sorted(found, key=lambda path: path.suffix)]


if __name__ == "__main__":
    sys.exit(main())
