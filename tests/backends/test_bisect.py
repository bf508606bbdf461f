# SPDX-License-Identifier: Apache-2.0
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.toys import RaiseOn, TooLarge, batch, ids_of
from thresher.backends.bisect import bisect, rejoined
from thresher.backends.call_failed import CallFailed
from thresher.tasks import DocumentBatch
from thresher.tasks.joining import join
from thresher.tasks.types import is_json


@given(st.sets(st.integers(0, 30)), st.integers(1, 30))
def test_exactly_the_rows_that_raise_are_found(bad: set[int], n: int) -> None:
    stage = RaiseOn(sorted(bad))
    found = bisect(lambda piece: [stage.process(piece)], batch(range(n)), ValueError("first"))

    if n == 1:  # it raised alone already
        assert [ids_of([row]) for row, _ in found.bad] == [[0]]
        return
    assert [ids_of([row])[0] for row, _ in found.bad] == sorted(bad & set(range(n)))
    assert ids_of(found.outs) == sorted(set(range(n)) - bad)


def test_each_row_comes_with_its_own_error() -> None:
    stage = RaiseOn([3, 7])
    found = bisect(lambda piece: [stage.process(piece)], batch(range(10)), ValueError("first"))

    assert [str(error) for _, error in found.bad] == ["cannot digest 3", "cannot digest 7"]


def test_what_is_too_large_is_halved_until_it_fits() -> None:
    stage = TooLarge(3)
    found = bisect(lambda piece: [stage.process(piece)], batch(range(10)), MemoryError())

    assert not found.bad
    assert ids_of(found.outs) == list(range(10))


def test_a_broken_contract_is_no_matter_of_rows() -> None:
    def call(piece: DocumentBatch) -> list[DocumentBatch]:
        raise CallFailed("broken", "stage", "wrong")

    with pytest.raises(CallFailed):
        bisect(call, batch(range(4)), ValueError())


def test_pieces_are_joined() -> None:
    pieces = [batch([1]), batch([]), batch([2, 3])]
    assert ids_of([join(pieces)]) == [1, 2, 3]
    assert join(pieces[:1]) is pieces[0]
    [again] = rejoined(pieces)
    assert ids_of([again]) == [1, 2, 3]
    assert rejoined([batch([])]) == rejoined([]) == []


def test_types_that_differ_are_united() -> None:
    widened = join([batch([1], x=pa.array(["a"])), batch([2], x=pa.array(["b"], "large_string"))])
    assert widened.data.column("x").type == pa.large_string()
    # JSONL would have one of the numbers otherwise.
    numbers = join([batch([1], x=pa.array([1])), batch([2], x=pa.array([2.0]))]).data
    assert is_json(numbers.schema.field("x"))
    assert numbers.column("x").to_pylist() == ["1", "2.0"]

    clash = join([batch([1], x=pa.array([1])), batch([2], x=pa.array([{"a": 1}]))]).data
    assert clash.column("id").to_pylist() == [1, 2]
    assert is_json(clash.schema.field("x"))
    assert clash.column("x").to_pylist() == ["1", '{"a":1}']


def test_a_column_that_only_some_pieces_have_is_null_in_the_others() -> None:
    pieces = [batch([1], x=pa.array([True])), batch([2]), batch([3], y=["a"], x=pa.nulls(1))]
    joined = join(pieces).data

    assert joined.select(["id", "x", "y"]).to_pylist() == [
        {"id": 1, "x": True, "y": None}, {"id": 2, "x": None, "y": None},
        {"id": 3, "x": None, "y": "a"},
    ]  # fmt: skip
    assert joined.schema.field("x").type == pa.bool_()


def test_pieces_are_joined_though_no_type_reaches_as_far() -> None:
    far = pa.array([32_503_680_000], pa.timestamp("s"))  # the year 3000, beyond nanoseconds
    joined = join([batch([1], t=far), batch([2], t=pa.array([5], pa.timestamp("ns")))]).data

    assert joined.num_rows == 2
    assert "3000-01-01" in str(joined.column("t")[0])


def test_only_what_all_pieces_carry_is_carried() -> None:
    columns = {"a": [1], "b": [1]}
    one = DocumentBatch("set", columns, _parsed=frozenset("a"), _carried=frozenset("ab"))
    other = DocumentBatch("set", columns, _parsed=frozenset("b"), _carried=frozenset("a"))

    assert join([one, other])._carried == {"a"}
    assert join([one, other])._parsed == {"a", "b"}
