# SPDX-License-Identifier: Apache-2.0
import pytest

from thresher.stats import StageCounts, StagePerfStats, merge_sums


def test_statistics_add_up_and_keep_the_left_name() -> None:
    left = StagePerfStats("a", 1.0, 0.5, 2.0, 10, {"x": 1.0})
    right = StagePerfStats("b", 2.0, 0.5, 1.0, 5, {"x": 2.0, "y": 3.0})

    assert sum([left, right]) == StagePerfStats("a", 3.0, 1.0, 3.0, 15, {"x": 3.0, "y": 3.0})
    assert left.custom_metrics == {"x": 1.0}


def test_statistics_add_to_nothing_else() -> None:
    with pytest.raises(TypeError):
        _ = 1 + StagePerfStats("a")
    with pytest.raises(TypeError):
        _ = StagePerfStats("a") + "b"  # type: ignore[operator]


def test_items_name_every_number_and_custom_metrics() -> None:
    stats = StagePerfStats("a", 1.0, num_items_processed=4, custom_metrics={"x": 2.0})

    assert dict(stats.items()) == {
        "process_time": 1.0,
        "actor_idle_time": 0.0,
        "input_data_size_mb": 0.0,
        "num_items_processed": 4,
        "custom.x": 2.0,
    }
    assert stats.to_dict()["stage_name"] == "a"
    stats.reset()
    assert stats == StagePerfStats("a")


def test_counts_balance_when_every_row_is_accounted_for() -> None:
    counts = StageCounts("a", rows_in=10, rows_out=7, expanded=2, dropped={"x": 3}, quarantined=2)

    assert counts.balance == 0
    counts.rows_out -= 1
    assert counts.balance == 1
    counts.opaque = True
    assert counts.balance == 0


def test_counts_survive_their_json_form() -> None:
    counts = StageCounts("a", 10, 7, dropped={"x": 3}, metrics={"m": 1.0}, opaque=True)

    assert StageCounts.from_dict(counts.to_dict()) == counts


def test_counts_of_two_calls_add_up() -> None:
    total = StageCounts("a", 1, 1, dropped={"x": 1})
    total.add(StageCounts("a", 2, 1, merged=1, dropped={"x": 1, "y": 2}, seconds=0.5, tasks=1))

    assert (total.rows_in, total.rows_out, total.merged, total.tasks) == (3, 2, 1, 1)
    assert total.dropped == {"x": 2, "y": 2}


def test_merging_changes_neither_side() -> None:
    left, right = {"a": 1}, {"a": 2, "b": 3}

    assert merge_sums(left, right) == {"a": 3, "b": 3}
    assert (left, right) == ({"a": 1}, {"a": 2, "b": 3})
