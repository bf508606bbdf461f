# SPDX-License-Identifier: Apache-2.0
"""Writers of tokens, killed in commit windows: pairs of files stay pairs, bytes the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.jobs import Job, Left, copy_corpus, problems, read
from tests.stages.text.io.megatron_reader import IndexedDataset
from tests.tokenizer_files import BPE

pytestmark = pytest.mark.faults

SCRIPT = Path(__file__).with_name("tokens_job.py")
POINTS = ("before-write:9", "after-write:10", "after-append:1", "after-publish:1")
MOST_STARTS = 4
KINDS = {
    "megatron": {"JOB_WRITER": "megatron"},
    "megatron in processes": {"JOB_WRITER": "megatron", "JOB_PROCESSES": "1"},
    "packed": {"JOB_WRITER": "packed"},
}


def start(output: Path, source: Path, kind: str, point: str = "") -> Job:
    settings = {**KINDS[kind], "JOB_MODEL": str(BPE)}
    if point:
        settings["THRESHER_CRASH_AT"] = point
    return Job(output, source, settings, script=SCRIPT)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_corpus(tmp_path_factory.mktemp("tokens") / "input")


@pytest.fixture(scope="module", params=KINDS)
def undisturbed(
    request: pytest.FixtureRequest, source: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Left]:
    output = tmp_path_factory.mktemp("tokens") / "undisturbed"
    job = start(output, source, request.param)
    said = job.finish()
    assert job.process.returncode == 0, said
    left = read(output)
    assert len(left.files) > 20
    if request.param != "packed":
        prefixes = {output / name.removesuffix(".bin") for name in left.files if "bin" in name}
        assert sum(len(IndexedDataset(prefix)) for prefix in prefixes) > 1000
        assert len(left.files) == 2 * len(prefixes)
    return request.param, left


@pytest.mark.parametrize("point", POINTS)
def test_killed_and_resumed_it_comes_out_the_same(
    undisturbed: tuple[str, Left], source: Path, tmp_path: Path, point: str
) -> None:
    kind, reference = undisturbed
    output = tmp_path / "out"
    job = start(output, source, kind, point)
    said = job.finish()
    in_worker = "write" in point and "JOB_PROCESSES" in KINDS[kind]
    assert in_worker or job.process.returncode == -9, said
    for _ in range(MOST_STARTS):
        if job.process.returncode == 0:
            break
        job = start(output, source, kind)
        said = job.finish()
    assert job.process.returncode == 0, said
    assert problems(output, reference) == []
