# SPDX-License-Identifier: Apache-2.0
"""Draw examples until one fails."""

from __future__ import annotations

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings

from tests.real_world.values_check import Wrong
from tests.real_world.values_data import Example, examples
from tests.real_world.values_shrink import checked

CHECKS = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example)
PHASES = (Phase.explicit, Phase.generate)
"""An example that fails is made small by ``values_shrink``, which knows what it is made of."""


def search(count: int, seed: int) -> str:
    """Check ``count`` examples; what is wrong with the first that fails, or nothing."""

    @hypothesis.seed(seed)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=CHECKS,
        print_blob=False,
    )
    @given(examples())
    def try_one(example: Example) -> None:
        checked(example)

    try:
        try_one()
    except Wrong as error:
        return str(error)
    return ""
