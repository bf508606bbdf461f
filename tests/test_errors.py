# SPDX-License-Identifier: Apache-2.0
import pickle

import pytest

from thresher.errors import (
    DataError,
    EngineError,
    ModelError,
    PlanError,
    StageError,
    StorageError,
    ThresherError,
    missing_extra,
)

KINDS = [PlanError, StageError, DataError, StorageError, ModelError, EngineError]


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_says_what_where_and_what_to_do(kind: type[ThresherError]) -> None:
    error = kind("it broke", "file a, line 3", "mend it")

    assert isinstance(error, ThresherError)
    assert (error.what, error.where, error.todo) == ("it broke", "file a, line 3", "mend it")
    assert str(error).startswith("file a, line 3: it broke")
    assert "mend it" in str(error)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_known_is_not_mentioned(kind: type[ThresherError]) -> None:
    assert str(kind("it broke")) == "it broke"


@pytest.mark.parametrize("kind", KINDS)
def test_errors_survive_pickling(kind: type[ThresherError]) -> None:
    error = pickle.loads(pickle.dumps(kind("what", "where", "todo")))

    assert type(error) is kind
    assert (error.what, error.where, error.todo) == ("what", "where", "todo")


def test_a_plan_error_is_also_a_value_error() -> None:
    with pytest.raises(ValueError, match="no such column"):
        raise PlanError("no such column")


def test_one_mistake_is_told_as_it_is() -> None:
    mistake = PlanError("no such column", "stage 2")

    assert PlanError.from_mistakes([mistake]) is mistake


def test_several_mistakes_are_all_told_and_kept() -> None:
    mistakes = [PlanError("first", "stage 1"), StorageError("second", "in/put", "look there")]
    error = PlanError.from_mistakes(mistakes)

    assert error.mistakes == tuple(mistakes)
    assert "2 mistakes" in error.what
    for mistake in mistakes:
        assert str(mistake) in str(error)


def test_a_plan_error_keeps_its_mistakes_when_pickled() -> None:
    error = PlanError.from_mistakes([PlanError("first"), DataError("second", "here")])
    again = pickle.loads(pickle.dumps(error))

    assert [type(m) for m in again.mistakes] == [PlanError, DataError]
    assert str(again) == str(error)


def test_a_missing_extra_comes_with_its_install_line() -> None:
    error = missing_extra("UnicodeReformatter", "ftfy", "text")

    assert "ftfy" in error.what
    assert error.todo == "pip install 'thresher[text]'"
