# SPDX-License-Identifier: Apache-2.0
import inspect
import pickle
from dataclasses import dataclass
from typing import Any

import pytest

from tests.toys import Lengths, Pass, Sleep, batch
from thresher.errors import PlanError, StageError
from thresher.stages.base import CompositeStage, ProcessingStage
from thresher.stages.checkpoint import Checkpoint
from thresher.stages.resources import Resources
from thresher.stages.text.modifiers import NewlineNormalizer
from thresher.tasks import DocumentBatch, FileGroupTask, Task


class Scale(ProcessingStage[DocumentBatch, DocumentBatch]):
    name = "scale"
    resources = Resources(cpus=2)

    def __init__(self, factor: int, columns: list[str] | None = None) -> None:
        self.factor = factor
        self.columns = list(columns or [])

    def process(self, task: DocumentBatch) -> DocumentBatch:
        return task

    def num_workers(self) -> int | None:
        return 3


class Inner(CompositeStage[DocumentBatch, DocumentBatch]):
    """Passes, twice."""

    def decompose(self) -> list[ProcessingStage[Any, Any]]:
        return [Pass("a").with_(name="first"), Pass("b").with_(name="second")]


class Outer(CompositeStage[DocumentBatch, DocumentBatch]):
    def decompose(self) -> list[ProcessingStage[Any, Any]]:
        return [Scale(1), Inner()]


# -- facts and class rules ------------------------------------------------------------------------


def test_a_stage_is_named_after_its_class_unless_it_says_otherwise() -> None:
    assert Pass().name == "Pass"
    assert Scale(1).name == "scale"


@pytest.mark.parametrize("attribute", ["name", "resources", "batch_size", "runtime_env"])
def test_placement_is_no_property(attribute: str) -> None:
    with pytest.raises(TypeError, match=attribute):
        type("Fixed", (Pass,), {attribute: property(lambda self: None)})


def test_num_workers_is_a_method() -> None:
    with pytest.raises(TypeError, match="def num_workers"):
        type("Fixed", (Pass,), {"num_workers": 4})


def test_task_types_are_read_from_the_class() -> None:
    assert Pass().task_types() == (DocumentBatch, DocumentBatch)
    assert Outer().task_types() == (DocumentBatch, DocumentBatch)

    class Bare(ProcessingStage):  # type: ignore[type-arg]
        pass

    class Mixed(dict[str, int], ProcessingStage[FileGroupTask, DocumentBatch]):
        pass

    assert Bare().task_types() == (None, None)
    assert Mixed.task_types(Mixed.__new__(Mixed)) == (FileGroupTask, DocumentBatch)


def test_a_stage_without_work_says_so() -> None:
    class Idle(ProcessingStage[DocumentBatch, DocumentBatch]):
        pass

    with pytest.raises(StageError) as caught:
        Idle().process(batch([1]))
    assert "process" in caught.value.todo


def test_process_batch_answers_once_per_task() -> None:
    class Choosy(Pass):
        def process(self, task: DocumentBatch) -> Any:
            return None if task.num_items == 1 else [task, task]

    answers = Choosy().process_batch([batch([1]), batch([1, 2])])

    assert answers[0] is None
    assert [t.num_items for t in answers[1]] == [2, 2]  # type: ignore[union-attr]
    assert not Choosy().supports_batch_processing()


# -- equality, printing, pickling -----------------------------------------------------------------


def test_stages_compare_and_print_as_their_arguments() -> None:
    assert Scale(2) == Scale(factor=2)
    assert Scale(2) != Scale(3)
    assert Scale(2) != Pass()
    assert hash(Scale(2)) == hash(Scale(2))
    assert repr(Scale(2, ["a"])) == "Scale(factor=2, columns=['a'])"


def test_arguments_are_remembered_as_they_were_given() -> None:
    columns = ["a"]
    stage = Scale(2, columns)
    columns.append("b")

    assert stage.parameters() == {"factor": 2, "columns": ["a"]}


def test_stages_pickle_with_plain_pickle() -> None:
    stage = Scale(2, ["a"]).with_(batch_size=4, num_workers=None)
    again = pickle.loads(pickle.dumps(stage))

    assert again == stage
    assert (again.factor, again.batch_size, again.num_workers()) == (2, 4, None)
    assert pickle.loads(pickle.dumps(Outer().with_substages({"scale": {"batch_size": 2}})))


def test_a_stage_may_be_a_dataclass() -> None:
    @dataclass
    class Cut(ProcessingStage[DocumentBatch, DocumentBatch]):
        length: int
        name: str = "cut"

        def process(self, task: DocumentBatch) -> DocumentBatch:
            return task

    stage = Cut(3).with_(name="other")

    assert (stage.length, stage.name, Cut(3).name) == (3, "other", "cut")
    assert stage.parameters() == {"length": 3}


# -- with_ ----------------------------------------------------------------------------------------


def test_with_returns_a_changed_copy() -> None:
    stage = Scale(2)
    changed = stage.with_(
        name="big", resources=Resources(cpus=8), batch_size=4, runtime_env={"pip": ["x"]}
    )

    assert (changed.name, changed.resources.cpus, changed.batch_size) == ("big", 8, 4)
    assert changed.runtime_env == {"pip": ["x"]}
    assert (stage.name, stage.resources.cpus, stage.batch_size) == ("scale", 2, 1)
    assert changed.factor == 2
    assert changed != stage
    assert "with_(" in repr(changed)


def test_with_keeps_what_is_not_named() -> None:
    changed = Scale(2).with_(batch_size=4).with_(name="big")

    assert (changed.batch_size, changed.name, changed.resources.cpus) == (4, "big", 2)
    assert changed.changes() == {"batch_size": 4, "name": "big"}


def test_num_workers_can_be_set_and_reset_even_where_a_class_defines_it() -> None:
    assert Scale(2).num_workers() == 3
    assert Scale(2).with_(num_workers=5).num_workers() == 5
    assert Scale(2).with_(num_workers=None).num_workers() is None
    assert Pass().with_(num_workers=5).with_(num_workers=None).num_workers() is None


def test_engine_options_are_merged() -> None:
    stage = Pass().with_(ray_stage_spec={"a": 1, "b": 1}).with_(ray_stage_spec={"b": 2})

    assert stage.ray_stage_spec() == {"a": 1, "b": 2}
    assert stage.with_(xenna_stage_spec={"x": 1}).xenna_stage_spec() == {"x": 1}
    with pytest.raises(PlanError, match="num_workers"):
        stage.with_(xenna_stage_spec={"num_workers": 2})


@pytest.mark.parametrize("size", [0, -1])
def test_a_batch_holds_at_least_one_task(size: int) -> None:
    with pytest.raises(PlanError, match="batch_size"):
        Pass().with_(batch_size=size)


# -- composites -----------------------------------------------------------------------------------


def test_composites_hold_composites() -> None:
    assert [stage.name for stage in Outer().expand()] == ["scale", "first", "second"]
    assert Inner().get_description() == "Passes, twice."


def test_substages_are_addressed_by_name_at_every_level() -> None:
    changes = {
        "scale": {"batch_size": 8},
        "Inner": {"name": "inside"},
    }
    outer = Outer().with_substages(changes)

    assert [stage.batch_size for stage in outer.expand()] == [8, 1, 1]
    assert [stage.batch_size for stage in Outer().expand()] == [1, 1, 1]
    inner = Inner().with_substages({"first": {"batch_size": 2}})
    assert [s.batch_size for s in inner.with_substages({"second": {"batch_size": 3}}).expand()] == [
        2,
        3,
    ]


def test_an_unknown_substage_is_a_mistake_that_names_those_there_are() -> None:
    with pytest.raises(PlanError) as caught:
        Inner().with_substages({"third": {"batch_size": 2}}).expand()
    assert "third" in caught.value.what
    assert "first, second" in caught.value.todo


def test_a_composite_has_no_placement_of_its_own() -> None:
    assert Inner().with_(name="both").name == "both"
    with pytest.raises(PlanError) as caught:
        Inner().with_(resources=Resources(cpus=4))
    assert "with_substages" in caught.value.todo
    assert "first, second" in caught.value.todo


def test_a_composite_takes_what_its_first_needs_and_gives_what_its_last_gives() -> None:
    class Measured(CompositeStage[DocumentBatch, DocumentBatch]):
        def decompose(self) -> list[ProcessingStage[Any, Any]]:
            return [Lengths(), Pass(), Lengths()]

    assert Measured().inputs() == ([], ["text"])
    assert Measured().outputs() == ([], ["length"])


# -- metrics --------------------------------------------------------------------------------------


def test_metrics_add_up_until_they_are_taken() -> None:
    stage = Sleep(0)
    stage._log_metric("hits", 1)
    stage._log_metrics({"hits": 2, "misses": 1.5})
    with stage._time_metric("seconds"):
        pass
    metrics = stage._consume_custom_metrics()

    assert metrics.pop("seconds") >= 0
    assert metrics == {"hits": 3.0, "misses": 1.5}
    assert stage._consume_custom_metrics() == {}


def test_the_documented_alias_is_the_same_class() -> None:
    from thresher.stages import core

    assert core.ProcessingStage is ProcessingStage


def test_any_task_class_can_be_declared() -> None:
    class Files(ProcessingStage[FileGroupTask, Task]):  # type: ignore[type-arg]
        pass

    assert Files().task_types() == (FileGroupTask, Task)


@pytest.mark.parametrize("cls", [Checkpoint, NewlineNormalizer])
def test_a_class_without_parameters_takes_none(cls: type) -> None:
    assert inspect.signature(cls).parameters == {}
    with pytest.raises(TypeError):
        cls(anything=1)
    with pytest.raises(TypeError):
        cls(1)
