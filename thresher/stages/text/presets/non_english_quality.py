# SPDX-License-Identifier: Apache-2.0
"""NonEnglishQuality: Gopher's quality rules with the words and word lengths of a language."""

from __future__ import annotations

from collections.abc import Sequence

from thresher.errors import PlanError
from thresher.stages.text.presets.gopher_quality import GopherQuality
from thresher.stages.text.presets.preset import Mode
from thresher.stages.text.stop_words import stop_words as stop_words_of

UNDIVIDED = frozenset(("ja", "km", "lo", "my", "th", "zh"))
"""Languages that put no white space between words."""

MAX_MEAN_WORD_LENGTH = {"de": 12, "es": 11, "fr": 11, "id": 12, "it": 11, "ru": 12}
"""Where words are longer than English ones: 10 times the ratio of mean word lengths in a handbook
that was translated into these languages, Arabic and Portuguese (these two are as English)."""


class NonEnglishQuality(GopherQuality):
    """Drop documents by Gopher's quality rules, adapted to a language.

    As :class:`~thresher.stages.text.presets.GopherQuality` with two differences: stop words are
    the language's, and words may be longer in the mean where the language's are (German,
    Indonesian and Russian 12; Spanish, French and Italian 11; all others 10). Adapting these two
    follows Penedo et al. 2025 (arXiv:2506.20920, FineWeb2); the numbers are ours.

    Parameters
    ----------
    language : str
        ISO 639-1 code, such as ``"de"``.
    max_mean_word_length : float | "auto" | None
        ``"auto"`` is the language's.
    min_words, max_words, min_mean_word_length, max_hash_ratio, max_ellipsis_ratio
        See :class:`~thresher.stages.text.presets.GopherQuality`.
    max_bullet_line_ratio, max_ellipsis_line_ratio, min_letter_word_ratio, min_stop_words
        See there.
    stop_words : list[str] | None
        The language's when not given.
    text_field, mode, all_scores
        See :class:`~thresher.stages.text.presets.Preset`.

    Raises
    ------
    PlanError
        If the language has no list of stop words and none are given, or puts no white space
        between words.

    Examples
    --------
    >>> from thresher.tasks import DocumentBatch
    >>> stage = NonEnglishQuality("de", min_words=5)
    >>> text = "Es hat den ganzen Tag geregnet, und nicht wenig."
    >>> stage.process(DocumentBatch("docs", {"text": [text]})).num_items
    1
    """

    name = "non_english_quality"

    def __init__(
        self,
        language: str,
        min_words: int | None = 50,
        max_words: int | None = 100_000,
        min_mean_word_length: float | None = 3,
        max_mean_word_length: float | str | None = "auto",
        max_hash_ratio: float | None = 0.1,
        max_ellipsis_ratio: float | None = 0.1,
        max_bullet_line_ratio: float | None = 0.9,
        max_ellipsis_line_ratio: float | None = 0.3,
        min_letter_word_ratio: float | None = 0.8,
        min_stop_words: int | None = 2,
        stop_words: Sequence[str] | None = None,
        text_field: str = "text",
        mode: Mode = "filter",
        all_scores: bool = False,
    ) -> None:
        code = language.replace("_", "-").partition("-")[0].lower()
        if code in UNDIVIDED:
            raise PlanError(
                f"words of the language {language!r} are not divided by white space",
                where="NonEnglishQuality",
                todo="use filters that take lang, such as MeanWordLengthFilter(lang='zh')",
            )
        if min_stop_words is not None and stop_words is None:
            stop_words = _stop_words(language)
        if max_mean_word_length == "auto":
            max_mean_word_length = MAX_MEAN_WORD_LENGTH.get(code, 10)
        super().__init__(
            min_words=min_words,
            max_words=max_words,
            min_mean_word_length=min_mean_word_length,
            max_mean_word_length=_number(max_mean_word_length),
            max_hash_ratio=max_hash_ratio,
            max_ellipsis_ratio=max_ellipsis_ratio,
            max_bullet_line_ratio=max_bullet_line_ratio,
            max_ellipsis_line_ratio=max_ellipsis_line_ratio,
            min_letter_word_ratio=min_letter_word_ratio,
            min_stop_words=min_stop_words,
            stop_words=stop_words,
            text_field=text_field,
            mode=mode,
            all_scores=all_scores,
        )
        self.language = language


def _stop_words(language: str) -> list[str]:
    try:
        return sorted(stop_words_of(language))
    except PlanError as error:
        raise PlanError(error.what, where="NonEnglishQuality", todo=error.todo) from None


def _number(value: float | str | None) -> float | None:
    if isinstance(value, str):
        raise PlanError(
            f"max_mean_word_length={value!r} is no number",
            where="NonEnglishQuality",
            todo="give a number, None or 'auto'",
        )
    return value
