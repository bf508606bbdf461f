# SPDX-License-Identifier: Apache-2.0
"""Download and curate TinyStories.

    python tutorials/text/tinystories/main.py --split valid --data-root tinystories

The split ``train`` is a download of 1.9 GB, ``valid`` one of 19 MB. Killed and started again, it
goes on where it was.
"""

import argparse

from stages import IncompleteStoryFilter, QuotationUnifier, TinyStoriesDownloadExtractStage

from thresher.pipeline import Pipeline
from thresher.stages.text.filters import ScoreFilter, WordCountFilter
from thresher.stages.text.io.writer import JsonlWriter
from thresher.stages.text.modifiers import Modify, UnicodeReformatter


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Download and curate TinyStories.")
    parser.add_argument("--split", choices=("train", "valid"), default="valid")
    parser.add_argument("--data-root", default="tinystories", help="where everything goes")
    args = parser.parse_args()
    stages = [
        TinyStoriesDownloadExtractStage(f"{args.data_root}/raw/{args.split}", split=args.split),
        Modify(modifier_fn=QuotationUnifier()),
        Modify(modifier_fn=UnicodeReformatter()),
        ScoreFilter(filter_obj=WordCountFilter(min_words=80)),
        ScoreFilter(filter_obj=IncompleteStoryFilter()),
        JsonlWriter(f"{args.data_root}/curated/{args.split}"),
    ]
    pipeline = Pipeline(
        name="tinystories",
        description="Download and curation pipeline for the TinyStories dataset.",
        stages=stages,
    )
    pipeline.run()


if __name__ == "__main__":
    main()
