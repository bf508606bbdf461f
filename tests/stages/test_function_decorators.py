# SPDX-License-Identifier: Apache-2.0
import pickle

import cloudpickle
import pytest

from tests.decorated import halves, keep_small
from tests.toys import batch, ids_of, run_quietly
from thresher.backends.local import LocalExecutor
from thresher.errors import PlanError
from thresher.pipeline import Pipeline
from thresher.stages.function_decorators import processing_stage
from thresher.stages.resources import Resources
from thresher.tasks import DocumentBatch


def test_a_decorated_function_is_a_stage() -> None:
    assert (keep_small.name, keep_small.resources) == ("keep_small", Resources(cpus=0.5))
    assert (halves.resources.cpus, halves.batch_size) == (2, 4)
    assert (keep_small.rows, halves.rows, keep_small.determinism) == ("subset", "any", "exact")
    assert keep_small.__doc__ == "Drop batches of more than three rows."


def test_it_can_still_be_called() -> None:
    assert keep_small(batch([1])).num_items == 1
    assert keep_small(batch(range(9))) is None


@pytest.mark.parametrize("workers", [0, 1])
def test_none_filters_and_lists_fan_out(workers: int) -> None:
    pipeline = Pipeline("p", stages=[keep_small, halves], max_error_rate=0)
    tasks = [batch([1, 2, 3]), batch(range(9)), batch([4, 5])]
    result = run_quietly(pipeline, LocalExecutor(workers=workers), initial_tasks=tasks)

    assert ids_of(result) == [1, 2, 3, 4, 5]
    assert [task.num_items for task in result] == [1, 2, 1, 1]
    assert result.counts[0].dropped == {"keep_small": 9}


def test_a_stage_of_a_module_travels_by_plain_pickle() -> None:
    again = pickle.loads(pickle.dumps(keep_small))
    changed = pickle.loads(pickle.dumps(halves.with_(batch_size=2, name="cut")))

    assert again is keep_small
    assert (changed.batch_size, changed.name) == (2, "cut")
    assert changed.function is halves.function


def test_a_stage_made_elsewhere_travels_by_cloudpickle() -> None:
    threshold = 2

    @processing_stage(name="local")
    def local(task: DocumentBatch) -> DocumentBatch | None:
        return task if task.num_items > threshold else None

    again = cloudpickle.loads(cloudpickle.dumps(local.with_(batch_size=3)))

    assert (again.name, again.batch_size) == ("local", 3)
    assert again(batch([1])) is None
    assert again(batch([1, 2, 3])).num_items == 3


def test_with_changes_a_copy() -> None:
    changed = keep_small.with_(resources=Resources(cpus=1), num_workers=2)

    assert (changed.resources.cpus, changed.num_workers()) == (1, 2)
    assert (keep_small.resources.cpus, keep_small.num_workers()) == (0.5, None)
    assert changed(batch([1])).num_items == 1


def test_a_function_of_another_shape_is_refused() -> None:
    with pytest.raises(PlanError, match="exactly one") as caught:

        @processing_stage(name="wrong")
        def wrong(task: DocumentBatch, factor: int) -> DocumentBatch:
            return task

    assert isinstance(caught.value, ValueError)
    assert "wrong" in caught.value.where


def test_the_documented_alias_is_the_same_decorator() -> None:
    from thresher.stages import function_definitions

    assert function_definitions.processing_stage is processing_stage
