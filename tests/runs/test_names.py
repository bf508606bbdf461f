# SPDX-License-Identifier: Apache-2.0
"""Names of files: no two parts' files are called alike, and each name tells whose it is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from thresher.runs.names import OutputNames
from thresher.runs.part import OUT, SPILL, FileRecord, PartRecord
from thresher.runs.recording import has_name_of_another

names = st.from_regex(r"[ab]-{0,2}(0001|0010|1)?(-{0,2}0001)?", fullmatch=True)


@given(st.sets(names, min_size=1, max_size=8), st.sampled_from(["", "jsonl"]))
def test_a_name_tells_whose_it_is(parts: set[str], extension: str) -> None:
    found = OutputNames(sorted(parts))
    owners: dict[str, str] = {}
    for part in sorted(parts):
        for index in (0, 1, 2, 10, 9999, 10_000):
            name = found.name(part, index, extension)
            assert name not in owners, f"{name}: of {part} and of {owners[name]}"
            owners[name] = part
            for other in parts:
                assert found.is_of_another(name, other, extension) == (other != part)


def record(part: str, final: str, port: str = OUT, extension: str = "jsonl") -> PartRecord:
    return PartRecord(
        0, part, "f", files=(FileRecord(port, "t", final, 1, 1, "d", "", "", extension),)
    )


def test_files_of_parts_that_came_later() -> None:
    found = OutputNames(["a.jsonl", "a-0001.jsonl", "a.jsonl-0001"])
    cases = [
        (record("a.jsonl", "a.jsonl"), "", False),
        (record("a.jsonl", "a-0001.jsonl"), "", True),
        (record("a.jsonl", "a-0001.jsonl"), "g0002-", False),
        (record("a.jsonl", "g0002-a-0001.jsonl"), "g0002-", True),
        (record("a.jsonl", "spill/_segment-0/a.jsonl-0001.arrow", SPILL, "arrow"), "g0002-", True),
        (record("a.jsonl", "spill/_segment-0/a.jsonl--0001.arrow", SPILL, "arrow"), "", False),
        (record("a.jsonl", "spill/_segment-0/a.jsonl.arrow", SPILL, "arrow"), "", False),
        (record("g0002-a.jsonl", "g0002-a.jsonl"), "g0002-", True),
    ]
    assert [has_name_of_another(record, found, prefix) for record, prefix, _ in cases] == [
        expected for _, _, expected in cases
    ]
