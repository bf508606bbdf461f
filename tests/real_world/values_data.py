# SPDX-License-Identifier: Apache-2.0
"""Strategies for the test of values: JSONL files, pipelines, and how they are run."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa
from hypothesis import strategies as st

from tests.real_world.values_json import record_of
from tests.real_world.values_parquet_data import (
    PARQUET_NAMES,
    Shard,
    drawn_shards,
    is_number_type,
    is_text_type,
    pin_for,
)
from tests.real_world.values_stages import ADDED, CHANGES, SCORES, Spec

# -- what is drawn ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Knobs:
    """Sizes that decide nothing.

    Parameters
    ----------
    sample : int
        Records that are sampled of a source.
    sample_bytes : int
        Bytes that a sample reads.
    sources : int
        Sources that are sampled.
    batch : int
        Bytes of a batch of JSONL.
    rows : int
        Rows of a batch of Parquet.
    fusion : bool
        Whether stages share a Step.
    """

    sample: int = 100
    sample_bytes: int = 256 * 1024
    sources: int = 200
    batch: int = 64 * 1024 * 1024
    rows: int = 1 << 17
    fusion: bool = True


@dataclass(frozen=True)
class Cut:
    """How files are cut into parts."""

    files_per_partition: int | None = None
    blocksize: int | None = None


@dataclass(frozen=True)
class Example:
    """One data set, a pipeline over it, and the ways to run it.

    Parameters
    ----------
    source, sink : str
        ``jsonl`` or ``parquet``.
    files : dict[str, bytes]
        JSONL files by name.
    shards : dict[str, Shard]
        Parquet files by name.
    """

    source: str
    sink: str
    files: dict[str, bytes]
    shards: dict[str, Shard]
    stages: tuple[Spec, ...]
    fields: tuple[str, ...] | None = None
    types: dict[str, str] = field(default_factory=dict)
    schema: dict[str, str] = field(default_factory=dict)
    duplicate_keys: str = "quarantine"
    group_rows: int = 1 << 17
    cut: Cut = Cut()
    knobs: Knobs = Knobs()
    others: tuple[tuple[Cut, Knobs], ...] = ()
    workers: bool = False

    @property
    def names(self) -> list[str]:
        """The files, in order."""
        return sorted(self.files or self.shards)


# -- JSONL: values ----------------------------------------------------------------------------

NAMES = (
    "text", "n", "two words", 'quo"te', "ключ", "😀", "a.b", "a", "_extra", "", "back\\slash",
    "__row", "__raw",
)  # fmt: skip
"""None is so close to another that it would be taken for a slip of the pen."""

SPELLINGS = {
    "text": '"te\\u0078t"', "n": '"\\u006e"', "ключ": '"\\u043a\\u043b\\u044e\\u0447"',
    "😀": '"\\ud83d\\ude00"', 'quo"te': '"quo\\u0022te"', "back\\slash": '"back\\u005cslash"',
}  # fmt: skip

MISSING = "not anywhere"

VALUES_OF: dict[str, tuple[str, ...]] = {
    "text": (
        '"a b"', '""', '"null"', '"1"', '"a\\nb \\"c\\" \\u00e9\\/"', '"\\ud83d\\ude00 x"',
        '"\u2028\u2029 ü"', '"{\\"k\\":1}"', '"  "', '"\\u0000\\u001f\\ud7ff"', '"2024-01-02"',
        '"one two three four"', '"true"', '"\\\\"',
    ),
    "int": (
        "1", "0", "-1", "7", "-0", "9007199254740991", "9007199254740992", "2147483648", "300",
    ),
    "long": (
        "9007199254740993", "9223372036854775807", "-9223372036854775808", "1",
        "-9007199254740993",
    ),
    "big": (
        "9223372036854775808", "18446744073709551615", "18446744073709551616",
        "123456789012345678901234567890", "-9223372036854775809", "1",
    ),
    "real": (
        "0.5", "1.0", "1e2", "1E+2", "-0.0", "0.1", "1e-7", "2.5", "5e-324", "-1.5e300",
        "1.7976931348623157e308", "100.0", "3.0e0", "0e-400", "6.02214076e23", "9007199254740992.0",
    ),
    "beyond": ("1e400", "-1e400", "0.5", "1E309", "1e-400", "9007199254740993.0", "0.0"),
    "bool": ("true", "false"),
    "null": ("null",),
    "list": (
        "[]", "[1]", "[1, 2]", "[ ]", "[null]", "[9007199254740993]", "[3,null]",
    ),
    "lists": (
        "[]", "[0.5]", "[1]", '["a"]', "[[1]]", "[[]]", '[{"k":1}]', "[{}]", "[true]", "[1,0.5]",
        "[null]", '[1,"a"]', '["\\u0061"]', "[9007199254740993,0.5]", "[1e400]",
        "[1e-400]",
    ),
    "object": (
        '{"k":"v"}', '{"k":"w","l":1}', '{"l":2}', "{}", '{"k":null}', '{"l":3,"k":"v"}',
        '{ "k" : "v" }', '{"\\u006b":"v"}',
    ),
    "objects": (
        '{"k":1}', '{"k":"v"}', '{"k":{"x":1}}', '{"k":{}}', '{"k":[1]}', '{"k":[{"x":0.5}]}',
        '{"k":[{"x":1,"y":null}]}', '{"k":0.5}', '{"k":9007199254740993}', '{"":1}', '{"k":1e400}',
        '{"k":9007199254740993,"l":1}', '{"k":1,"l":0.5}', '{"k":true}', '{"a":1,"b":2}',
        '{"b":"x","a":1}',
    ),
    "half": ('"half \\ud83d"', '{"k":"\\ude00"}', '"whole"', '{"\\ud83d":1}'),
    "twice": ('{"k":1,"k":2}', '{"k":1}', '[{"k":1,"k":1}]'),
    "deep": ("[" * 40 + "]" * 40, "[" * 20 + "1" + "]" * 20, "[" * 33 + "]" * 33, "[[]]"),
}  # fmt: skip

KINDS = (
    "text", "text", "text", "int", "int", "real", "real", "long", "bool", "null", "list", "object",
    "objects", "lists", "absent", "mixed", "big", "beyond", "half", "twice", "deep",
)  # fmt: skip
ORDINARY = KINDS[:16]

BROKEN = (
    b'{"text":"x"', b"null", b"[1]", b'"x"', b'{"n":NaN}', b'{"n":01}', b'{"text":"\xff"}',
    b'{"text" 1}', b'{"text":"\x01"}', b"{} {}", b'{"n":1,}', b"{'n':1}", b'{"n":+1}',
    b'{"n":' + b"[" * 600 + b"]" * 600 + b"}", b'{"text":"\\x"}', b'{"n":.5}', b'{"n":1.}',
    b"\xef\xbb\xbf{}", b'{"n":Infinity}', b'{"text":"\\u12"}',
)  # fmt: skip
"""Lines that are no JSON objects."""

BLANK = (b"", b"  ", b"\r", b" \t ")

PINS = ("text", "int64", "float64", "bool", "float32", "decimal(5, 2)", "date32", "list<int64>")
"""Types that values of JSON have, and narrower ones."""

_few = st.sampled_from((False, False, False, False, False, True))
_rarely = st.integers(0, 24).map(lambda n: n == 24)
_seldom = st.integers(0, 59).map(lambda n: n == 59)


@st.composite
def jsonl_files(draw: st.DrawFn) -> dict[str, bytes]:
    """One to four files; a column is of one kind in each, but for misfits."""
    names = draw(st.lists(st.sampled_from(NAMES[:-2]), min_size=1, max_size=4, unique=True))
    if draw(_rarely):
        names.append(draw(st.sampled_from(NAMES[-2:])))
    usual = {name: draw(st.sampled_from(KINDS)) for name in names}
    if draw(st.booleans()):
        usual = {name: kind if kind in ORDINARY else "text" for name, kind in usual.items()}
    files = {}
    for letter in "abcd"[: draw(st.integers(1, 4))]:
        kinds = {
            name: draw(st.sampled_from(ORDINARY)) if draw(_few) else usual[name] for name in names
        }
        files[f"{letter}.jsonl"] = draw(_jsonl_file(kinds))
    return files


@st.composite
def _jsonl_file(draw: st.DrawFn, kinds: dict[str, str]) -> bytes:
    n_rows = draw(st.integers(0, 8))
    if not n_rows:
        return b"\n" if draw(_few) else b""
    columns: dict[str, list[str | None]] = {}
    for name, kind in kinds.items():
        columns[name] = draw(_column(kind, n_rows))
    comma, colon, ends = draw(st.sampled_from(_STYLES))
    escapes, turns = draw(_few), draw(st.booleans())
    line_end = b"\r\n" if draw(_rarely) else b"\n"
    lines = []
    for row in range(n_rows):
        members = [
            (SPELLINGS.get(name, "") if escapes and row % 2 else "") or _quoted(name)
            for name in kinds
        ]
        texts = [columns[name][row] for name in kinds]
        pairs = [(key, text) for key, text in zip(members, texts, strict=True) if text is not None]
        if turns and row % 2:
            pairs.reverse()
        if draw(_seldom) and pairs:
            pairs.append((draw(st.sampled_from(pairs))[0], draw(st.sampled_from(("2", '"x"')))))
        if draw(_seldom):
            pairs.append(('"\\ud83d"', "1"))
        inner = comma.join(f"{key}{colon}{text}" for key, text in pairs)
        lines.append(f"{ends[0]}{{{inner}}}{ends[1]}".encode())
    for others in (BROKEN, BLANK):
        if draw(_rarely):
            lines.insert(draw(st.integers(0, n_rows)), draw(st.sampled_from(others)))
    begin = b"\xef\xbb\xbf" if draw(_seldom) else b""
    return begin + line_end.join(lines) + (b"" if draw(_few) else line_end)


_STYLES = ((",", ":", ("", "")), (", ", ": ", ("", "")), (" ,\t", " : ", (" ", "\t ")))


def _quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


@st.composite
def _column(draw: st.DrawFn, kind: str, n_rows: int) -> list[str | None]:
    """The texts of a column's values; None where it is absent."""
    if kind == "absent":
        return [None] * n_rows
    if kind == "mixed":
        pool = [VALUES_OF[draw(st.sampled_from(ORDINARY[:14]))] for _ in range(2)]
        pool.append(VALUES_OF["text"])
        cells = st.sampled_from([text for values in pool for text in values])
    else:
        cells = st.sampled_from(VALUES_OF[kind])
    gaps = st.sampled_from(("", "", "", "", "", "", "", "null", "absent"))
    texts: list[str | None] = []
    for _ in range(n_rows):
        gap = draw(gaps)
        texts.append({"null": "null", "absent": None}[gap] if gap else draw(cells))
    if draw(_few):
        misfit = VALUES_OF[draw(st.sampled_from(ORDINARY[:14]))]
        texts[draw(st.integers(0, n_rows - 1))] = draw(st.sampled_from(misfit))
    return texts


# -- pipelines --------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Columns:
    """What stages may read: all columns, those of text, those of numbers (None: any)."""

    there: list[str]
    text: list[str]
    numbers: list[str] | None


@st.composite
def _stages(draw: st.DrawFn, columns: _Columns) -> tuple[Spec, ...]:
    """At most three stages over these columns."""
    stages: list[Spec] = []
    made: list[str] = []
    for number in range(draw(st.sampled_from((0, 1, 1, 1, 2, 2, 3)))):
        stage = draw(_stage(columns, made, number))
        if stage is not None:
            stages.append(stage)
            made += [stage.output] if stage.output is not None else []
    return _consistent(stages)


@st.composite
def _stage(draw: st.DrawFn, columns: _Columns, made: list[str], number: int) -> Spec | None:
    what = draw(st.sampled_from(_WHATS))
    readable = [*columns.there, *made]
    choices = [*columns.text, *made] if what == "words" else readable
    if what in _READ and not choices:
        return None
    column = draw(st.sampled_from(choices)) if what in _READ else None
    new = st.sampled_from([f"made {number}", f"made {number}", *columns.there])
    output, how = None, ""
    kinds: tuple[str, ...] = ()
    if what == "words":
        output = draw(new) if draw(st.booleans()) else None
    elif what == "filter":
        how = "keep"
    elif what == "modify":
        how = draw(st.sampled_from(CHANGES))
    elif what == "score":
        how, output = draw(st.sampled_from(SCORES)), f"made {number}"
    elif what == "adds":
        output = draw(new)
        # Floats in place of whole numbers beside nulls may be what a frame has made of these.
        kept = [k for k in sorted(ADDED) if not (k.startswith("float") and output in columns.there)]
        kinds = tuple(draw(st.lists(st.sampled_from(kept), min_size=1, max_size=3)))
    elif what == "declares" and column not in made:
        how = draw(st.sampled_from(_sayable(columns, column)))
    if output == MISSING or (output is not None and output == column):
        return None
    return Spec(what, column, how, output, draw(st.integers(0, 3)), kinds)


def _sayable(columns: _Columns, name: str | None) -> list[str]:
    """What a stage may say of a column."""
    words = [""]
    words += ["text"] if name in columns.text else []
    return words + (["number"] if columns.numbers is None or name in columns.numbers else [])


def _consistent(stages: list[Spec]) -> tuple[Spec, ...]:
    """The stages, without those that contradict what others say of a column."""
    kept: list[Spec] = []
    said: dict[str, str] = {}
    for stage in stages:
        kind = stage.kind()
        if kind and said.setdefault(stage.column or "", kind) != kind:
            continue
        if stage.column == MISSING and any(before.is_of_tables for before in kept):
            continue  # which may have added any column
        kept.append(stage)
    if kept and kept[-1].what == "checkpoint":
        kept.pop()
    if kept and kept[0].what == "checkpoint":
        kept.pop(0)
    return tuple(kept)


_READ = ("words", "filter", "modify", "score", "declares")
_WHATS = (
    "words", "words", "filter", "filter", "modify", "modify", "score", "score", "tables", "rows",
    "rebuilds", "pandas", "polars", "declares", "declares", "adds", "checkpoint",
)  # fmt: skip


@st.composite
def _knobs(draw: st.DrawFn) -> Knobs:
    return Knobs(
        draw(st.sampled_from((100, 1, 2, 3, 5))),
        draw(st.sampled_from((256 * 1024, 64, 256))),
        draw(st.sampled_from((200, 2, 3))),
        draw(st.sampled_from((64 * 1024 * 1024, 1, 64, 150, 400))),
        draw(st.sampled_from((1 << 17, 1, 2, 3))),
        draw(st.sampled_from((True, True, True, False))),
    )


@st.composite
def _cut(draw: st.DrawFn) -> Cut:
    if draw(st.booleans()):
        return Cut(files_per_partition=draw(st.integers(1, 4)))
    return Cut(blocksize=draw(st.sampled_from((40, 150, 500, 2000, 1 << 20))))


@st.composite
def examples(draw: st.DrawFn) -> Example:
    """A data set, a pipeline, and ways to run it."""
    source = draw(st.sampled_from(("jsonl", "jsonl", "parquet")))
    sink = draw(st.sampled_from(("jsonl", "parquet")))
    files: dict[str, bytes] = {}
    shards: dict[str, Shard] = {}
    types_of: dict[str, list[pa.DataType]] = {}
    if source == "jsonl":
        files = draw(jsonl_files())
        there = names_in(files)
        text, numbers = there, None
    else:
        shards = draw(drawn_shards())
        types_of = {name: [] for name in PARQUET_NAMES}
        for shard in shards.values():
            for each in shard.table.schema:
                types_of[each.name].append(each.type)
        there = [name for name, kinds in types_of.items() if kinds]
        text = [name for name in there if all(map(is_text_type, types_of[name]))]
        numbers = [name for name in there if all(map(is_number_type, types_of[name]))]
    fields = draw(_fields(there))
    usable = there if fields is None else [name for name in fields if name in there]
    usable = [name for name in usable if name not in ("__row", "__raw")]
    if draw(_seldom):
        usable.append(MISSING)
    stages = draw(_stages(_Columns(usable, [n for n in text if n in usable], numbers)))
    types = draw(_types(there, types_of, stages, source)) if draw(_few) else {}
    schema = draw(_schema(usable, stages)) if (source, sink) == _BY_VALUE and draw(_few) else {}
    cuts = draw(st.lists(_cut(), max_size=1)) if draw(_few) else []
    cut = draw(_cut()) if draw(st.booleans()) else Cut()
    if any(stage.what == "adds" for stage in stages):  # what it adds depends on parts
        cut, cuts = Cut(cut.files_per_partition), []
    others = ((cut, draw(_knobs())), *((each, draw(_knobs())) for each in cuts))
    return Example(
        source, sink, files, shards, stages, fields, types, schema,
        draw(st.sampled_from(("quarantine", "quarantine", "last"))),
        draw(st.sampled_from((1 << 17, 2, 3))), cut, draw(_knobs()), others,
        draw(st.integers(0, 99)) == 99,
    )  # fmt: skip


_BY_VALUE = ("jsonl", "parquet")


@st.composite
def _schema(draw: st.DrawFn, there: list[str], stages: tuple[Spec, ...]) -> dict[str, str]:
    """Types that the writer is asked for, of columns that no stage writes."""
    written = {name for stage in stages for name in stage.makes()}
    names = [name for name in there if name not in written and name != MISSING]
    return {name: draw(st.sampled_from(PINS)) for name in names if draw(st.booleans())}


def names_in(files: dict[str, bytes]) -> list[str]:
    """The names of columns in files, as far as they can name one."""
    found: dict[str, None] = {}
    for data in files.values():
        for line in data.removeprefix(b"\xef\xbb\xbf").split(b"\n"):
            found |= dict.fromkeys(member.name for member in record_of(line) or ())
    return [name for name in found if not 0xD800 <= ord(name[:1] or "a") < 0xE000]


@st.composite
def _fields(draw: st.DrawFn, there: list[str]) -> tuple[str, ...] | None:
    if draw(st.sampled_from((True, True, True, False))):
        return None
    names = [name for name in there if name not in ("__row", "__raw")]
    chosen = draw(st.lists(st.sampled_from([*names, MISSING]), max_size=3, unique=True))
    return tuple(chosen)


@st.composite
def _types(
    draw: st.DrawFn,
    there: list[str],
    types_of: dict[str, list[pa.DataType]],
    stages: tuple[Spec, ...],
    source: str,
) -> dict[str, str]:
    """Types for some columns, none that contradicts what a stage says."""
    said = {stage.column for stage in stages if stage.kind()}
    pins = {}
    for name in there:
        if name in said or name in ("__row", "__raw") or draw(st.booleans()):
            continue
        if source == "jsonl":
            pins[name] = draw(st.sampled_from((*PINS, "json")))
        elif kind := pin_for(types_of[name], draw(st.sampled_from(("text", "float64", "int64")))):
            pins[name] = kind
    return pins
