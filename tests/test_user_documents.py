# SPDX-License-Identifier: Apache-2.0
"""The snippets of the user documents run as they are written there, under our name.

Each text below is a copy of a document's passage; the tests take its python blocks, put our name
for the other one and run them.
"""

import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.toys import records_of, write_input

MEMORY_GUIDE = """
The `Pipeline` class provides a high-level abstraction for composing data processing workflows:

```python
from nemo_curator.pipeline import Pipeline
from nemo_curator.stages.text.io import JsonlReader
from nemo_curator.stages.text.io.writer import JsonlWriter

pipeline = Pipeline(
    name="my_pipeline",
    description="Process text documents"
)
pipeline.add_stage(JsonlReader(file_paths="input/"))

# Add text processing stages
# pipeline.add_stage(...)

pipeline.add_stage(JsonlWriter(path="output/"))

# Execute the pipeline
pipeline.run()
```

Stages declare their computational needs using the `Resources` dataclass:

```python
from nemo_curator.stages.resources import Resources

# CPU-only stage
cpu_only_resources = Resources(cpus=2.0)
pipeline.add_stage(MyCpuStage(...).with_(resources=cpu_only_resources))

# GPU stage with memory requirement
single_gpu_resources = Resources(
    cpus=4.0,
    gpu_memory_gb=8.0  # GPU memory required in GB (only for single-GPU stages)
)
pipeline.add_stage(MySingleGpuStage(...).with_(resources=single_gpu_resources))

# Multi-GPU stage
multi_gpu_resources = Resources(
    cpus=8.0,
    gpus=2.0  # Request 2 full GPUs
)
pipeline.add_stage(MyMultiGpuStage(...).with_(resources=multi_gpu_resources))
```

Process data in manageable chunks by controlling file partitioning:

```python
from nemo_curator.stages.text.io.reader import JsonlReader

# Read with controlled partition sizes
reader = JsonlReader(
    file_paths="jsonl_input/",
    files_per_partition=50,  # Process 50 files at a time
    # blocksize="1GB"  # Alternative: control memory usage per data batch
)
```

```python
from nemo_curator.stages.text.io.reader import ParquetReader

# Read with controlled partition sizes
reader = ParquetReader(
    file_paths="parquet_input/",
    files_per_partition=50,  # Process 50 files at a time
    # blocksize="1GB"  # Alternative: control memory usage per data batch
)
```
"""

RESOURCES_PAGE = """
```python
from nemo_curator.stages.core import ProcessingStage
from nemo_curator.stages.function_definitions import processing_stage
from nemo_curator.stages.resources import Resources
from nemo_curator.tasks import DocumentBatch
class TokenizerStage(ProcessingStage[DocumentBatch, DocumentBatch]):
    name: str = "TokenizerStage"
    resources: Resources = Resources(cpus=1.0) # CPU-only — no GPU needed
    def __init__(self):
        super().__init__()
        # ... stage logic ...
class ModelStage(ProcessingStage[DocumentBatch, DocumentBatch]):
    name: str = "ModelStage"
    def __init__(self, model_path: str):
        super().__init__()
        # ... stage logic ...
        pass
@processing_stage(name="custom_filter", resources=Resources(cpus=1))
def custom_filter_stage(task: DocumentBatch) -> DocumentBatch:
    # ... filter logic ...
    pass
model_stage = ModelStage(model_path="path/to/model").with_(resources=Resources(gpus=1))
```

```python
# CPU-only: tokenization, filtering, I/O
# Runs on any worker, doesn't block GPU resources
@processing_stage(name="tokenizer", resources=Resources(cpus=1))
def tokenizer_stage(task: DocumentBatch) -> DocumentBatch:
    pass
# GPU: model inference, embeddings
# Scheduled only on GPU-equipped nodes
model_stage = ModelStage(model_path="path/to/model").with_(resources=Resources(gpus=1))
```

```python
# 4 workers share one GPU via fractional allocation
model_stage = ModelStage(model_path="path/to/model").with_(resources=Resources(gpus=0.25))
# Or reserve a specific amount of GPU memory
model_stage = ModelStage(model_path="path/to/model").with_(resources=Resources(gpu_memory_gb=10))
```
"""


def blocks_of(document: str) -> list[str]:
    """The python blocks of a document, under our name."""
    blocks = re.findall(r"```python\n(.*?)```", document, re.DOTALL)
    return [block.replace("nemo_curator", "thresher") for block in blocks]


def run_block(block: str, **names: Any) -> dict[str, Any]:
    space: dict[str, Any] = {"__name__": "snippet", **names}
    exec(compile(block, "snippet", "exec"), space)
    return space


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_input(tmp_path / "input")


def test_the_pipeline_of_the_memory_guide_runs(tmp_path: Path) -> None:
    run_block(blocks_of(MEMORY_GUIDE)[0])

    for name in ("f0.jsonl", "f1.jsonl"):
        assert (tmp_path / "output" / name).read_bytes() == (tmp_path / "input" / name).read_bytes()


@pytest.mark.parametrize(
    "stage", ["WordCountFilter(min_words=3)", "ScoreFilter(WordCountFilter(min_words=3))"]
)
def test_it_runs_with_a_filter_in_the_place_for_one(tmp_path: Path, stage: str) -> None:
    (tmp_path / "input" / "f2.jsonl").write_text('{"id": 20, "text": "two words"}\n')
    block = blocks_of(MEMORY_GUIDE)[0].replace(
        "# pipeline.add_stage(...)", f"pipeline.add_stage({stage})"
    )
    imports = (
        "from thresher.stages.text.modules import ScoreFilter\n"
        "from thresher.stages.text.filters import WordCountFilter\n"
    )
    run_block(imports + block)

    assert [record["id"] for record in records_of(tmp_path / "output")] == list(range(20))
    manifest = json.loads((tmp_path / "output/_thresher/my_pipeline/manifest.json").read_text())
    assert manifest["rows"] == 20


def test_stages_declare_resources_as_in_the_memory_guide() -> None:
    from thresher.pipeline import Pipeline
    from thresher.stages.resources import Resources
    from thresher.tasks import DocumentBatch

    page = run_block(blocks_of(RESOURCES_PAGE)[0])

    class Any_(page["ProcessingStage"]):  # type: ignore[name-defined,misc]
        def __init__(self, *_: object) -> None:
            pass

        def process(self, task: DocumentBatch) -> DocumentBatch:
            return task

    pipeline = Pipeline("p")
    names = dict.fromkeys(("MyCpuStage", "MySingleGpuStage", "MyMultiGpuStage"), Any_)
    run_block(blocks_of(MEMORY_GUIDE)[1], pipeline=pipeline, **names)

    assert [stage.resources for stage in pipeline.stages] == [
        Resources(cpus=2),
        Resources(cpus=4, gpu_memory_gb=8),
        Resources(cpus=8, gpus=2),
    ]


@pytest.mark.parametrize("options", ["", 'blocksize="1KB",'])
@pytest.mark.parametrize("index", [2, 3], ids=["jsonl", "parquet"])
def test_the_readers_of_the_memory_guide_read_in_chunks(
    tmp_path: Path, index: int, options: str
) -> None:
    from thresher.pipeline import Pipeline

    (tmp_path / "input").rename(tmp_path / "jsonl_input")
    (tmp_path / "parquet_input").mkdir()
    for n in range(2):
        table = pa.table({"id": range(n * 10, n * 10 + 10), "text": ["x"] * 10})
        pq.write_table(table, tmp_path / f"parquet_input/f{n}.parquet")
    block = blocks_of(MEMORY_GUIDE)[index]
    if options:
        block = block.replace("files_per_partition=50,", options)
    pipeline = Pipeline("p", stages=[run_block(block)["reader"]])
    result = pipeline.run()

    found = [i for task in result for i in task.data.column("id").to_pylist()]
    assert found == list(range(20))
    assert len(pipeline.plan().parts) == (2 if options and index == 3 else 1)


def test_the_snippets_of_the_resources_page_run() -> None:
    from thresher.stages.resources import Resources

    first, second, third = blocks_of(RESOURCES_PAGE)
    page = run_block(first)

    assert page["TokenizerStage"]().resources == Resources(cpus=1)
    assert page["custom_filter_stage"].name == "custom_filter"
    assert page["model_stage"].resources == Resources(gpus=1)
    assert page["model_stage"].parameters() == {"model_path": "path/to/model"}
    page = run_block(second, **page)
    assert page["tokenizer_stage"].name == "tokenizer"
    page = run_block(third, **page)
    assert page["model_stage"].resources == Resources(gpu_memory_gb=10)


def test_the_decorated_stages_of_the_resources_page_run_in_a_pipeline(tmp_path: Path) -> None:
    block = blocks_of(RESOURCES_PAGE)[0].replace(
        "    # ... filter logic ...\n    pass",
        "    return task.with_data(task.data.slice(0, 4))",
    )
    page = run_block(block)
    pipeline = run_block(
        blocks_of(MEMORY_GUIDE)[0].replace(
            "# pipeline.add_stage(...)", "pipeline.add_stage(custom_filter_stage)"
        ),
        **{"custom_filter_stage": page["custom_filter_stage"]},
    )["pipeline"]

    found = [record["id"] for record in records_of(tmp_path / "output")]
    assert found == [0, 1, 2, 3, 10, 11, 12, 13]
    assert "custom_filter" in pipeline.describe()


def test_a_stage_that_is_only_a_sketch_is_told_apart_from_one_that_works() -> None:
    from thresher.errors import PlanError
    from thresher.pipeline import Pipeline
    from thresher.stages.text.io import JsonlReader

    page = run_block(blocks_of(RESOURCES_PAGE)[0])
    with pytest.raises(PlanError) as caught:
        Pipeline("p", stages=[JsonlReader("input/"), page["TokenizerStage"]()]).run()
    assert "process" in caught.value.what
