# SPDX-License-Identifier: Apache-2.0
"""Values as the test of values sees them, read by the standard library and compared exactly.

A number with a fraction or an exponent is the float64 nearest to it. One that is lost so (it
overflows, becomes 0, or is another number beyond 2**53) is only equal to the same digits. Values
that JSON does not have (times, bytes) are :class:`Other`.
"""

from __future__ import annotations

import base64
import datetime
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Any, NoReturn

MAX_DEPTH = 512
"""What the reader of JSONL says that it takes: containers inside one another."""

SPACE = " \t\r\n"


class Real(float):
    """A number of JSON with a fraction or an exponent, and its digits."""

    text: str

    def __new__(cls, text: str) -> Real:
        made = super().__new__(cls, text)
        made.text = text
        return made

    @property
    def is_beyond(self) -> bool:
        """Whether float64 loses it: it holds neither the number nor one that is shown alike."""
        written, value = Decimal(self.text), float(self)
        if value == 0:
            return written != 0
        is_small = abs(value) < 2**53
        return not is_small and written not in (Decimal(value), Decimal(repr(value)))


class Twice(dict[str, Any]):
    """An object in which a key occurs twice."""


@dataclass(frozen=True)
class Other:
    """A value that JSON does not have.

    ``kind`` is ``time`` (a point in time; nanoseconds since 1970, with ``zone`` in UTC), ``date``
    (days since 1970), ``clock`` (nanoseconds of a day), ``span`` (nanoseconds) or ``bytes``.
    """

    kind: str
    value: Any
    zone: bool = False


@dataclass(frozen=True)
class Member:
    """A member of a record: its name, the name and the value as they are written, the value."""

    name: str
    spelling: str
    text: str
    value: Any


Record = tuple[Member, ...]


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    return Twice(made) if len(made) < len(pairs) else made


_decoder = json.JSONDecoder(
    parse_float=Real, parse_constant=_refuse, object_pairs_hook=_object, strict=True
)
_lenient = json.JSONDecoder(parse_float=Real, object_pairs_hook=_object, strict=True)


def value_of(text: str) -> Any:
    """The value of a JSON text."""
    return _decoder.decode(text)


def held_value_of(text: str) -> Any:
    """The same inside a run, where there may be infinities as ``json.loads`` takes them."""
    return _lenient.decode(text)


def record_of(line: bytes) -> Record | None:
    """The members of the object on a line, in order; None if there is no object."""
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return None
    if _depth(text) > MAX_DEPTH:
        return None
    try:
        return tuple(_members(text))
    except (ValueError, IndexError):
        return None


def _members(text: str) -> Iterator[Member]:
    at = _expect(text, 0, "{")
    at = _skip(text, at)
    if text[at] == "}":
        at += 1
    else:
        while True:
            if text[at] != '"':
                raise ValueError("no key")
            name, stop = _decoder.raw_decode(text, at)
            spelling = text[at:stop]
            at = _skip(text, _expect(text, stop, ":"))
            value, stop = _decoder.raw_decode(text, at)
            yield Member(name, spelling, text[at:stop], value)
            at = _skip(text, stop)
            if text[at] == "}":
                at += 1
                break
            at = _skip(text, _expect(text, at, ","))
    if text[at:].strip(SPACE):
        raise ValueError("more than an object")


def _skip(text: str, at: int) -> int:
    while text[at] in SPACE:
        at += 1
    return at


def _expect(text: str, at: int, mark: str) -> int:
    at = _skip(text, at)
    if text[at] != mark:
        raise ValueError(f"no {mark}")
    return at + 1


def _depth(text: str) -> int:
    depth = deepest = 0
    for mark in re.findall(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', text, re.DOTALL):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(mark, 0)
        deepest = max(deepest, depth)
    return deepest


def depth_of(value: Any) -> int:
    """How deep a value is nested; 0 if it is neither a list nor an object."""
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    return 1 + max(map(depth_of, value), default=0) if isinstance(value, list) else 0


# -- what is inside ---------------------------------------------------------------------------


def inside(value: Any) -> Iterator[Any]:
    """The value, everything inside it, and the keys of objects."""
    yield value
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from inside(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from inside(inner)


def has_half_pair(value: Any) -> bool:
    """Whether a string inside has half a surrogate pair."""
    return any(
        isinstance(each, str) and any(0xD800 <= ord(mark) < 0xE000 for mark in each)
        for each in inside(value)
    )


def has_key_twice(value: Any) -> bool:
    """Whether an object inside has a key twice."""
    return any(isinstance(each, Twice) for each in inside(value))


def has_infinity(value: Any) -> bool:
    """Whether there is an infinity inside, which is no number of JSON."""
    infinite = (float("inf"), float("-inf"))
    return any(
        isinstance(each, float) and each in infinite and not isinstance(each, Real)
        for each in inside(value)
    )


# -- Python's values --------------------------------------------------------------------------

EPOCH = datetime.datetime(1970, 1, 1)


def from_python(value: Any) -> Any:
    """A value that a function was given or gives, with ``Other`` for what JSON does not have."""
    if type(value).__module__ == "numpy":
        return value.tolist()
    if isinstance(value, dict):
        return {key: from_python(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [from_python(inner) for inner in value]
    if isinstance(value, bytes):
        return Other("bytes", value)
    if isinstance(value, datetime.datetime):
        return _from_datetime(value)
    if isinstance(value, datetime.date):
        return Other("date", (value - EPOCH.date()).days)
    if isinstance(value, datetime.time):
        seconds = value.hour * 3600 + value.minute * 60 + value.second
        return Other("clock", (seconds * 10**6 + value.microsecond) * 1000)
    if isinstance(value, datetime.timedelta):
        return Other("span", _nanoseconds(value))
    return value


def _from_datetime(value: datetime.datetime) -> Other:
    has_zone = value.tzinfo is not None
    if has_zone:
        value = value.astimezone(datetime.UTC).replace(tzinfo=None)
    plain = datetime.datetime(
        value.year, value.month, value.day, value.hour, value.minute, value.second,
        value.microsecond,
    )  # fmt: skip
    extra = int(getattr(value, "nanosecond", 0))  # what pandas has beside
    return Other("time", _nanoseconds(plain - EPOCH) + extra, has_zone)


def _nanoseconds(span: datetime.timedelta) -> int:
    whole = (span.days * 86400 + span.seconds) * 10**6 + span.microseconds
    return whole * 1000 + int(getattr(span, "nanoseconds", 0))


# -- equality ---------------------------------------------------------------------------------


def same(want: Any, got: Any, shown: bool = True) -> bool:
    """Whether ``got`` is the value ``want``.

    Numbers are compared as numbers, and a member that is null is one that is absent. What JSON does
    not have may be ``got`` as JSON shows it, if ``shown``.
    """
    if isinstance(want, Other):
        return want == got or (shown and not isinstance(got, Other) and _shown_as(want, got))
    if want is None or isinstance(want, bool | str):
        return type(want) is type(got) and bool(want == got)
    if isinstance(want, dict):
        return isinstance(got, dict) and all(
            same(want.get(key), got.get(key), shown) for key in {*want, *got}
        )
    if isinstance(want, list):
        is_as_long = isinstance(got, list) and len(got) == len(want)
        return is_as_long and all(same(*pair, shown) for pair in zip(want, got, strict=True))
    return _same_number(want, got, shown)


def _same_number(want: Any, got: Any, shown: bool) -> bool:
    if isinstance(got, bool) or not isinstance(got, int | float | Decimal):
        return bool(shown and want != want and got is None)  # JSON has no NaN
    if want != want or got != got:
        return bool(want != want and got != got)
    if isinstance(want, Real) and want.is_beyond:
        return isinstance(got, Real | Decimal | int) and Decimal(want.text) == _digits(got)
    if isinstance(want, float) and isinstance(got, float):
        return float(want) == float(got)
    if isinstance(want, float):
        return Decimal(want) == got if want - want == 0 else False
    return Decimal(want) == _digits(got)


def _digits(value: Any) -> Decimal:
    return Decimal(value.text if isinstance(value, Real) else value)


def _shown_as(want: Other, got: Any) -> bool:
    if want.kind == "span":
        is_number = isinstance(got, int | Real) and not isinstance(got, bool)
        return is_number and _is_in_a_unit(want.value, got)
    if not isinstance(got, str):
        return False
    if want.kind == "bytes":
        return base64.b64encode(want.value).decode() == got
    read = {"time": _time, "date": _date, "clock": _clock}[want.kind](got)
    return read == want


def _is_in_a_unit(nanoseconds: int, count: int | Real) -> bool:
    return any(_digits(count) * unit == nanoseconds for unit in (1, 10**3, 10**6, 10**9))


_CLOCK = re.compile(r"(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?")
_DATE = re.compile(r"(-?\d{4,6})-(\d\d)-(\d\d)")


def _time(text: str) -> Other | None:
    zone = text.endswith(("Z", "+00:00"))
    date, _, clock = text.removesuffix("Z").removesuffix("+00:00").replace("T", " ").partition(" ")
    day, of_day = _date(date), _clock(clock or "00:00:00")
    if day is None or of_day is None:
        return None
    return Other("time", day.value * 86400 * 10**9 + of_day.value, zone)


def _date(text: str) -> Other | None:
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    year, month, day = map(int, match.groups())
    return Other("date", _days(year, month, day))


def _days(year: int, month: int, day: int) -> int:
    """Days since 1970 in the proleptic Gregorian calendar, for any year."""
    year -= month <= 2
    era, of_era = year // 400, year % 400
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468


def _clock(text: str) -> Other | None:
    match = _CLOCK.fullmatch(text)
    if match is None:
        return None
    hours, minutes, seconds = map(int, match.groups()[:3])
    fraction = int((match[4] or "").ljust(9, "0"))
    return Other("clock", (hours * 3600 + minutes * 60 + seconds) * 10**9 + fraction)


# -- names of values --------------------------------------------------------------------------


def loose(value: Any) -> str:
    """A text that is the same for values that are equal."""
    if isinstance(value, dict):
        kept = sorted((k, v) for k, v in ((k, loose(v)) for k, v in value.items()) if v != "None")
        return "{" + ",".join(f"{k!a}:{v}" for k, v in kept) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(loose, value)) + "]"
    if isinstance(value, float) and value - value != 0:
        return f"{float(value)}"
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        if isinstance(value, Real):
            value = float(value)
        with localcontext(prec=2000):
            return f"n{Decimal(value).normalize()}"
    return ascii(value)


def strict(value: Any) -> str:
    """A text that is the same for values that are equal and of the same type."""
    if isinstance(value, dict):
        return "{" + ",".join(sorted(f"{k!a}:{strict(v)}" for k, v in value.items())) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(strict, value)) + "]"
    if isinstance(value, float):
        return f"float {float(value)!r}"
    return f"{type(value).__name__} {value!a}"


def draw_of(value: Any, sides: int) -> int:
    """A number below ``sides`` that depends on the value alone; -0 is 0 in most types."""
    is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    value = 0 if is_number and value == 0 else value
    return zlib.crc32(loose(value).encode()) % sides
