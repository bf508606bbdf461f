# SPDX-License-Identifier: Apache-2.0
"""Filters of source code: what they count, what they keep, what they refuse."""

import pytest

from thresher.errors import ModelError, PlanError, StorageError
from thresher.stages.text.filters import (
    AlphaFilter,
    GeneralCommentToCodeFilter,
    HTMLBoilerplateFilter,
    NumberOfLinesOfCodeFilter,
    PerExtensionFilter,
    PythonCommentToCodeFilter,
    TokenizerFertilityFilter,
    XMLHeaderFilter,
)


def comment_characters(language: str, source: str) -> float:
    """Characters of comments: the score times the length."""
    return round(GeneralCommentToCodeFilter(language).score_document(source) * len(source), 6)


@pytest.mark.parametrize(
    ("source", "characters"),
    [
        ("# a\n# bb\n", 7),
        ('def f():\n    """ doc\n    two """\n    return 1 # x\n', 11),
        ('"""m"""\nclass A:\n  "c"\n  def f(self):\n    "f"\n', 5),
        ('async def f():\n  "abc"\n', 3),
        ("x='''# no'''\n#yes\r\n", 4),
        ("x = '#'  # a '#'\n", 7),
        ('x = "\\"#"  # a\n', 3),
        ("#a\ry = 1  #b", 4),
        ('if 1:\n   "no"\n', 0),
        ('f"doc"', 0),
        ("x = = 1\n# c\n", 0),
        ("print 'a'  # Python 2\n", 0),
        ("#\x00", 0),
        ("", 0),
    ],
)
def test_python_comments_and_docstrings(source: str, characters: int) -> None:
    score = PythonCommentToCodeFilter().score_document(source)

    assert round(score * len(source), 6) == characters


@pytest.mark.parametrize("unit", ["(", "-", "a.", "not ", "lambda:", "[x for x in ", "\\\n"])
def test_sources_that_nest_too_deep_are_no_python(unit: str) -> None:
    assert PythonCommentToCodeFilter().score_document(unit * 20_000 + "1") == 0.0


@pytest.mark.parametrize(
    ("language", "source", "characters"),
    [
        ("text/x-c", "// abc\n", 4),
        ("text/x-c", "/* a\n * b\n */\n// c", 12),
        ("text/x-c", '"// no" // yes\n', 4),
        ("text/x-c", "'\"' // q\n", 2),
        ("text/x-c++", "n = 1'000; // it's", 5),
        ("text/x-c++src", "// a\r\n// b\r\n", 7),
        ("text/x-java-source", "/** doc */", 6),
        ("text/x-java", '"""\n// text\n"""', 0),
        ("text/x-go", "`\n// no\n` // a", 2),
        ("rust", "fn f<'a>(x: &'a u8) {} // a", 2),
        ("application/javascript", "x = /\\/\\// + `// no` // a", 2),
        ("text/x-python", "'''\n# no\n''' # a", 2),
        ("text/x-shellscript", "echo $# a#b '# no' # a", 2),
        ("text/html", "<!-- a -- b --> <!--c-->", 10),
        ("text/x-sql", "-- a\nx = '--'", 2),
        ("lua", "--[[ a\n ]] -- b\nx = [[-- no]]", 7),
        ("yaml", "a: don't # b\nc: '# no'", 2),
        ("C#", "// a", 2),
        ("Visual Basic", "' a", 2),
        ("text/x-c", "", 0),
    ],
)
def test_comments_of_other_languages(language: str, source: str, characters: int) -> None:
    assert comment_characters(language, source) == characters


@pytest.mark.parametrize(("language", "source"), [("c", "/* a"), ("html", "<!-- a"), ("f#", "(*")])
def test_a_comment_that_never_ends_is_dropped(language: str, source: str) -> None:
    rule = GeneralCommentToCodeFilter(language)

    assert rule.score_document(source) == 9999.0
    assert not rule.keep_document(9999.0)


def test_a_language_without_known_comments_is_refused() -> None:
    with pytest.raises(PlanError, match="text/x-brainfuck") as caught:
        GeneralCommentToCodeFilter("text/x-brainfuck")

    assert "rust" in caught.value.todo


def test_counts_of_lines_and_letters() -> None:
    assert [NumberOfLinesOfCodeFilter().score_document(s) for s in ("", "\n", "a\r\nb")] == [
        1,
        2,
        2,
    ]
    assert [AlphaFilter().score_document(s) for s in ("", "é-", "字1", "²")] == [0.0, 0.5, 0.5, 0.0]
    assert not AlphaFilter().keep_document(AlphaFilter().score_document("1, 2, 3, 4, 5"))


def test_an_xml_header_lies_within_the_prefix() -> None:
    header = "<?xml version="

    assert XMLHeaderFilter().score_document("é" * 86 + header) == 1
    assert XMLHeaderFilter().score_document("é" * 87 + header) == 0
    assert XMLHeaderFilter().score_document(header.upper()) == 0
    with pytest.raises(PlanError, match="negative"):
        XMLHeaderFilter(-1)


@pytest.mark.parametrize(
    ("page", "characters"),
    [
        ("<p>abc</p>", 3),
        ("<head><title>ti</title><script>x</script></head> a &amp; b\n", 9),
        ("<!-- c -->x", 1),
        ("<p> a </p>  \n  <p> b </p>", 7),
        ("<i>a</i>\u00a0\u00a0<i>b</i>", 4),
        ("<i>a</i>&#13;\t\t<i>b</i>", 3),
        ("<a title='x>y'>z</a>", 1),
        ("<STYLE type=a>a</style >b", 1),
        ("<template>te</template>", 0),
        ("<scripty>x</scripty>", 1),
        ("a < b", 5),
        ("<script>x", 0),
        ("a<b", 1),
        ("", 0),
    ],
)
def test_what_is_seen_of_a_page(page: str, characters: int) -> None:
    score = HTMLBoilerplateFilter(0, 0).score_document(page)

    assert round(score * len(page), 6) == characters


def test_a_page_with_little_text_scores_nothing() -> None:
    assert HTMLBoilerplateFilter().score_document("a" * 99) == 0.0
    assert HTMLBoilerplateFilter().score_document("a" * 100) == 1.0


TABLE = """language,extension,Include,Long_line_threshold,Alphanum_threshold,Alpha filter
python,py,1,20,0.5,
Python,foo,0,20,0.5,
python,free,1,,,
C#,.cs,1,1000,,0.5
json,json,1,200,,
odd,odd,1,many,,
"""


@pytest.fixture
def table(tmp_path) -> str:
    path = tmp_path / "table.csv"
    path.write_text(TABLE)
    return str(path)


@pytest.mark.parametrize(
    ("language", "extension", "source", "passes"),
    [
        ("PYTHON", ".py", "a" * 20, 1),
        ("python", "py", "a" * 20 + "\r\n", 0),
        ("python", "py", "a--", 0),
        ("python", "py", "é--", 0),
        ("python", "py", "\n?!--", 1),
        ("python", "py", "", 0),
        ("python", "foo", "a", 0),
        ("python", "unknown", "a", 0),
        ("python", "free", "", 1),
        ("python", "free", "-" * 3000, 1),
        ("c-sharp", "cs", "é-", 1),
        ("C#", "cs", "é--", 0),
        ("json", "json", "a" * 100, 1),
        ("json", "json", "a" * 101, 0),
        ("json", "json", "a" * 101 + "\n" + "a" * 99, 1),
        ("json", "json", "a" * 101 + "\n" + "a" * 100, 0),
    ],
)
def test_rules_of_a_table(table: str, language: str, extension: str, source: str, passes: int):
    assert PerExtensionFilter(language, extension, table).score_document(source) == passes


def test_tables_that_do_not_serve(table: str, tmp_path) -> None:
    with pytest.raises(ValueError, match="nope"):
        PerExtensionFilter("nope", "py")
    with pytest.raises(PlanError, match="'many', not a number"):
        PerExtensionFilter("odd", "odd", table)
    with pytest.raises(StorageError, match="no such file"):
        PerExtensionFilter("python", "py", str(tmp_path / "none.csv"))
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(PlanError, match="no column 'language'"):
        PerExtensionFilter("python", "py", str(tmp_path / "other.csv"))


def test_the_shipped_table_knows_the_usual_languages() -> None:
    usual = {"Python": "py", "C++": "cpp", "C#": "cs", "F#": "fs", "Java": "java", "Rust": "rs"}
    for language, extension in {**usual, "Visual Basic": "vb"}.items():
        assert PerExtensionFilter(language, extension).rule.include
    assert not PerExtensionFilter("SVG", "svg").rule.include
    assert PerExtensionFilter("json", "json").rule.letters == 0.5


def test_a_tokenizer_must_be_named_and_there(tmp_path) -> None:
    with pytest.raises(ValueError, match="path_to_tokenizer"):
        TokenizerFertilityFilter()
    rule = TokenizerFertilityFilter(str(tmp_path / "none.model"))
    assert [str(mistake) for mistake in rule.plan_mistakes()]
    with pytest.raises(FileNotFoundError):
        rule.model_check_or_download()
    for name in ("bad.model", "bad.json"):
        (tmp_path / name).write_bytes(b"nonsense")
        with pytest.raises(ModelError, match="cannot be loaded"):
            TokenizerFertilityFilter(str(tmp_path / name)).load_tokenizer()
