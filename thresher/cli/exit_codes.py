# SPDX-License-Identifier: Apache-2.0
"""Exit codes, and how an error is told to somebody at a terminal."""

from __future__ import annotations

import os
import sys
import traceback

from thresher.errors import DataError, PlanError, StorageError, ThresherError, error_text

OK = 0
FAILED = 1
MISTAKE = 2
DATA = 3
FAILURES = 4
AGAIN = 75
INTERRUPTED = 130
BROKEN_PIPE = 141

TABLE = (
    (OK, "done, or nothing to do"),
    (
        FAILED,
        "a stage, a model or the engine failed, more records went wrong than max_error_rate "
        "allows, or another process is running the pipeline",
    ),
    (MISTAKE, "a mistake in the recipe, the plan or the command; nothing was run"),
    (DATA, "the input is broken, or a path cannot be read or written"),
    (
        FAILURES,
        "done, but some rows failed and are in quarantine: the same command tries them again",
    ),
    (AGAIN, "this shard is done, others are not: run the same command again"),
    (INTERRUPTED, "interrupted; the same command goes on from there"),
)

DEBUG = "THRESHER_DEBUG"


def code_of(error: BaseException) -> int:
    """The exit code for an error."""
    if isinstance(error, PlanError):
        told = error.mistakes
        is_data = bool(told) and all(isinstance(m, DataError | StorageError) for m in told)
        return DATA if is_data else MISTAKE
    if isinstance(error, DataError | StorageError):
        return DATA
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    return FAILED


def tell(error: BaseException) -> None:
    """Say on standard error what happened, where, and what to do; no traceback unless wanted."""
    if os.environ.get(DEBUG):
        traceback.print_exception(error)
        return
    if isinstance(error, KeyboardInterrupt):
        print("interrupted", file=sys.stderr)
    elif isinstance(error, ThresherError):
        print(text_of(error), file=sys.stderr)
    else:
        print(f"error: {error_text(error)}", file=sys.stderr)
        print(f"  {DEBUG}=1 shows where", file=sys.stderr)


def text_of(error: ThresherError) -> str:
    """An error, or all mistakes it carries, in lines."""
    if isinstance(error, PlanError) and len(error.mistakes) == 1:
        return _lines("error: ", error.mistakes[0])
    if isinstance(error, PlanError) and error.mistakes:
        listed = "\n".join(_lines(f"{i}. ", e) for i, e in enumerate(error.mistakes, 1))
        return f"{len(error.mistakes)} mistakes; nothing was run\n\n{listed}"
    return _lines("error: ", error)


def _lines(head: str, error: ThresherError) -> str:
    indent = " " * (3 if head[0].isdigit() else 2)
    lines = [f"{head}{error.what}"]
    if error.where:
        lines.append(f"{indent}where: {error.where}")
    if error.todo:
        lines.append(f"{indent}to do: {error.todo}")
    return "\n".join(lines)
