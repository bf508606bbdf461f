# SPDX-License-Identifier: Apache-2.0
"""The job of the download test: ``python download_job.py URL_BASE FOLDER``.

The guide's TinyStories pipeline; downloads to ``FOLDER/raw`` and writes to ``FOLDER/out``.
"""

import sys

from thresher.backends.local import LocalExecutor
from thresher.pipeline import Pipeline
from thresher.stages.text.download import (
    DocumentDownloadExtractStage,
    HttpDownloader,
    UrlList,
)
from thresher.stages.text.download.tinystories import TinyStoriesIterator
from thresher.stages.text.filters import IncompleteStoryFilter, ScoreFilter, WordCountFilter
from thresher.stages.text.io.writer import JsonlWriter
from thresher.stages.text.modifiers import Modify, QuotationUnifier

base, folder = sys.argv[1:]
result = Pipeline(
    "job",
    stages=[
        DocumentDownloadExtractStage(
            UrlList([f"{base}/{name}" for name in ("one.txt", "two.txt", "three.txt")]),
            HttpDownloader(f"{folder}/raw", backoff=0.02, stall_timeout=1.0, retries=40),
            TinyStoriesIterator(),
        ),
        Modify(modifier_fn=QuotationUnifier()),
        ScoreFilter(filter_obj=WordCountFilter(min_words=80)),
        ScoreFilter(filter_obj=IncompleteStoryFilter()),
        JsonlWriter(f"{folder}/out"),
    ],
).run(LocalExecutor(workers=2))
print(result.status)
