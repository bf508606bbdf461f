# SPDX-License-Identifier: Apache-2.0
"""The errors a user of Thresher can meet.

    ThresherError
    ├── PlanError       the pipeline cannot run as asked (also a ValueError); found beforehand
    ├── StageError      a stage broke its contract or raised
    ├── DataError       an input is broken or changed under us
    ├── StorageError    a path cannot be read, written, listed or published
    ├── ModelError      a model or tokenizer cannot be loaded
    └── EngineError     workers or the engine failed

Every error says three things: what happened, where, and what to do.
"""

from __future__ import annotations

from collections.abc import Iterable

LONGEST_MESSAGE = 4000
"""Characters of an error's message that are kept: some hold a whole document."""


class ThresherError(Exception):
    """Base of all errors of Thresher.

    Parameters
    ----------
    what : str
        What happened, in one sentence.
    where : str
        Stage, file, line or record; empty when there is no place to name.
    todo : str
        What the user can do about it; empty when nothing is known.
    """

    def __init__(self, what: str, where: str = "", todo: str = "") -> None:
        super().__init__(what, where, todo)
        self.what = what
        self.where = where
        self.todo = todo

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        advice = f"\n  what to do: {self.todo}" if self.todo else ""
        return f"{place}{self.what}{advice}"


class PlanError(ThresherError, ValueError):
    """The pipeline cannot run as asked. Carries every mistake that was found."""

    def __init__(
        self, what: str, where: str = "", todo: str = "", mistakes: Iterable[ThresherError] = ()
    ) -> None:
        super().__init__(what, where, todo)
        self.mistakes: tuple[ThresherError, ...] = tuple(mistakes)

    @classmethod
    def from_mistakes(cls, mistakes: Iterable[ThresherError]) -> PlanError:
        """One error that names all ``mistakes``; a single mistake is returned as it is."""
        found = tuple(mistakes)
        if len(found) == 1 and isinstance(found[0], PlanError):
            return found[0]
        listing = "\n".join(f"  {i}. {mistake}" for i, mistake in enumerate(found, 1))
        noun = "mistake" if len(found) == 1 else "mistakes"
        return cls(f"the pipeline has {len(found)} {noun}:\n{listing}", mistakes=found)

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return (type(self), (self.what, self.where, self.todo, self.mistakes))


class StageError(ThresherError):
    """A stage broke its contract or raised."""


class DataError(ThresherError):
    """An input is broken, or changed while it was read."""


class StorageError(ThresherError):
    """A path cannot be read, written, listed or published."""


class ModelError(ThresherError):
    """A model or tokenizer cannot be loaded."""


class EngineError(ThresherError):
    """Workers or the engine that runs them failed."""


def error_text(error: BaseException) -> str:
    """An error's type and message, for people; whatever the message is, it can be written."""
    return f"{type(error).__name__}: {message_of(error)}"


def message_of(error: BaseException) -> str:
    """An error's message, without the middle if it is long; text that is not UTF-8 is escaped."""
    try:
        message = str(error)
    except Exception:  # the __str__ of a user's exception: what it raises must not hide the error
        return "it has no message that can be shown"
    if len(message) > LONGEST_MESSAGE:
        half = LONGEST_MESSAGE // 2
        message = f"{message[:half]} ... ({len(message):,} characters) ... {message[-half:]}"
    return message.encode("utf-8", "backslashreplace").decode()


def missing_extra(feature: str, package: str, extra: str) -> PlanError:
    """The error for an optional dependency that is not installed."""
    return PlanError(
        f"{feature} needs the package {package!r}, which is not installed",
        todo=f"pip install 'thresher[{extra}]'",
    )
