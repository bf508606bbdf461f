# SPDX-License-Identifier: Apache-2.0
"""The catalog: found by reading, never by importing; unique; told apart by kind."""

import subprocess
import sys
import textwrap
from inspect import isabstract
from pathlib import Path

import pytest

from thresher.backends.executor import BaseExecutor
from thresher.catalog import KINDS, PART, Catalog, catalog, index
from thresher.errors import PlanError
from thresher.stages.base import ProcessingStage
from thresher.stages.filtering import Judge
from thresher.stages.text.download import (
    DocumentDownloader,
    DocumentExtractor,
    DocumentIterator,
    URLGenerator,
)
from thresher.stages.text.modifiers.document_modifier import DocumentModifier

BASES = {
    "stage": ProcessingStage,
    "filter": Judge,
    "modifier": DocumentModifier,
    "executor": BaseExecutor,
    PART: (URLGenerator, DocumentDownloader, DocumentIterator, DocumentExtractor),
}


def forget() -> None:
    index.installed.cache_clear()
    index._installed_sources.cache_clear()


def test_each_kind_has_what_it_is_known_for() -> None:
    known = catalog()
    expected = {
        "stage": {"JsonlReader", "JsonlWriter", "ScoreFilter", "Modify", "Checkpoint", "AddId"},
        "filter": {"WordCountFilter", "RepeatedLinesFilter"},
        "modifier": {"UnicodeReformatter", "NewlineNormalizer"},
        "executor": {"LocalExecutor"},
    }
    for kind in KINDS:
        assert expected[kind] <= {entry.name for entry in known.of_kind(kind)}


@pytest.mark.parametrize("entry", list(catalog()), ids=lambda entry: entry.name)
def test_every_entry_is_what_the_catalog_says(entry) -> None:
    made = entry.load()
    assert made.__name__ == entry.name
    assert issubclass(made, BASES[entry.kind])
    assert not isabstract(made)
    assert entry.summary, "its docstring has no first line"


def test_abstract_and_private_classes_are_left_out() -> None:
    known = catalog()
    for name in ("ProcessingStage", "CompositeStage", "DocumentFilter", "BaseWriter"):
        assert name not in known
    assert not any(entry.name.startswith("_") for entry in known)


def test_a_wrong_name_is_told_with_the_nearest_one() -> None:
    with pytest.raises(PlanError) as caught:
        catalog().find("wordcountfiltr")
    assert "wordcountfiltr" in caught.value.what
    assert "WordCountFilter" in caught.value.todo


def test_only_the_wanted_kinds_are_proposed() -> None:
    with pytest.raises(PlanError) as caught:
        catalog().find("LocalExecuter", ("executor",))
    assert "LocalExecutor" in caught.value.todo
    with pytest.raises(PlanError) as caught:
        catalog().find("LocalExecuter", ("filter",))
    assert "LocalExecutor" not in caught.value.todo


def test_nothing_is_imported_by_looking() -> None:
    code = """
        import sys
        from thresher.catalog import catalog
        assert "WordCountFilter" in catalog()
        heavy = {"pyarrow", "numpy", "numba", "rich", "yaml"} & set(sys.modules)
        assert not heavy, heavy
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


def a_file(folder: Path, text: str, name: str = "own_stages.py") -> Catalog:
    path = folder / name
    path.write_text(textwrap.dedent(text))
    return catalog((str(path),))


def test_a_file_of_ones_own_adds_stages_filters_and_functions(tmp_path: Path) -> None:
    known = a_file(
        tmp_path,
        '''
        from thresher.stages import base
        from thresher.stages.function_decorators import processing_stage
        from thresher.stages.text.filters import DocumentFilter

        class Tag(base.ProcessingStage[object, object]):
            """Tags."""
            def process(self, task):
                return task

        class _Hidden(Tag):
            pass

        class Tagger(_Hidden):
            """Tags as well."""

        class Shout(DocumentFilter):
            """Keeps what shouts."""
            def score_document(self, text):
                return text.isupper()

        @processing_stage(name="passes_on")
        def pass_on(task):
            """Passes on."""
            return task
        ''',
    )
    kinds = {name: known.find(name).kind for name in ("Tag", "Tagger", "Shout", "pass_on")}
    assert kinds == {"Tag": "stage", "Tagger": "stage", "Shout": "filter", "pass_on": "stage"}
    assert "_Hidden" not in known
    assert known.find("Tagger").load()().name == "Tagger"
    assert known.find("pass_on").load().name == "passes_on"
    assert known.find("pass_on").summary == "Passes on."


def test_a_class_that_lacks_its_work_is_told_so(tmp_path: Path) -> None:
    known = a_file(
        tmp_path,
        '''
        from thresher import ProcessingStage

        class Idle(ProcessingStage):
            """Does nothing."""
        ''',
        "idle_stages.py",
    )
    with pytest.raises(PlanError) as caught:
        known.find("Idle")
    assert "process" in caught.value.what
    assert "idle_stages.py, line 4" in caught.value.where


def test_two_classes_of_one_name_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(PlanError) as caught:
        a_file(
            tmp_path,
            '''
            from thresher.stages.text.filters import DocumentFilter

            class WordCountFilter(DocumentFilter):
                """Another."""
                def score_document(self, text):
                    return 1
            ''',
            "double_stages.py",
        )
    assert "WordCountFilter" in caught.value.what
    assert "double_stages.py" in caught.value.where
    assert "length.py" in caught.value.where


def test_imports_that_are_not_there_or_do_not_parse(tmp_path: Path) -> None:
    for name in ("no_such_file.py", "no.such.module"):
        with pytest.raises(PlanError) as caught:
            catalog((name,))
        assert name in caught.value.what
    with pytest.raises(PlanError) as caught:
        a_file(tmp_path, "class Broken(:\n    pass\n", "broken_stages.py")
    assert "broken_stages.py, line 1" in caught.value.where


def test_a_package_is_searched_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "my_plug_in" / "inner"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").write_text("")
    (package / "__init__.py").write_text("")
    (package / "deep.py").write_text(
        "from thresher.stages.text.modifiers import DocumentModifier\n\n\n"
        'class Lower(DocumentModifier):\n    """Lowers."""\n\n'
        "    def modify_document(self, text):\n        return text.lower()\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    entry = catalog(("my_plug_in",)).find("Lower")
    assert (entry.kind, entry.module) == ("modifier", "my_plug_in.inner.deep")
    assert entry.load()().modify_document("ABC") == "abc"


def test_plug_ins_are_found_by_their_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plugged.py").write_text(
        "from thresher import ProcessingStage\n\n\n"
        'class Plugged(ProcessingStage):\n    """Plugs."""\n\n'
        "    def process(self, task):\n        return task\n"
    )
    info = tmp_path / "plugged-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plugged\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[thresher.stages]\nplugged = plugged\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    forget()
    try:
        assert catalog().find("Plugged").module == "plugged"
    finally:
        forget()


def test_a_file_that_changes_is_read_and_imported_anew(tmp_path: Path) -> None:
    text = """
        from thresher import ProcessingStage

        class Fickle(ProcessingStage):
            '''Changes.'''
            value = 1
            def process(self, task):
                return task
    """
    assert a_file(tmp_path, text, "fickle_stages.py").find("Fickle").load().value == 1
    changed = text.replace("Fickle", "Changed").replace("value = 1", "value = 2")
    known = a_file(tmp_path, changed, "fickle_stages.py")
    assert known.find("Changed").load().value == 2
    assert "Fickle" not in known


def test_a_file_must_not_take_the_name_of_another_module(tmp_path: Path) -> None:
    text = """
        from thresher import ProcessingStage

        class Odd(ProcessingStage):
            '''Odd.'''
            def process(self, task):
                return task
    """
    for name in ("colorsys.py", "json.py"):
        with pytest.raises(PlanError) as caught:
            a_file(tmp_path, text, name).find("Odd").load()
        assert name in caught.value.where
