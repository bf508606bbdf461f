# SPDX-License-Identifier: Apache-2.0
"""TinyStories: the migration guide's pipeline, as it is written there, under our name."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ftfy
import pytest

from tests.stages.text.download.server import (
    SEPARATOR,
    Fault,
    Refuse,
    Server,
    documents,
    tinystories,
)
from thresher.config import load_recipe
from thresher.errors import PlanError
from thresher.runs.report import Observer
from thresher.stages.reading import ReadReport
from thresher.stages.text.download import DocumentIterateExtractStage
from thresher.stages.text.download import tinystories as module
from thresher.stages.text.download.tinystories import (
    TinyStoriesDownloadExtractStage,
    TinyStoriesIterator,
    TinyStoriesUrlGenerator,
)
from thresher.tasks import FileGroupTask

ROOT = Path(__file__).parents[4]
TUTORIAL = ROOT / "tutorials" / "text" / "tinystories"
FILE = "/TinyStories-train.txt"

GUIDE = """
```python
# New: Define stages
stages = [
    TinyStoriesDownloadExtractStage(raw_dir, split=args.split),
    Modify(modifier_fn=QuotationUnifier()),
    Modify(modifier_fn=UnicodeReformatter()),
    ScoreFilter(filter_obj=WordCountFilter(min_words=80)),
    ScoreFilter(filter_obj=IncompleteStoryFilter()),
    JsonlWriter(curated_dir),
]
```

```python
# New: Create pipeline with stages
pipeline = Pipeline(
    name="tinystories",
    description="Download and curation pipeline for the TinyStories dataset.",
    stages=stages,
)
```
"""

IMPORTS = """
from nemo_curator.pipeline import Pipeline
from nemo_curator.stages.text.filters import ScoreFilter, WordCountFilter
from nemo_curator.stages.text.io.writer import JsonlWriter
from nemo_curator.stages.text.modifiers import Modify, UnicodeReformatter
from tutorials.text.tinystories.stages import (
    IncompleteStoryFilter, QuotationUnifier, TinyStoriesDownloadExtractStage,
)
"""


def read(data: bytes, folder: Path, n_bytes: int = 1 << 20) -> tuple[list[str], ReadReport]:
    path = folder / "TinyStories-train.txt"
    path.write_bytes(data)
    stage = DocumentIterateExtractStage(TinyStoriesIterator()).streaming(n_bytes)
    report = ReadReport()
    batches = list(stage.read(FileGroupTask("d", [str(path)]), report))
    return [t for b in batches for t in b.data.column("text").to_pylist()], report


def expected(data: bytes) -> list[str]:
    """The guide's pipeline over the stories, in plain words."""
    table = {0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"'}
    texts = [ftfy.fix_text(text.translate(table)) for text in documents(data)]
    return [t for t in texts if len(t.split()) >= 80 and t.rstrip()[-1] in '.!?"”']


def output(folder: Path) -> list[dict[str, Any]]:
    [path] = [p for p in folder.rglob("*.jsonl") if "_thresher" not in p.parts]
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_guides_snippets_run(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THRESHER_TINYSTORIES_URL", server.base + "/mirror/")
    monkeypatch.syspath_prepend(str(ROOT))
    data = tinystories(150)
    server.url("/mirror" + FILE, data)
    server.fail("/mirror" + FILE, Refuse(503, Retry_After="0"), Fault(cut=100_000))
    space: dict[str, Any] = {
        "__name__": "snippet",
        "args": SimpleNamespace(split="train"),
        "raw_dir": str(tmp_path / "raw"),
        "curated_dir": str(tmp_path / "curated"),
    }
    blocks = [IMPORTS, *re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)]
    for block in blocks:
        exec(block.replace("nemo_curator", "thresher"), space)
    result = space["pipeline"].run(observer=Observer())
    assert (tmp_path / "raw" / "TinyStories-train.txt").read_bytes() == data
    records = output(tmp_path / "curated")
    assert [record["text"] for record in records] == expected(data)
    assert {record["file_name"] for record in records} == {"TinyStories-train.txt"}
    assert result.counts[1].rows_in == len(documents(data))
    assert len(records) > 20


def test_the_recipe_says_the_same(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THRESHER_TINYSTORIES_URL", server.base)
    data = tinystories(60)
    server.url("/TinyStories-valid.txt", data)
    recipe = load_recipe(str(TUTORIAL / "tinystories.yaml"), (f"params.folder={tmp_path}",))
    recipe.pipeline.run(observer=Observer())
    assert [record["text"] for record in output(tmp_path)] == expected(data)


def test_stories_are_what_stands_between_separators(tmp_path: Path) -> None:
    data = tinystories(100)
    for n_bytes in (1, 1 << 24):
        texts, report = read(data, tmp_path, n_bytes)
        assert texts == documents(data)
        assert (report.found, report.bad) == (len(texts), [])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("\n\n", []),
        ("one", ["one"]),
        (f"one\n{SEPARATOR}", ["one"]),
        (f"{SEPARATOR}\n{SEPARATOR}\n \n{SEPARATOR}\n", []),
        (f"one\n  two \t\n  {SEPARATOR}  \r\nthree\r\nfour", ["one two", "three four"]),
        (f"\ufeffone\n\nmore\n{SEPARATOR}\n\n\ntwo\n\n", ["one  more", "two"]),
        (f"not {SEPARATOR} here\nnor {SEPARATOR}", [f"not {SEPARATOR} here nor {SEPARATOR}"]),
        ("“naïve” – ok\rno\u2028line", ["“naïve” – ok no\u2028line"]),
    ],
)
def test_odd_files(text: str, found: list[str], tmp_path: Path) -> None:
    assert read(text.encode(), tmp_path)[0] == found


def test_stories_that_are_none_are_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LONGEST", 100)
    data = b"one\n<|endoftext|>\nb\xff\n<|endoftext|>\n" + b"x" * 60 + b"\n" + b"x" * 60
    data += b"\n<|endoftext|>\nlast\n"
    texts, report = read(data, tmp_path)
    assert texts == ["one", "last"]
    assert [(bad.row, bad.line) for bad in report.bad] == [(1, 3), (2, 5)]
    assert "no UTF-8" in report.bad[0].reason
    assert "122 bytes" in report.bad[1].reason


def test_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("THRESHER_TINYSTORIES_URL", raising=False)
    [url] = TinyStoriesUrlGenerator("valid").generate_urls()
    assert url.startswith("https://")
    assert url.endswith("/roneneldan/TinyStories/resolve/main/TinyStories-valid.txt")
    monkeypatch.setenv("THRESHER_TINYSTORIES_URL", "http://mirror/x")
    assert TinyStoriesUrlGenerator("train").generate_urls() == ["http://mirror/x" + FILE]
    assert TinyStoriesUrlGenerator("train", "http://own/").generate_urls() == ["http://own" + FILE]
    with pytest.raises(PlanError, match=r"no split.*\n.*train, valid"):
        TinyStoriesDownloadExtractStage("raw", split="test")


def test_a_killed_download_is_no_other_download(tmp_path: Path) -> None:
    one = TinyStoriesDownloadExtractStage("a", "train", verbose=False)
    assert one == TinyStoriesDownloadExtractStage("a", "train", verbose=False)
    assert "split='train'" in repr(one)
    [name] = [name for name, _ in one.stages[0].partitions()]  # type: ignore[attr-defined]
    assert name == "TinyStories-train.txt"
