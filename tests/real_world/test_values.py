# SPDX-License-Identifier: Apache-2.0
"""Values keep their type, and nobody's value turns into null: drawn data sets and pipelines.

``THRESHER_EXAMPLES`` says how many are drawn. They are the same each time; `make soak` has others.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings

from tests.real_world.values_check import check
from tests.real_world.values_data import Example, examples
from tests.real_world.values_found import FOUND, Found
from tests.real_world.values_search import CHECKS, PHASES
from tests.real_world.values_shrink import checked

COUNT = int(os.environ.get("THRESHER_EXAMPLES", "300"))


@settings(
    max_examples=COUNT,
    deadline=None,
    suppress_health_check=CHECKS,
    phases=PHASES,
    derandomize=True,
)
@given(examples())
def test_every_value_is_in_the_output_or_in_quarantine(example: Example) -> None:
    checked(example)


@pytest.mark.parametrize("found", FOUND, ids=lambda found: found.what)
def test_what_was_found_is_mended(found: Found) -> None:
    check(found.example)
