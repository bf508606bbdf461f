# SPDX-License-Identifier: Apache-2.0
"""Labels are few, and say nothing that a record says."""

from hypothesis import given, settings
from hypothesis import strategies as st

from thresher.metrics.labels import MAX_REASONS, OTHER, Reasons, distinct, step_label

RULES = st.dictionaries(st.sampled_from([f"rule_{i}" for i in range(60)]), st.integers(1, 9))


@settings(max_examples=100)
@given(st.lists(RULES, max_size=6))
def test_no_counter_falls_no_row_is_lost_and_labels_are_few(growth: list[dict[str, int]]) -> None:
    reasons, dropped, shown = Reasons(), {}, {}
    for more in growth:
        for rule, rows in more.items():
            dropped[rule] = dropped.get(rule, 0) + rows
        now = reasons.fold("s", dropped)
        assert sum(now.values()) == sum(dropped.values())
        assert len(now) <= MAX_REASONS + 1
        assert all(now[label] >= rows for label, rows in shown.items())
        shown = now


def test_the_most_frequent_rules_of_a_resumed_run_have_labels() -> None:
    folded = Reasons().fold("s", {f"rule_{i}": i for i in range(1, 31)})

    assert folded["rule_30"] == 30
    assert "rule_10" not in folded
    assert folded[OTHER] == sum(range(1, 11))


def test_what_is_no_name_of_a_rule_is_not_shown() -> None:
    text = "Call me Ishmael. Some years ago"
    folded = Reasons().fold(
        "my stage", {text: 2, "мова": 1, "x" * 65: 1, "c4.lines": 3, "my stage": 4}
    )

    assert folded == {OTHER: 4, "c4.lines": 3, "my stage": 4}


def test_stages_of_one_name_are_told_apart() -> None:
    assert distinct(["a", "b", "a", "a"]) == ["a", "b", "a (2)", "a (3)"]
    assert step_label(2, ["a"]) == "2: a"
    assert step_label(1, ["a", "b", "c"]) == "1: a .. c"
