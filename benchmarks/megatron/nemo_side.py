# SPDX-License-Identifier: Apache-2.0
"""NeMo Curator's side: its own reader and writer, called one after the other, without Ray.

python nemo_side.py INPUT_FOLDER OUTPUT_FOLDER TOKENIZER_FOLDER
"""

import sys
from pathlib import Path

from nemo_curator.stages.text.io.reader.jsonl import JsonlReaderStage
from nemo_curator.stages.text.io.writer.megatron_tokenizer import MegatronTokenizerWriter
from nemo_curator.tasks import FileGroupTask


def main(source: Path, target: Path, tokenizer: Path) -> None:
    """Read and write, one file at a time."""
    writer = MegatronTokenizerWriter(
        path=str(target), model_identifier=str(tokenizer), append_eod=True
    )
    reader = JsonlReaderStage()
    reader.setup()
    writer.setup()
    for path in sorted(source.glob("*.jsonl")):
        task = FileGroupTask(
            dataset_name="benchmark", data=[str(path)], _metadata={"source_files": [str(path)]}
        )
        writer.process(reader.process(task))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
