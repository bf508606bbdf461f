# SPDX-License-Identifier: Apache-2.0
from typing import Any

import pytest

from tests.toys import Pass, batch
from thresher.errors import PlanError
from thresher.planning.compile import compile_plan


def stage_with(**members: Any) -> Pass:
    found: Pass = type("Odd", (Pass,), members)()
    return found


def raising(self: Any) -> Any:
    raise AttributeError("not yet")


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"resources": {"cpus": 2}}, "resources is {'cpus': 2}"),
        ({"rows": "some"}, "rows='some'"),
        ({"determinism": True}, "determinism=True"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"inputs": lambda self: ["text"]}, "inputs() gives ['text']"),
        ({"inputs": lambda self: ([], "text")}, "inputs() gives ([], 'text')"),
        ({"outputs": lambda self: None}, "outputs() gives None"),
        ({"outputs": raising}, "outputs() raises AttributeError: not yet"),
    ],
)
def test_what_a_stage_says_of_itself_has_to_make_sense(members: dict[str, Any], words: str) -> None:
    with pytest.raises(PlanError) as caught:
        compile_plan("p", [Pass(), stage_with(**members)], [batch([1])])
    assert words in caught.value.what
    assert caught.value.where == "stage 2, 'Odd'"
    assert caught.value.todo


def test_all_such_mistakes_are_told_at_once() -> None:
    odd = stage_with(rows="some", batch_size=0, inputs=raising)
    with pytest.raises(PlanError) as caught:
        compile_plan("p", [odd, Pass], [batch([1])])
    assert len(caught.value.mistakes) == 4
