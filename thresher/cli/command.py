# SPDX-License-Identifier: Apache-2.0
"""The command that made a run, kept in its folder so that ``thresher retry`` can repeat it."""

from __future__ import annotations

import json
import os
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from thresher.errors import PlanError, ThresherError
from thresher.runs.read_back import read_back
from thresher.secrets import is_secret
from thresher.storage import absolute, store_for

if TYPE_CHECKING:
    from thresher.cli.run import RunOptions

FILE = "command.json"

_KEPT = ("recipe", "sets", "limit", "workers", "memory", "run_dir")


def remember(run_dir: str, options: RunOptions) -> None:
    """Keep what was asked for; without secrets."""
    kept: dict[str, Any] = {name: getattr(options, name) for name in _KEPT}
    kept["sets"] = [text for text in options.sets if not _is_secret(text)]
    kept["left_out"] = [text.partition("=")[0] for text in options.sets if _is_secret(text)]
    kept["folder"] = os.getcwd()
    store_for(run_dir).write(f"{run_dir}/{FILE}", json.dumps(kept, indent=1).encode())


def recall(run: str, sets: tuple[str, ...], **how: Any) -> RunOptions:
    """The options of a run, with others in place of those that say how it is shown.

    Parameters
    ----------
    run : str
        Its folder, or the output that it has written.
    sets : tuple[str, ...]
        Further parameters.

    Raises
    ------
    PlanError
        If there is no run, or none that was started by a command.
    """
    from thresher.cli.run import RunOptions

    folder = _folder_of(absolute(run).rstrip("/"))
    store, path = store_for(folder), f"{folder}/{FILE}"
    if store.size(path) is None:
        raise PlanError(
            "this run was not started by `thresher run`, so its recipe is not known",
            where=path,
            todo='in Python: pipeline.run(retry_failed="all"), with the same pipeline',
        )
    kept = read_back(store, path, todo="start the run again by `thresher run`: it makes it anew")
    known = {name: kept[name] for name in _KEPT if name in kept}
    known["sets"] = (*kept.get("sets", ()), *sets)
    given = {text.partition("=")[0] for text in sets}
    if missing := [name for name in kept.get("left_out", ()) if name not in given]:
        raise PlanError(
            "the run was given secrets, which are not kept: " + ", ".join(missing),
            where=path,
            todo=" ".join(f"--set {name}=..." for name in missing),
        )
    _enter(str(kept.get("folder", "")))
    rest = {each.name: False for each in fields(RunOptions) if each.type == "bool"}
    options = RunOptions(**{**rest, "fresh_from": None, **known, **how, "retry_failed": "all"})
    return replace(options, run_dir=folder)


def _folder_of(path: str) -> str:
    """The folder of a run, given it or the output."""
    store = store_for(path)
    if store.size(f"{path}/run.json") is not None:
        return path
    inner = f"{path}/_thresher"
    try:
        names = store.list(inner)
    except ThresherError:
        names = []
    found = [name for name in names if store.size(f"{inner}/{name}/run.json") is not None]
    if len(found) == 1:
        return f"{inner}/{found[0]}"
    if not found:
        raise PlanError(
            "there is no run here",
            where=path,
            todo="give a run's folder or its output: <output>/_thresher/<pipeline name> holds "
            "run.json",
        )
    raise PlanError(
        f"{len(found)} pipelines have written here",
        where=path,
        todo="give the folder of one: " + ", ".join(f"{inner}/{name}" for name in sorted(found)),
    )


def _enter(folder: str) -> None:
    """Go to where the command was given: paths in recipes are relative to it."""
    if not os.path.isdir(folder):
        raise PlanError(
            "the folder in which the run was started is gone",
            where=folder,
            todo="make it again, or run the recipe from another one",
        )
    os.chdir(folder)


def _is_secret(text: str) -> bool:
    """Whether a parameter is a secret, or options of a file system that may have some."""
    name, _, value = text.partition("=")
    return "storage_options" in name or is_secret(name.rpartition(".")[2], value)
