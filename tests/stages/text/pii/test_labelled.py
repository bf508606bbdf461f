# SPDX-License-Identifier: Apache-2.0
"""Recall and precision on the labelled texts, at the level they were measured at."""

import pytest

from tests.stages.text.pii.labelled import FILE, agreement, labelled
from tests.stages.text.pii.make_labelled import made
from thresher.stages.text.pii import PiiModifier
from thresher.stages.text.pii.types import PATTERN_TYPES

ITEMS = labelled()

EXPECTED = {
    "EMAIL_ADDRESS": (1.0, 0.98),
    "GITHUB_TOKEN": (0.91, 1.0),
    "IP_ADDRESS": (1.0, 0.98),
    "PHONE_NUMBER": (0.94, 0.99),
}
"""(recall, precision), exact spans; both 1.0 for types that are not named."""


def find(text):
    return [(match.start, match.end, match.type) for match in PATTERNS.find(text)]


PATTERNS = PiiModifier()
MEASURED = agreement(ITEMS, find, exact=True)


def test_the_file_is_what_the_script_makes():
    assert FILE.read_text(encoding="utf-8") == made()


def test_there_is_enough_of_everything():
    assert sum(len(item.spans) for item in ITEMS) >= 500
    assert sum(not item.spans for item in ITEMS) >= 200
    assert sum(len(item.spans) for item in ITEMS if item.origin == "real") >= 60
    assert set(MEASURED) == set(PATTERN_TYPES)


@pytest.mark.parametrize("kind", PATTERN_TYPES)
def test_recall_and_precision(kind):
    recall, precision = EXPECTED.get(kind, (1.0, 1.0))

    assert MEASURED[kind].recall >= recall
    assert MEASURED[kind].precision >= precision
