# SPDX-License-Identifier: Apache-2.0
"""Reading a recipe, with every mistake told at once."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from thresher.backends.executor import BaseExecutor
from thresher.catalog import Catalog, catalog, import_sources
from thresher.config.mistakes import Mistakes
from thresher.config.objects import BROKEN, Builder
from thresher.config.overrides import apply_overrides
from thresher.config.placement import apply_placement
from thresher.config.recipe import Recipe
from thresher.config.source import Node, parse
from thresher.config.trust import Trust, is_trusted
from thresher.config.variables import Variables
from thresher.errors import PlanError, StorageError
from thresher.pipeline import Pipeline
from thresher.stages.base import CompositeStage

KEYS = (
    "name",
    "description",
    "imports",
    "params",
    "stages",
    "executor",
    "on_error",
    "max_error_rate",
    "tokenizer",
    "run_dir",
)

STAGE_KINDS = ("stage", "filter", "modifier")

# What the plain values may be: a test, and the words for it.
_PLAIN: dict[str, tuple[Callable[[Any], bool], str]] = {
    "name": (lambda v: isinstance(v, str) and bool(v.strip()), "text"),
    "description": (lambda v: isinstance(v, str), "text"),
    "on_error": (lambda v: v in ("quarantine", "raise"), "quarantine or raise"),
    "max_error_rate": (
        lambda v: isinstance(v, int | float) and not isinstance(v, bool) and 0 <= v <= 1,
        "a number from 0 to 1, such as 0.01",
    ),
    "tokenizer": (lambda v: isinstance(v, str), "the path of a tokenizer.json"),
    "run_dir": (lambda v: isinstance(v, str), "the path of a folder"),
}


def load_recipe(
    path: str | os.PathLike[str],
    sets: Iterable[str] = (),
    env: Mapping[str, str] | None = None,
    trust: bool = False,
) -> Recipe:
    """Read a recipe.

    Parameters
    ----------
    path : str
        A YAML file.
    sets : list[str]
        Overrides: ``"WordCountFilter.min_words=80"``. A stage is named by its class, its name or
        its number, counted from 1.
    env : dict[str, str] | None
        What ``${NAME}`` is looked up in after the recipe's ``params``; the environment if None.
    trust : bool
        Whether it may run code that is not Thresher's: ``imports``, ``runtime_env`` and the like.
        Recipes in folders that ``THRESHER_TRUST`` names may, too.

    Raises
    ------
    PlanError
        If anything in it is wrong; ``mistakes`` has each with file, line and column.
    StorageError
        If the file cannot be read.
    """
    file = os.fspath(path)
    try:
        text = Path(file).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise PlanError("the recipe is not UTF-8 text", file, "save it as UTF-8") from error
    except OSError as error:
        raise StorageError(
            f"the recipe cannot be read: {error.strerror}", file, "check the path"
        ) from error
    return parse_recipe(text, file, sets, env, trust or is_trusted(file, os.environ))


def parse_recipe(
    text: str,
    file: str = "recipe",
    sets: Iterable[str] = (),
    env: Mapping[str, str] | None = None,
    trust: bool = False,
) -> Recipe:
    """Read a recipe from text; ``file`` is what its places are called. See :func:`load_recipe`."""
    mistakes = Mistakes()
    root = parse(text, file, mistakes)
    if root is None:
        mistakes.raise_if_any()
    assert root is not None
    reader = _Reader(file, mistakes, os.environ if env is None else env, Trust(trust, mistakes))
    return reader.read(root, tuple(sets))


class _Reader:
    """From a tree to a recipe."""

    def __init__(self, file: str, mistakes: Mistakes, env: Mapping[str, str], trust: Trust) -> None:
        self.file = file
        self.folder = str(Path(file).parent)
        self.mistakes = mistakes
        self.env = env
        self.trust = trust

    def read(self, root: Node, sets: tuple[str, ...]) -> Recipe:
        if not isinstance(root.value, dict):
            self.mistakes.add(
                "the recipe is empty" if root.value is None else f"the recipe is {root.kind}",
                root.place,
                "begin it with name: and stages:",
            )
            self.mistakes.raise_if_any()
        assert isinstance(root.value, dict)
        entries = root.value
        imports = self._imports(entries.pop("imports", None))
        known = self._catalog(imports)
        apply_overrides(root, sets, _names_of_stages(known, sets), self.mistakes)
        self._check_keys(entries, root)
        entries = self._replace_variables(entries)
        self.trust.check(Node(entries, root.place))
        builder = Builder(known, self.mistakes)
        stages = self._stages(entries.get("stages"), builder)
        executor = self._executor(entries.get("executor"), builder)
        values = {key: self._plain(key, entries.get(key)) for key in _PLAIN}
        self.mistakes.raise_if_any()
        pipeline = self._pipeline([stage for stage, _ in stages], values)
        places = tuple((name, place) for stage, place in stages for name in _names_inside(stage))
        return Recipe(pipeline, executor, values["run_dir"], places, tuple(self.trust.used))

    def _imports(self, node: Node | None) -> tuple[str, ...]:
        if node is None:
            return ()
        given = node.plain if isinstance(node.value, list) else [node.plain]
        if not all(isinstance(each, str) for each in given):
            self.mistakes.add("imports names no modules", node.place, "list modules or .py files")
            return ()
        places = [n.place for n in node.value] if isinstance(node.value, list) else [node.place]
        if not self.trust.demand(f"imports {', '.join(given)}", node.place):
            self.mistakes.raise_if_any()
        found = []
        for each, place in zip(given, places, strict=True):
            try:
                import_sources(each, self.folder)
                found.append(each)
                # A script's path begins with its folder, a command's lacks the current one.
                if not each.endswith(".py") and os.getcwd() not in sys.path:
                    sys.path.append(os.getcwd())
            except PlanError as error:
                self.mistakes.take(error, place, "")
        return tuple(found)

    def _catalog(self, imports: tuple[str, ...]) -> Catalog:
        try:
            return catalog(imports, self.folder)
        except PlanError as error:
            self.mistakes.take(error, f"{self.file}, imports", "")
            self.mistakes.raise_if_any()
            raise

    def _check_keys(self, entries: dict[str, Node], root: Node) -> None:
        for key in entries:
            if key in KEYS:
                continue
            near = get_close_matches(key, KEYS, n=1)
            todo = f"the keys are {', '.join(KEYS)}; values for ${{{key}}} go below params:"
            self.mistakes.add(
                f"a recipe has no key {key!r}",
                root.keys.get(key, f"--set {key}"),
                f"did you mean {near[0]}? {todo}" if near else todo,
            )

    def _replace_variables(self, entries: dict[str, Node]) -> dict[str, Node]:
        variables = Variables(self.env, self.mistakes)
        if "params" in entries:
            variables.define(entries["params"])
        return {
            key: variables.replaced(node)
            for key, node in entries.items()
            if key in KEYS and key != "params"
        }

    def _stages(self, node: Node | None, builder: Builder) -> list[tuple[Any, str]]:
        if node is None or node.value in (None, []):
            place = node.place if node is not None else self.file
            self.mistakes.add("the recipe has no stages", place, "list them below stages:")
            return []
        if not isinstance(node.value, list):
            self.mistakes.add(
                f"stages is {node.kind}, not a list", node.place, "begin each stage with '- '"
            )
            return []
        made = [(self._stage(each, builder), each.place) for each in node.value]
        return [(stage, place) for stage, place in made if stage is not BROKEN]

    def _stage(self, node: Node, builder: Builder) -> Any:
        """One entry of ``stages``: a stage, or what stands for one, placed as ``with`` says."""
        placement = None
        if isinstance(node.value, dict) and "with" in node.value:
            rest = {key: value for key, value in node.value.items() if key != "with"}
            placement = node.value["with"]
            node = Node(rest, node.place, node.keys)
        made = builder.make(node, STAGE_KINDS)
        if made is BROKEN:
            return BROKEN
        stage = made.as_stage() if hasattr(made, "as_stage") else made
        if placement is None:
            return stage
        return apply_placement(stage, placement, self.mistakes)

    def _executor(self, node: Node | None, builder: Builder) -> BaseExecutor | None:
        if node is None or node.value is None:
            return None
        made = builder.make(node, ("executor",))
        return None if made is BROKEN else made

    def _plain(self, key: str, node: Node | None) -> Any:
        if node is None or node.broken or node.value is None:
            return None
        fits, wanted = _PLAIN[key]
        for value in (node.plain, node.text):
            if value is not None and fits(value):
                return value
        self.mistakes.add(f"{key} is {node.kind}", node.place, f"give {wanted}")
        return None

    def _pipeline(self, stages: list[Any], values: dict[str, Any]) -> Pipeline:
        options = {
            key: values[key]
            for key in ("description", "on_error", "max_error_rate", "tokenizer")
            if values[key] is not None
        }
        name = values["name"] or Path(self.file).stem
        try:
            return Pipeline(name, stages=stages, **options)
        except PlanError as error:
            self.mistakes.take(error, self.file, "")
            self.mistakes.raise_if_any()
            raise


def _names_inside(stage: Any) -> list[str]:
    """The stage's name, or those of the stages a composite stands for."""
    inner = stage.expand() if isinstance(stage, CompositeStage) else [stage]
    return [each.name for each in inner]


def _names_of_stages(known: Catalog, sets: tuple[str, ...]) -> dict[str, str]:
    """Class names by the names that stages have of themselves, for overrides that use those."""
    wanted = {each.partition(".")[0] for each in sets}
    wanted -= {"params", "executor", *(entry.name for entry in known)}
    if not any(name and not name.isdigit() for name in wanted):
        return {}
    names: dict[str, str] = {}
    for entry in known.of_kind(*STAGE_KINDS):
        try:
            name = getattr(entry.load(), "name", None)
        except Exception:
            continue
        if isinstance(name, str) and name in wanted:
            names[name] = entry.name
    return names
