# SPDX-License-Identifier: Apache-2.0
"""A way to call Steps, with files below the folder of the test."""

from pathlib import Path

import pytest

from tests.backends.calling import Calling


@pytest.fixture
def call(tmp_path: Path) -> Calling:
    return Calling(tmp_path)
