# SPDX-License-Identifier: Apache-2.0
"""The documented addresses, and doors: files that only lead to another place."""

import ast
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "thresher"

DOORS = {
    "backends/experimental/ray_actor_pool.py",
    "backends/experimental/ray_data.py",
    "stages/core.py",
    "stages/function_definitions.py",
    "stages/text/modules.py",
    "stages/text/filters/heuristic/__init__.py",
    "stages/text/filters/heuristic/code.py",
    "stages/text/filters/heuristic/repetition.py",
    "stages/text/filters/heuristic/string.py",
    "stages/text/modifiers/string.py",
    "tasks/utils.py",
}
"""Files beside packages' ``__init__`` that hold nothing of their own."""

ADDRESSES = {
    "thresher": ["Pipeline", "RunResult", "LocalExecutor", "DocumentBatch", "Resources",
                 "ProcessingStage", "CompositeStage", "Checkpoint", "processing_stage"],
    "thresher.pipeline": ["Pipeline", "RunResult"],
    "thresher.tasks": ["DocumentBatch", "EmptyTask", "FileGroupTask", "Task"],
    "thresher.tasks.utils": ["TaskPerfUtils"],
    "thresher.backends.local": ["LocalExecutor"],
    "thresher.backends.xenna": ["XennaExecutor"],
    "thresher.backends.ray_data": ["RayDataExecutor"],
    "thresher.backends.ray_actor_pool": ["RayActorPoolExecutor"],
    "thresher.backends.experimental": ["RayActorPoolExecutor", "RayDataExecutor"],
    "thresher.backends.experimental.ray_data": ["RayDataExecutor"],
    "thresher.backends.slurm_array": ["SlurmArrayConfig", "SlurmArrayRetryPlan",
                                      "SlurmArrayRetrySubmission", "find_slurm_array_retries",
                                      "build_slurm_array_retry_submissions",
                                      "format_slurm_array_indices", "slurm_array_shard_for_task",
                                      "is_slurm_array_driver_process"],
    "thresher.core.client": ["RayClient", "SlurmRayClient"],
    "thresher.stages.base": ["ProcessingStage", "CompositeStage"],
    "thresher.stages.core": ["ProcessingStage", "CompositeStage"],
    "thresher.stages.resources": ["Resources"],
    "thresher.stages.function_decorators": ["processing_stage"],
    "thresher.stages.function_definitions": ["processing_stage"],
    "thresher.stages.file_partitioning": ["FilePartitioningStage"],
    "thresher.stages.checkpoint": ["Checkpoint"],
    "thresher.stages.text.io": ["JsonlReader", "ParquetReader", "JsonlWriter", "ParquetWriter"],
    "thresher.stages.text.io.reader": ["JsonlReader", "ParquetReader"],
    "thresher.stages.text.io.writer": ["JsonlWriter", "ParquetWriter", "MegatronTokenizerWriter",
                                       "PackedSequenceWriter"],
    "thresher.stages.text.io.writer.megatron_tokenizer": ["MegatronTokenizerWriter"],
    "thresher.stages.text.io.megatron": ["merge_file_prefixes"],
    "thresher.stages.text.filters.token": ["TokenCountFilter"],
    "thresher.stages.text.modules": ["ScoreFilter", "Score", "Filter", "Modify", "AddId",
                                     "DocumentSplitter", "DocumentJoiner"],
    "thresher.stages.text.download": ["DocumentDownloader", "DocumentDownloadExtractStage",
                                      "DocumentExtractor", "DocumentIterator", "URLGenerator",
                                      "URLGenerationStage", "DocumentDownloadStage",
                                      "DocumentIterateExtractStage", "HttpDownloader"],
    "thresher.stages.text.filters": ["DocumentFilter", "ScoreFilter", "Score", "Filter",
                                     "WordCountFilter"],
    "thresher.stages.text.filters.heuristic.string": ["WordCountFilter", "NonAlphaNumericFilter"],
    "thresher.stages.text.filters.heuristic.code": [
        "AlphaFilter", "GeneralCommentToCodeFilter", "HTMLBoilerplateFilter",
        "NumberOfLinesOfCodeFilter", "PerExtensionFilter", "PythonCommentToCodeFilter",
        "TokenizerFertilityFilter", "XMLHeaderFilter"],
    "thresher.stages.text.filters.fasttext": ["FastTextLangId", "FastTextQualityFilter"],
    "thresher.stages.text.filters.histogram": ["HistogramFilter"],
    "thresher.stages.text.filters.heuristic.repetition": ["RepeatingTopNGramsFilter"],
    "thresher.stages.text.modifiers": ["DocumentModifier", "Modify", "UnicodeReformatter"],
    "thresher.stages.text.modifiers.fasttext": ["FastTextLabelModifier"],
    "thresher.stages.text.modifiers.string": ["LineRemover", "MarkdownRemover", "Slicer",
                                              "BoilerPlateStringModifier"],
    "thresher.stages.text.modifiers.unicode": ["UnicodeReformatter"],
}  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
def test_documented_addresses_lead_somewhere(address: str) -> None:
    module = import_module(address)

    for name in ADDRESSES[address]:
        assert hasattr(module, name), f"{address}.{name}"


def test_every_name_of_the_front_door_can_be_imported() -> None:
    import thresher

    for name in thresher.__all__:
        assert getattr(thresher, name) is not None
    assert set(thresher.__all__) == set(dir(thresher))
    with pytest.raises(AttributeError, match="Nothing"):
        _ = thresher.Nothing


@pytest.mark.parametrize("door", sorted(DOORS))
def test_doors_hold_nothing_of_their_own(door: str) -> None:
    assert is_door(ROOT / door)


def test_all_doors_are_listed() -> None:
    found = {
        str(path.relative_to(ROOT))
        for path in ROOT.rglob("*.py")
        if path.name != "__init__.py" and is_door(path)
    }
    assert found == {door for door in DOORS if not door.endswith("__init__.py")}


def test_packages_hold_nothing_of_their_own_but_the_front_door() -> None:
    for path in ROOT.rglob("__init__.py"):
        assert path == ROOT / "__init__.py" or is_door(path), path


def is_door(path: Path) -> bool:
    """Whether a file has a docstring, imports and ``__all__``, and nothing else."""
    return all(_only_leads(node) for node in ast.parse(path.read_text()).body)


def _only_leads(node: ast.stmt) -> bool:
    if isinstance(node, ast.Assign):
        return [ast.unparse(target) for target in node.targets] == ["__all__"]
    is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return is_text or isinstance(node, ast.Import | ast.ImportFrom)
