# SPDX-License-Identifier: Apache-2.0
"""TokenizerSource: where a tokenizer comes from, looked at cheaply or loaded."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from thresher import storage
from thresher.errors import ModelError, PlanError, ThresherError, missing_extra
from thresher.stages.text.tokenizing.loaded import LoadedTokenizer

FILE = "tokenizer.json"
BESIDE = ("tokenizer_config.json", "special_tokens_map.json")
"""Files beside it that name the special tokens; of two that name one the first counts."""

_TODO = f"give a {FILE}, a folder that has one, or the name of a model of the Hugging Face hub"
_RESERVED = ("cache_dir", "token", "local_files_only")
_TOLD = frozenset(("eos_token", "pad_token"))
_LISTS = frozenset(("additional_special_tokens", "extra_special_tokens"))


@dataclass(frozen=True)
class TokenizerSource:
    """A ``tokenizer.json``, a folder with one, or the name of a model on the hub.

    Parameters
    ----------
    identifier : str
        Path, URL or name.
    cache_dir : str | None
        Where models of the hub are kept.
    token : str | None
        Access to the hub.
    options : dict
        For ``AutoTokenizer.from_pretrained``. With any besides ``eos_token`` and ``pad_token`` a
        folder is loaded by it too.
    allow_special_tokens : bool
        Whether text that spells a special token becomes that token. Otherwise it is tokenized as
        other text is.
    """

    identifier: str
    cache_dir: str | None = None
    token: str | None = field(default=None, repr=False)
    options: Mapping[str, Any] = field(default_factory=dict)
    allow_special_tokens: bool = False

    @property
    def file(self) -> str:
        """The ``tokenizer.json`` to load; ``""`` where that is up to ``transformers``."""
        if set(self.options) - _TOLD:
            return ""
        inside = f"{self.identifier.rstrip('/')}/{FILE}"
        if _exists(inside):
            return inside
        named = self.identifier.endswith(".json") or os.path.isfile(
            storage.absolute(self.identifier)
        )
        return self.identifier if named else ""

    @property
    def files(self) -> list[str]:
        """What there is of its files, as far as they are not on the hub."""
        folder = self._folder
        names = [self.file, *(f"{folder}/{name}" for name in BESIDE)] if self.file else []
        return [name for name in names if _exists(name)]

    def mistakes(self, who: str) -> list[ThresherError]:
        """What is wrong with it, as far as can be told without loading it."""
        if find_spec("tokenizers") is None:
            return [missing_extra(who, "tokenizers", "text")]
        if self.file:
            return [] if _exists(self.file) else [self._missing(who)]
        if _is_path(self.identifier) and not os.path.isdir(storage.absolute(self.identifier)):
            return [self._missing(who)]
        if find_spec("transformers") is None:
            told = missing_extra(f"{who} with {self.identifier!r}", "transformers", "models")
            return [PlanError(told.what, todo=f"{told.todo}, or give a {FILE}")]
        return []

    def load(self, *, offline: bool = False) -> LoadedTokenizer:
        """The tokenizer.

        Raises
        ------
        ModelError
            If it is not there, is no tokenizer, or cannot be kept from making special tokens of
            text.
        """
        for mistake in self.mistakes("this stage"):
            raise mistake
        if self.file:
            loaded = self._load_file()
        else:
            loaded = LoadedTokenizer.of_transformers(
                self.from_hub(offline=offline),
                allow_special_tokens=self.allow_special_tokens,
                where=self.identifier,
            )
        if loaded.special_characters:
            named = ", ".join(map(repr, loaded.special_characters))
            warnings.warn(
                f"the tokenizer {self.identifier!r} has single characters among its special "
                f"tokens: {named}; text that has such a character gets the special token",
                stacklevel=2,
            )
        return loaded

    def from_hub(self, *, offline: bool) -> Any:
        """The tokenizer as ``transformers`` makes it, fetched if it must be and may.

        Raises
        ------
        ModelError
            If it cannot be had.
        """
        from transformers import AutoTokenizer

        try:
            return AutoTokenizer.from_pretrained(
                self.identifier,
                cache_dir=self.cache_dir,
                token=self.token,
                local_files_only=offline,
                **self.options,
            )
        except Exception as error:
            raise ModelError(
                f"the tokenizer cannot be loaded: {error}", where=self.identifier, todo=_TODO
            ) from error

    def load_or_fetch(self) -> LoadedTokenizer:
        """The tokenizer: from this machine if it is here, else from the hub."""
        try:
            return self.load(offline=True)
        except ModelError:
            if self.file or os.path.isdir(storage.absolute(self.identifier)):
                raise
        return self.load()

    @property
    def _folder(self) -> str:
        return self.file.rpartition("/")[0] or "."

    def _missing(self, who: str) -> ModelError:
        what = f"the tokenizer of {who} cannot be loaded: there is no such file"
        return ModelError(what, self.identifier, _TODO)

    def _load_file(self) -> LoadedTokenizer:
        from tokenizers import Tokenizer

        try:
            loaded = Tokenizer.from_buffer(storage.store_for(self.file).read(self.file))
        except Exception as error:
            raise ModelError(
                f"the tokenizer cannot be loaded: {getattr(error, 'what', error)}",
                where=self.identifier,
                todo=_TODO,
            ) from error
        told = {**self._told(), **self.options}
        eos, pad = (_content(told.get(name)) for name in ("eos_token", "pad_token"))
        return LoadedTokenizer.of_tokenizers(
            loaded,
            eos,
            pad,
            named=_special_tokens(told),
            allow_special_tokens=self.allow_special_tokens,
            where=self.identifier,
        )

    def _told(self) -> dict[str, Any]:
        """The special tokens that files beside the tokenizer name."""
        told: dict[str, Any] = {}
        for name in reversed(BESIDE):
            path = f"{self._folder}/{name}"
            if not _exists(path):
                continue
            try:
                content = json.loads(storage.store_for(path).read(path))
            except ValueError as error:
                raise ModelError(f"not JSON: {error}", where=path, todo="mend the file") from error
            if isinstance(content, dict):
                told |= {key: value for key, value in content.items() if value is not None}
        return told


def check_options(options: Mapping[str, Any] | None, where: str) -> dict[str, Any]:
    """The options, without those that have a parameter of their own.

    Raises
    ------
    PlanError
        If there are such.
    """
    given = dict(options or {})
    if wrong := [name for name in _RESERVED if name in given]:
        raise PlanError(
            f"transformers_init_kwargs holds {wrong[0]!r}",
            where=where,
            todo="use cache_dir and hf_token; what is on this machine is taken before the hub",
        )
    return given


def _content(token: Any) -> str:
    """The text of a special token, which may be given with its properties."""
    found = token.get("content") if isinstance(token, dict) else token
    return found if isinstance(found, str) else ""  # add_bos_token and the like are no names


def _special_tokens(told: Mapping[str, Any]) -> Iterator[str]:
    """All special tokens that files beside a tokenizer name."""
    for name, value in told.items():
        if name.endswith("_token"):
            yield _content(value)
        elif name in _LISTS:
            yield from map(_content, _listed(value))
        elif name == "added_tokens_decoder":
            tokens = (token for token in _listed(value) if isinstance(token, dict))
            yield from (_content(token) for token in tokens if token.get("special"))


def _listed(value: Any) -> list[Any]:
    """The entries of a list, or of a mapping whose names do not matter here."""
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _exists(path: str) -> bool:
    return storage.store_for(path).size(path) is not None


def _is_path(identifier: str) -> bool:
    """Whether it cannot be the name of a model, which has one slash at most."""
    return (
        identifier.startswith(("/", ".", "~"))
        or identifier.count("/") > 1
        or identifier.endswith(".json")
        or os.path.exists(storage.absolute(identifier))
    )
