# SPDX-License-Identifier: Apache-2.0
"""JSONL to Parquet, every column: one pipeline on the embedded executor with one worker.

python to_parquet_side.py INPUT_FOLDER OUTPUT_FOLDER
"""

import sys

from thresher.backends.local import LocalExecutor
from thresher.pipeline import Pipeline
from thresher.stages.text.io.reader import JsonlReader
from thresher.stages.text.io.writer import ParquetWriter


def main(source: str, target: str) -> None:
    """Read and write."""
    stages = [JsonlReader(source), ParquetWriter(target)]
    Pipeline(name="to_parquet", stages=stages).run(LocalExecutor(workers=1))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
