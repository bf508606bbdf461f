# SPDX-License-Identifier: Apache-2.0
"""Thresher's side: one pipeline on the embedded executor with one worker.

python thresher_side.py INPUT_FOLDER OUTPUT_FOLDER TOKENIZER_FOLDER
"""

import sys

from thresher.backends.local import LocalExecutor
from thresher.pipeline import Pipeline
from thresher.stages.text.io import JsonlReader, MegatronTokenizerWriter


def main(source: str, target: str, tokenizer: str) -> None:
    """Read and write."""
    writer = MegatronTokenizerWriter(target, tokenizer, append_eod=True)
    stages = [JsonlReader(source, blocksize="10GB"), writer]
    Pipeline(name="megatron", stages=stages).run(LocalExecutor(workers=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
