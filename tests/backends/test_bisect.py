# SPDX-License-Identifier: Apache-2.0
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.toys import RaiseOn, TooLarge, batch, ids_of
from thresher.backends.bisect import bisect, join
from thresher.backends.call_failed import CallFailed
from thresher.tasks import DocumentBatch


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


def test_pieces_are_joined_where_types_allow() -> None:
    pieces = [batch([1]), batch([]), batch([2, 3])]
    [joined] = join(pieces)
    assert ids_of([joined]) == [1, 2, 3]

    widened = [batch([1], x=pa.array([1])), batch([2], x=pa.array([0.5]))]
    assert join(widened)[0].data.column("x").to_pylist() == [1.0, 0.5]

    clash = [batch([1], x=pa.array([1])), batch([2], x=pa.array([{"a": 1}]))]
    assert ids_of(join(clash)) == [1, 2]


def test_only_what_all_pieces_carry_is_carried() -> None:
    one = DocumentBatch("set", {"a": [1], "b": [1]}, _carried=frozenset("ab"))
    other = DocumentBatch("set", {"a": [1], "b": [1]}, _carried=frozenset("a"))

    assert join([one, other])[0]._carried == {"a"}
