# SPDX-License-Identifier: Apache-2.0
"""The snippets of the user documents that name an executor run as they are written there.

Each text below is a copy of a document's passage; its python blocks are run under our name.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.stages.text.download.server import Server, serving, tinystories
from tests.stages.text.download.test_tinystories import FILE, IMPORTS, ROOT, expected, output
from tests.test_user_documents import blocks_of, run_block
from tests.toys import ids_of, read_output, write_input

pytestmark = [pytest.mark.engine, pytest.mark.filterwarnings("ignore")]

MIGRATION_GUIDE = """
```python
# New: Ray
from nemo_curator.core.client import RayClient
ray_client = RayClient()
ray_client.start()
```

In the new version, these operations are defined as discrete stages that operate on batches of data.

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

The pipeline is run using the Xenna executor.

```python
# New: Create pipeline with stages
pipeline = Pipeline(
    name="tinystories",
    description="Download and curation pipeline for the TinyStories dataset.",
    stages=stages,
)

# Create executor
executor = XennaExecutor()

# Execute pipeline
pipeline.run(executor)
```

```python
# Stop Ray client
ray_client.stop()
```
"""

BACKENDS_PAGE = """
```python
from nemo_curator.pipeline import Pipeline

pipeline = Pipeline(name="example_pipeline", description="Curator pipeline")
pipeline.add_stage(...)
```

```python
from nemo_curator.backends.experimental.ray_data import RayDataExecutor

executor = RayDataExecutor()
results = pipeline.run(executor)
```

```python
from nemo_curator.pipeline import Pipeline
from nemo_curator.backends.xenna import XennaExecutor

# Build your pipeline
pipeline = Pipeline(name="curator_pipeline")
# pipeline.add_stage(stage1)
# pipeline.add_stage(stage2)

# Run with Xenna (recommended)
executor = XennaExecutor(config={"execution_mode": "streaming"})
results = pipeline.run(executor)

print(f"Completed with {len(results) if results else 0} output tasks")
```
"""

MEMORY_GUIDE = """
```python
from nemo_curator.backends.xenna import XennaExecutor

executor = XennaExecutor(config={
    "execution_mode": "streaming",  # or "batch"
    "cpu_allocation_percentage": 0.95,  # Reserve 5% for system
    "autoscale_interval_s": 180,  # Adjust workers every 3 minutes
    "logging_interval": 60  # Log status every minute
})

pipeline.run(executor=executor)
```
"""


@pytest.fixture
def server() -> Iterator[Server]:
    yield from serving()


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where each snippet runs, beside its input; every third text has two words."""
    monkeypatch.chdir(tmp_path)
    write_input(tmp_path / "input", 3, 6)
    for path in (tmp_path / "input").iterdir():
        path.write_text(re.sub(r"some words ([03])", r"short \1", path.read_text()))
    return tmp_path / "input"


KEPT = [i for i in range(18) if i % 6 not in (0, 3)]


def stages() -> list[Any]:
    from thresher.stages.text.filters import ScoreFilter, WordCountFilter
    from thresher.stages.text.io import JsonlReader

    return [JsonlReader("input/"), ScoreFilter(WordCountFilter(min_words=3))]


def test_the_script_of_the_migration_guide(server: Server, tmp_path: Path) -> None:
    data = tinystories(60)
    server.url(FILE, data)
    head = (
        f"{IMPORTS}\nfrom nemo_curator.backends.xenna import XennaExecutor\n"
        "from types import SimpleNamespace\n"
        "args, raw_dir, curated_dir = SimpleNamespace(split='train'), 'raw', 'curated'\n"
    ).replace("nemo_curator", "thresher")
    tail = "import os, ray\nassert not ray.is_initialized() and 'RAY_ADDRESS' not in os.environ\n"
    script = tmp_path / "script.py"
    script.write_text("\n".join([head, *blocks_of(MIGRATION_GUIDE), tail]))
    apart = ("RAY_", "THRESHER_", "http", "HTTP", "all_proxy")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(apart)}
    more = {"THRESHER_TINYSTORIES_URL": server.base, "PYTHONPATH": str(ROOT)}

    ran = subprocess.run(
        [sys.executable, script],
        cwd=tmp_path,
        env={**environment, **more},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
    assert [record["text"] for record in output(tmp_path / "curated")] == expected(data)
    assert server.requests == [(FILE, "")]


@pytest.mark.usefixtures("cluster", "source")
def test_the_pipeline_of_the_backends_page_on_one_executor_after_another() -> None:
    from thresher.backends.ray_actor_pool import RayActorPoolExecutor

    build, run, _ = blocks_of(BACKENDS_PAGE)
    build = build.replace(
        "pipeline.add_stage(...)", "for stage in stages: pipeline.add_stage(stage)"
    )
    pipeline = run_block(build, stages=stages())["pipeline"]
    page = run_block(run, pipeline=pipeline)

    assert type(page["executor"]).__name__ == "RayDataExecutor"
    assert ids_of(page["results"]) == KEPT
    assert ids_of(pipeline.run(RayActorPoolExecutor())) == KEPT


@pytest.mark.usefixtures("cluster", "source")
def test_the_minimal_example_of_the_backends_page(capsys: pytest.CaptureFixture[str]) -> None:
    block = blocks_of(BACKENDS_PAGE)[2]
    for number in (1, 2):
        block = block.replace(
            f"# pipeline.add_stage(stage{number})", f"pipeline.add_stage(stage{number})"
        )
    stage1, stage2 = stages()
    page = run_block(block, stage1=stage1, stage2=stage2)

    assert page["executor"].mode == "streaming"
    assert ids_of(page["results"]) == KEPT
    assert f"Completed with {len(page['results'])} output tasks" in capsys.readouterr().out
    assert len(page["results"]) > 0


@pytest.mark.usefixtures("cluster")
def test_the_executor_of_the_memory_guide(source: Path) -> None:
    from thresher.pipeline import Pipeline
    from thresher.stages.text.io.writer import JsonlWriter

    pipeline = Pipeline("p", stages=[stages()[0], JsonlWriter("output/")])
    page = run_block(blocks_of(MEMORY_GUIDE)[0], pipeline=pipeline)

    assert page["executor"].config["autoscale_interval_s"] == 180
    assert read_output(source.parent / "output") == read_output(source)
