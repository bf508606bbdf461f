# SPDX-License-Identifier: Apache-2.0
"""What is published never takes the place of another part's file, on any port."""

from __future__ import annotations

from pathlib import Path

import pytest
import xxhash

from thresher.errors import StorageError
from thresher.runs.names import OutputNames
from thresher.runs.part import OUT, QUARANTINE, SPILL, Outcome, Part, WrittenFile
from thresher.runs.run import Run, RunPaths
from thresher.storage import store_for
from thresher.tasks import EmptyTask


def outcome(run: Run, part: str, port: str, text: str) -> Outcome:
    folder = run.temp_output_folder if port == OUT else run.temp_folder
    root = run.publisher.roots.of(port)
    path = Path(root, folder, part, port)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    digest = xxhash.xxh3_128_hexdigest(text.encode())
    file = WrittenFile(port, (), f"{folder}/{part}/{port}", 1, len(text), digest, "txt")
    return Outcome(Part(0, part, EmptyTask()), [], [file])


@pytest.mark.parametrize("port", [OUT, QUARANTINE, SPILL])
def test_another_part_s_file(tmp_path: Path, port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    output = str(tmp_path)
    paths = RunPaths(output, f"{output}/_thresher/p", extension="txt")
    run = Run.open("p", paths, (store_for(output), store_for(output)), beating=False)
    run.expect(["a", "b"])
    run.begin()
    monkeypatch.setattr(OutputNames, "name", lambda self, part, index, extension: "same.txt")
    [record] = run.commit([outcome(run, "a", port, "one")])
    [again] = run.commit([outcome(run, "a", port, "three")])
    assert record.files[0].final == again.files[0].final
    with pytest.raises(StorageError, match="there is a file already"):
        run.commit([outcome(run, "b", port, "other")])
    assert Path(run.publisher.roots.final(record.files[0])).read_text() == "three"
    run.close()
