# SPDX-License-Identifier: Apache-2.0
"""PiiModifier: finds personal data in documents, and takes it out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import pyarrow as pa

from thresher.errors import PlanError
from thresher.stages.base import TEXT, Columns, ProcessingStage
from thresher.stages.filtering import text_of
from thresher.stages.text.pii.anonymize import (
    ACTIONS,
    HASH_TYPES,
    Action,
    Anonymizer,
    HashType,
    hasher,
    masker,
    redact,
    replacer,
    rewritten,
)
from thresher.stages.text.pii.columns import count_column, matches_column, with_rows
from thresher.stages.text.pii.finder import Found, PatternFinder, resolved
from thresher.stages.text.pii.match import Match
from thresher.stages.text.pii.named_entities import NamedEntities, model_of
from thresher.stages.text.pii.types import NAMED_TYPES, chosen_types
from thresher.tasks import DocumentBatch

_ROUNDS = 8  # of looking again at documents that have changed


class PiiModifier(ProcessingStage[DocumentBatch, DocumentBatch]):
    """Find personal data (PII) and keys in documents, and take them out or tell where they are.

    What is found is counted in the stage's statistics, by type: ``pii.EMAIL_ADDRESS`` and so on,
    and ``pii.documents`` with any.

    Types: EMAIL_ADDRESS, PHONE_NUMBER, IP_ADDRESS (4 and 6), MAC_ADDRESS, CREDIT_CARD (Luhn's
    check), IBAN_CODE (check digits modulo 97), US_SSN, CRYPTO (addresses of Bitcoin, checked, and
    Ethereum), AWS_KEY, GITHUB_TOKEN, SLACK_TOKEN, GOOGLE_API_KEY, API_KEY (of other issuers), JWT,
    PRIVATE_KEY (PEM), SECRET (a random-looking value assigned to a key, token or password); and,
    only when asked for, PERSON, LOCATION and ORGANIZATION by spaCy (extra ``pii``).

    Matches that overlap become one, with the type of the longest. A document that has changed is
    looked at again, until nothing is found: redacting, masking or hashing twice gives what doing it
    once gives. Not so with spaCy, which may see a name in what is left.

    Source: the names of the class, of ``language``, ``supported_entities``, ``anonymize_action``,
    ``hash_type`` and ``masking_char`` and those of the types are NeMo Curator's and Presidio's;
    the rules, the other parameters and all defaults are ours.

    >>> PiiModifier().modify_document("Ask jane.doe@mail.org or call +1 (212) 555-0142.")
    'Ask <EMAIL> or call <PHONE>.'

    Parameters
    ----------
    language : str
        Of the documents; chooses spaCy's model. Patterns know no language.
    supported_entities : list[str] | None
        The types to look for; all that need no model when not given.
    anonymize_action : "redact" | "replace" | "mask" | "hash" | "annotate"
        ``redact`` puts a placeholder such as ``<EMAIL>``; ``replace`` a made-up value of the same
        kind, equal ones for equal values; ``mask`` as many ``masking_char``; ``hash``
        ``<EMAIL#digest>``; ``annotate`` leaves the text and writes the column of matches.
    text_field : str
        The column to look at.
    output_field : str | None
        Where the changed text goes; in place when not given.
    entities_field : str | None
        A column for the matches, list<struct<type, start, end, score>>, with offsets in characters
        of the text before any change; ``pii`` for ``annotate``, else none when not given.
    counts_prefix : str | None
        Adds a column int64 of counts for each type, named ``<prefix><type in small letters>``.
    score_threshold : float
        Matches that score less are passed over. Checksums and prefixes score 1.0, what only looks
        like a telephone number 0.5.
    hash_type : "xxh3_128" | "xxh3_64" | "sha256"
        Digest for ``hash``. Only SHA-256 with a secret salt resists guessing.
    salt : str
        Put before each value that is hashed.
    masking_char : str
        One character that is no letter, digit or white space.
    seed : int
        For ``replace``: another seed gives other made-up values.
    phone_regions : list[str] | None
        Regions such as ``["US", "DE"]``: telephone numbers are then those that the library
        ``phonenumbers`` (extra ``pii``) finds valid in one of them or by their country code.
    ner_model : str | None
        What ``spacy.load`` takes; the small model of the language when not given.

    Raises
    ------
    PlanError
        For an unknown type, action or digest, or a masking character that is none.
    ModelError
        When spaCy cannot load the model.

    Notes
    -----
    A null document stays null and has no matches.
    """

    rows = "same"

    def __init__(
        self,
        language: str = "en",
        supported_entities: Sequence[str] | None = None,
        anonymize_action: Action = "redact",
        text_field: str = "text",
        output_field: str | None = None,
        entities_field: str | None = None,
        counts_prefix: str | None = None,
        score_threshold: float = 0.5,
        hash_type: HashType = "xxh3_128",
        salt: str = "",
        masking_char: str = "*",
        seed: int = 0,
        phone_regions: Sequence[str] | None = None,
        ner_model: str | None = None,
    ) -> None:
        self.types = chosen_types(supported_entities, self.name)
        _one_of(anonymize_action, ACTIONS, "anonymize_action", self.name)
        _one_of(hash_type, HASH_TYPES, "hash_type", self.name)
        if len(masking_char) != 1 or masking_char.isalnum() or masking_char.isspace():
            raise PlanError(
                f"masking_char={masking_char!r} is not one sign", self.name, 'choose "*" or "#"'
            )
        self.action = anonymize_action
        self.text_field = text_field
        self.output_field = output_field or text_field
        self.entities_field = entities_field or ("pii" if anonymize_action == "annotate" else None)
        self.counts_prefix = counts_prefix
        self.score_threshold = score_threshold
        self.hash_type = hash_type
        self.salt = salt
        self.masking_char = masking_char
        self.seed = seed
        self.phone_regions = phone_regions
        self.named = [name for name in self.types if name in NAMED_TYPES]
        self.ner_model = ner_model
        if self.named:
            self.ner_model = ner_model or model_of(language, self.name)
            self.__dict__["determinism"] = "rounded"

    @property
    def requires(self) -> tuple[tuple[str, str], ...]:
        """(package, extra) pairs that are looked for before a run."""
        spacy = (("spacy", "pii"),) if self.named else ()
        phones = self.phone_regions is not None and "PHONE_NUMBER" in self.types
        return (*spacy, *((("phonenumbers", "pii"),) if phones else ()))

    def inputs(self) -> Columns:
        """The text."""
        return ["data"], [self.text_field]

    def input_kinds(self) -> dict[str, str]:
        """Text."""
        return {self.text_field: TEXT}

    def outputs(self) -> Columns:
        """The changed text, and the columns of matches and counts asked for."""
        text = [] if self.action == "annotate" else [self.output_field]
        told = [] if self.entities_field is None else [self.entities_field]
        return ["data"], [*text, *told, *self._count_fields().values()]

    def process(self, task: DocumentBatch) -> DocumentBatch:
        """All rows, with what was found taken out or told."""
        column = text_of(task, self.text_field, self.name)
        found = self.find_column(column)
        self._count(found)
        if self.action != "annotate":
            made = with_rows(column, self._changed(column, found))
            if made is not column or self.output_field != self.text_field:
                task = task.with_column(self.output_field, made)
        if self.entities_field is not None:
            task = task.with_column(self.entities_field, matches_column(found, len(column)))
        for name, field in self._count_fields().items():
            task = task.with_column(field, count_column(found, name, len(column)))
        return task

    def find(self, text: str) -> list[Match]:
        """The matches in one text, in order, without overlaps."""
        return self._resolved([text], {0: self._patterns.find(text)}).get(0, [])

    def find_column(self, column: pa.Array | pa.ChunkedArray) -> Found:
        """The matches of a text column by row; rows without any are left out."""
        found: Found = {}
        first = 0
        for chunk in column.chunks if isinstance(column, pa.ChunkedArray) else [column]:
            chunk = chunk if pa.types.is_large_string(chunk.type) else chunk.cast(pa.large_string())
            raw = self._patterns.find_column(chunk)
            texts: Sequence[str | None] = chunk if not self.named else chunk.to_pylist()
            for row, matches in self._resolved(texts, raw).items():
                found[first + row] = matches
            first += len(chunk)
        return found

    def modify_document(self, text: str) -> str:
        """One text changed; itself for ``annotate``."""
        if self.action == "annotate":
            return text
        matches = self.find(text)
        changed = self._changed(pa.chunked_array([[text]]), {0: matches} if matches else {})
        return changed.get(0, text)

    def __call__(self, text: str) -> str:
        """The same, for ``Modify(PiiModifier())``; as a stage of its own it is far faster."""
        return self.modify_document(text)

    def _resolved(self, texts: Sequence[Any], raw: Found) -> Found:
        """Matches of patterns and names together, without overlaps."""
        if self.named:
            rows = [row for row, text in enumerate(texts) if text]
            named = self._names.find_all([texts[row] for row in rows])
            raw = {row: raw.get(row, []) for row in sorted({*rows, *raw})}
            for row, more in zip(rows, named, strict=True):
                raw[row] = [*raw[row], *more]
        each = ((row, resolved(raw[row], self.score_threshold)) for row in raw)
        return {row: matches for row, matches in each if matches}

    def _changed(self, column: pa.ChunkedArray, found: Mapping[int, list[Match]]) -> dict[int, str]:
        """The texts that change, by row.

        What was cut off by its neighbourhood may show itself when that is gone, so changed texts
        are looked at again, by patterns.
        """
        anonymizer = self._anonymizer()
        before = {row: column[row].as_py() for row in found}
        changed = {}
        for _ in range(_ROUNDS):
            after = {row: rewritten(before[row], found[row], anonymizer) for row in found}
            before = {row: text for row, text in after.items() if text != before[row]}
            changed.update(before)
            if not before:
                break
            rows = list(before)
            again = self._patterns.find_column(pa.array(before.values(), pa.large_string()))
            found = {
                rows[i]: matches
                for i, raw in again.items()
                if (matches := resolved(raw, self.score_threshold))
            }
        return changed

    def _anonymizer(self) -> Anonymizer:
        if self.action == "replace":
            return replacer(self.seed)
        if self.action == "mask":
            return masker(self.masking_char)
        if self.action == "hash":
            return hasher(self.hash_type, self.salt)
        return redact

    def _count(self, found: Found) -> None:
        counts = Counter(match.type for matches in found.values() for match in matches)
        self._log_metrics({f"pii.{name}": counts[name] for name in self.types if counts[name]})
        if found:
            self._log_metric("pii.documents", len(found))

    def _count_fields(self) -> dict[str, str]:
        """The columns of counts, by type."""
        if self.counts_prefix is None:
            return {}
        return {name: f"{self.counts_prefix}{name.lower()}" for name in self.types}

    @cached_property
    def _patterns(self) -> PatternFinder:
        return PatternFinder(self.types, self.phone_regions)

    @cached_property
    def _names(self) -> NamedEntities:
        return NamedEntities(str(self.ner_model), self.named)

    def __getstate__(self) -> dict[str, Any]:
        made = ("_patterns", "_names")  # on first use; functions in them do not travel
        return {name: value for name, value in self.__dict__.items() if name not in made}


def _one_of(value: str, known: Sequence[str], argument: str, where: str) -> None:
    if value not in known:
        raise PlanError(
            f"{argument}={value!r} is not known", where, f"choose from {', '.join(known)}"
        )
