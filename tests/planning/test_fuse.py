# SPDX-License-Identifier: Apache-2.0
from pathlib import Path
from typing import Any

import pytest

from tests.toys import Lengths, Pass, write_input
from thresher.pipeline import Pipeline
from thresher.planning.fuse import fuse
from thresher.stages.resources import Resources
from thresher.stages.text.io import JsonlReader
from thresher.stages.text.io.writer import JsonlWriter


class Rounded(Pass):
    determinism = "rounded"


class Apart(Pass):
    isolation = "process"


def sizes(stages: list[Any], **options: bool) -> list[int]:
    return [len(step.stages) for step in fuse(stages, **options)]


def test_neighbours_that_need_the_same_become_one_step() -> None:
    steps = fuse([Pass(), Lengths(), Pass()])

    assert [step.name for step in steps] == ["Pass + Lengths + Pass"]


@pytest.mark.parametrize(
    "other",
    [
        Pass().with_(resources=Resources(cpus=2)),
        Pass().with_(runtime_env={"pip": ["x"]}),
        Pass().with_(num_workers=1),
        Rounded(),
        Apart(),
    ],
    ids=["resources", "runtime_env", "num_workers", "determinism", "isolation"],
)
def test_what_is_placed_differently_is_a_step_of_its_own(other: Pass) -> None:
    assert sizes([Pass(), other, Pass()]) == [1, 1, 1]
    assert sizes([Pass(), other, other]) == [1, 2]


def test_batch_sizes_and_names_do_not_part_stages() -> None:
    assert sizes([Pass(), Pass().with_(batch_size=8, name="other")]) == [2]


def test_a_writer_joins_whatever_stands_before_it() -> None:
    writer = JsonlWriter("out")
    costly = Pass().with_(resources=Resources(cpus=2))

    assert sizes([costly, writer]) == [2]
    assert sizes([costly, writer.with_(resources=Resources(cpus=1))]) == [1, 1]


def test_fusion_can_be_switched_off(tmp_path: Path) -> None:
    assert sizes([Pass(), Pass(), JsonlWriter("out")], fusion=False) == [1, 1, 1]

    stages = [JsonlReader(str(write_input(tmp_path / "in"))), Pass(), Lengths()]
    fused = Pipeline("p", stages=stages).plan()
    unfused = Pipeline("p", stages=stages, config={"fusion": False}).plan()

    assert [len(s.stages) for s in fused.segments[0].steps] == [3]
    assert [len(s.stages) for s in unfused.segments[0].steps] == [1, 1, 1]
    assert fused.fingerprints == unfused.fingerprints


def test_a_step_takes_the_tightest_limit_of_workers() -> None:
    [step] = fuse([Pass().with_(num_workers=2), Pass().with_(num_workers=2)])

    assert step.max_workers == 2
    assert fuse([Pass()])[0].max_workers is None
