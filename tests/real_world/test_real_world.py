# SPDX-License-Identifier: Apache-2.0
"""Inputs that people really have: the cases in ``kinds``, at the level of what users see."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.dataset
import pytest
import yaml

from tests.real_world.case import (
    Case,
    Section,
    all_cases,
    content,
    make_file,
    rows_of,
    schema_of,
)
from thresher.cli.main import main

CASES = all_cases()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_case(
    case: Case,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Trial(tmp_path, capsys).go(case)


class Trial:
    """One case in a folder of its own."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.capsys = capsys
        self.recipe: dict[str, Any] = {}
        self.said = ""
        self.has_run = False

    def go(self, case: Case) -> None:
        for section in case.sections:
            word, _, rest = section.name.partition(" ")
            if word in ("run", "retry"):
                self.run(word, rest)
            elif word == "do":
                exec(compile(section.text, "<case>", "exec"), {"__name__": "case"})
            elif self.has_run:
                self.expect(section)
            else:
                self.make(section)

    # -- what is made -------------------------------------------------------------------------

    def make(self, section: Section) -> None:
        if section.name in ("reader", "writer", "stages", "executor", "pipeline"):
            self.recipe[section.name] = yaml.safe_load(section.text)
        elif section.name == "recipe":
            (self.folder / "recipe.yml").write_text(section.text)
        elif section.name == "python":
            (self.folder / "mine.py").write_text(section.text)
        elif section.name == "script":
            (self.folder / "script.py").write_text(section.text)
        else:
            make_file(self.folder / section.name, section)

    def write_recipe(self) -> None:
        path = self.folder / "recipe.yml"
        if path.exists() and not self.recipe:
            return
        made = self.recipe
        recipe = {
            **({"imports": ["mine.py"]} if (self.folder / "mine.py").exists() else {}),
            **made.get("pipeline", {}),
            "stages": [
                made.get("reader", {"JsonlReader": {"file_paths": "in"}}),
                *made.get("stages", []),
                made.get("writer", {"JsonlWriter": {"path": "out"}}),
            ],
            "executor": made.get("executor", {"LocalExecutor": {"workers": 0}}),
        }
        path.write_text(yaml.safe_dump(recipe, allow_unicode=True, sort_keys=False))

    # -- what is run --------------------------------------------------------------------------

    def run(self, command: str, rest: str) -> None:
        self.has_run = True
        arguments, _, code = rest.partition("=>")
        given = arguments.split()
        if (self.folder / "script.py").exists():
            self.ended(["script.py", *given], code)
            return
        self.write_recipe()
        if command == "retry":
            asked = ["retry", *(given or ["out"]), "--no-progress"]
        else:
            recipe = [] if given and given[0].endswith(".yml") else ["recipe.yml"]
            asked = ["run", *recipe, "--no-progress", *given]
        if (self.folder / "mine.py").exists():
            asked.append("--trust")
        self.capsys.readouterr()
        if self.recipe.get("executor") or (self.folder / "mine.py").exists():
            self.ended(["-m", "thresher", *asked], code)
        else:
            ended = main(asked)
            self.said = "".join(self.capsys.readouterr())
            self.check(ended, code)

    def ended(self, arguments: list[str], code: str) -> None:
        ran = subprocess.run(
            [sys.executable, *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        self.said = ran.stdout + ran.stderr
        self.check(ran.returncode, code)

    def check(self, ended: int, code: str) -> None:
        assert "Traceback" not in self.said or code, self.said
        assert ended == int(code or 0), self.said

    # -- what is expected ---------------------------------------------------------------------

    def expect(self, section: Section) -> None:
        lines = list(section.lines)
        if section.name == "says":
            for line in lines:
                assert re.search(line, self.said), f"not said: {line}\n{self.said}"
        elif section.name == "silent":
            for line in lines:
                assert not re.search(line, self.said), f"said: {line}\n{self.said}"
        elif section.name == "quarantine":
            self.expect_quarantine(lines)
        elif section.name == "out":
            assert self.files("out") == sorted(lines), self.said
        elif section.name == "out as one":
            names = [path for path in self.files("out") if path.endswith(".parquet")]
            data = pyarrow.dataset.dataset([f"out/{name}" for name in names])
            self.compare(schema_of(data.to_table()), rows_of(data.to_table()), section)
        elif section.name.startswith("no "):
            assert not (self.folder / section.name[3:]).exists()
        else:
            path = self.folder / section.name
            assert path.exists(), f"{self.files('out')}\n{self.said}"
            schema = ""
            if path.suffix == ".parquet":
                schema = schema_of(pyarrow.parquet.read_table(path))
            self.compare(schema, content(path), section)

    def compare(self, schema: str, rows: list[str], section: Section) -> None:
        if section.done and not section.done[0].startswith("each "):
            assert schema == section.done[0]
        want = list(section.lines)
        if section.done and section.done[-1].startswith("each "):
            made = compile(section.text.strip(), "<case>", "eval")
            want = [json.dumps(eval(made, {"i": i})) for i in range(int(section.done[-1][5:]))]
            rows = [json.dumps(json.loads(row)) for row in rows]
        assert rows == want, self.said

    def files(self, folder: str) -> list[str]:
        root = self.folder / folder
        found = (path for path in root.rglob("*") if path.is_file())
        names = [path.relative_to(root).as_posix() for path in found]
        return sorted(name for name in names if not name.startswith("_thresher/"))

    def expect_quarantine(self, lines: list[str]) -> None:
        found = []
        for path in sorted((self.folder / "out/_thresher").glob("*/quarantine/**/*.ndjson")):
            for line in path.read_text().splitlines():
                entry = json.loads(line)
                name = Path(entry.get("file", "")).name
                rows = entry.get("rows", 1)
                extent = f" ({'about ' if entry.get('estimated') else ''}{rows} rows)"
                place = entry.get("line", "-")
                what = f"{entry['stage']}: {entry['error']}" + (extent if rows != 1 else "")
                found.append(f"{name} {place} {what}")
        open_end = "..." in lines
        for line in lines:
            if line == "...":
                continue
            file, number, pattern = line.split(" ", 2)
            hits = [
                each for each in found
                if each.startswith(f"{file} {number} ") and re.search(pattern, each)
            ]  # fmt: skip
            assert hits, f"not in quarantine: {line}\n" + "\n".join(found)
            found.remove(hits[0])
        assert open_end or not found, "also in quarantine:\n" + "\n".join(found)
