# SPDX-License-Identifier: Apache-2.0
"""What a recipe from a stranger may not do: run code, or keep the machine busy."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import thresher
from thresher.catalog import catalog
from thresher.config import load_recipe, parse_recipe
from thresher.config.targets import find_target
from thresher.errors import PlanError

AROUND = "stages:\n- JsonlReader: {{file_paths: {0}}}\n- JsonlWriter: {{path: out{1}}}\n"
PLAIN = AROUND.format("in", "")


def refused(text: str) -> str:
    with pytest.raises(PlanError) as caught:
        parse_recipe(text, "r.yaml", (), {})
    return str(caught.value)


CODE = {
    "imports of modules": "imports: [os, subprocess]\n" + PLAIN,
    "an import of a file": "imports: [/tmp/evil.py]\n" + PLAIN,
    "an interpreter": PLAIN + "  with: {runtime_env: {py_executable: ./evil.sh}}\n",
    "packages": PLAIN + "  with: {runtime_env: {pip: [evil]}}\n",
    "an executor's environment": PLAIN
    + "executor: {RayDataExecutor: {config: {runtime_env: {pip: [evil]}}}}\n",
    "code of a model": PLAIN.replace(
        "- JsonlWriter",
        "- TokenCounter: {tokenizer: x, transformers_init_kwargs: {trust_remote_code: true}}\n"
        "- JsonlWriter",
    ),
    "by way of a variable": "params: {x: {runtime_env: {pip: [evil]}}}\n"
    + PLAIN
    + '  with: "${x}"\n',
    "by way of an alias": "params: {x: &x {py_executable: ./evil.sh}}\n"
    + PLAIN
    + "  with: {runtime_env: *x}\n",
    "templates": AROUND.format('"reference::x.json"', ""),
    "a chain of file systems": AROUND.format('"simplecache::dask://x/y.jsonl"', ""),
    "a file system by its URL": AROUND.format('"jupyter://x/y.jsonl"', ""),
}


@pytest.mark.parametrize("text", CODE.values(), ids=CODE)
def test_code_needs_trust(text: str) -> None:
    told = refused(text)
    assert "runs code that is not Thresher's" in told
    assert "--trust" in told


def test_what_is_trusted_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(PLAIN + "  with: {runtime_env: {env_vars: {A: b}}}\n")
    with pytest.raises(PlanError):
        load_recipe(path)
    assert load_recipe(path, trust=True).trusted == ("sets runtime_env",)
    monkeypatch.setenv("THRESHER_TRUST", f"/nowhere:{tmp_path}")
    assert load_recipe(path).trusted == ("sets runtime_env",)
    monkeypatch.setenv("THRESHER_TRUST", str(tmp_path / "r"))
    with pytest.raises(PlanError):
        load_recipe(path)


def test_text_that_only_looks_like_a_file_system_is_text() -> None:
    stage = "- SubstringFilter: {substring: 'std::vector', position: any}\n- JsonlWriter"
    recipe = parse_recipe(PLAIN.replace("- JsonlWriter", stage), "r.yaml", (), {})
    assert recipe.trusted == ()


def importable() -> list[str]:
    """Every name in every module of Thresher's."""
    found = []
    for module in pkgutil.walk_packages(thresher.__path__, "thresher."):
        if module.name.endswith("__main__"):
            continue
        try:
            made = importlib.import_module(module.name)
        except ImportError:  # an extra that is not installed
            continue
        found += [f"{module.name}.{name}" for name in vars(made)]
    return found


def test_a_target_is_an_entry_of_the_catalog_and_nothing_else() -> None:
    known = catalog()
    classes = {entry.name for entry in known}
    names = importable()
    assert len(names) > 5000
    taken = []
    for path in names:
        try:
            taken.append((path, find_target(path, known)))
        except PlanError:
            continue
    assert taken
    for path, entry in taken:
        module, _, name = path.rpartition(".")
        made = getattr(importlib.import_module(module), name)
        assert name in classes, path
        assert made is entry.load(), path
        assert inspect.isclass(made), path


@pytest.mark.parametrize(
    "path",
    [
        "subprocess.Popen", "os.system", "builtins.eval", "thresher.backends.guard.Guard",
        "thresher.stages.text.io.writer.jsonl.storage", "thresher.backends.guard.os.system",
        "thresher.stages.text.io.megatron.MegatronStream", "thresher.pipeline.Pipeline",
        "thresher.__main__.main", ".WordCountFilter", "thresher.stages..WordCountFilter",
    ],
)  # fmt: skip
def test_other_targets_are_refused(path: str) -> None:
    assert "what to do" in refused(f"stages:\n- _target_: {path}\n  args: [x]\n")


def test_a_target_is_of_the_kind_that_its_place_takes() -> None:
    text = "stages:\n- _target_: thresher.backends.local.LocalExecutor\n  workers: 2\n"
    assert "LocalExecutor is an executor" in refused(text)
    assert "HttpDownloader is a part" in refused("stages:\n- HttpDownloader: {download_dir: x}\n")


def _params(line: str, n: int) -> str:
    return "params:\n  a0: [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"  a{i}: {line.format(i=i, before=i - 1)}\n" for i in range(1, n)
    )


BUSY = {
    "an alias bomb": _params("&a{i} [" + "*a{before}, " * 9 + "]", 8).replace("a0:", "a0: &a0")
    + PLAIN,
    "variables of variables": _params("[" + '"${{a{before}}}", ' * 9 + "]", 9)
    + AROUND.format('"${a8}"', ""),
    "texts of texts": _params('"' + "${{a{before}}}" * 9 + '"', 9).replace(
        "[x, x, x, x, x, x, x, x, x]", "xxxxxxxxx"
    )
    + AROUND.format('"${a8}"', ""),
    "a depth of 3,000": "params: {a: " + "[" * 3000 + "]" * 3000 + "}\n" + PLAIN,
    "a number of 200,000 digits": "params: {a: " + "9" * 200_000 + "}\n" + PLAIN,
    "two million characters": "# " + "x" * 2_000_000 + "\n" + PLAIN,
}


@pytest.mark.parametrize("text", BUSY.values(), ids=BUSY)
def test_a_few_lines_do_not_keep_the_machine_busy(text: str) -> None:
    told = refused(text)  # not after the hour that 9**8 values take
    assert "r.yaml" in told
    assert re.search(r"[Mm]ore than|longer than|deeper than|no meaning", told)


@pytest.mark.parametrize(
    "ending", ["../../x.jsonl", "a/b", "", ".", "..", "x\\y", "x\0y", "a b", "-"]
)
def test_the_ending_of_a_file_leads_nowhere(ending: str) -> None:
    quoted = ending.replace("\\", "\\\\").replace("\0", "\\0")
    assert "file_extension" in refused(AROUND.format("in", f', file_extension: "{quoted}"'))


@pytest.mark.parametrize("name", ["../../x", "a/../../b", "..", "/etc"])
def test_the_name_of_a_source_leads_nowhere(name: str) -> None:
    assert "names become folders" in refused(AROUND.format(f'{{"{name}": in}}', ""))
