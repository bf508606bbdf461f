# SPDX-License-Identifier: Apache-2.0
"""What the recognizers take for what, one case each."""

import pytest

from thresher.stages.text.pii import PiiModifier
from thresher.stages.text.pii.match import Match, without_overlaps
from thresher.stages.text.pii.recognizers.bank import luhn, mod97
from thresher.stages.text.pii.recognizers.secrets import entropy

ALL = PiiModifier(score_threshold=0.0)


def found(text):
    return [(match.type, text[match.start : match.end]) for match in ALL.find(text)]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("müller@köln.de", "EMAIL_ADDRESS", "müller@köln.de"),
        ("邮箱a.b@c.com。", "EMAIL_ADDRESS", "a.b@c.com"),
        ("...'x@y.org'...", "EMAIL_ADDRESS", "x@y.org"),
        ("see x@y.org.", "EMAIL_ADDRESS", "x@y.org"),
        (f"{'a' * 64}@b.de", "EMAIL_ADDRESS", f"{'a' * 64}@b.de"),
        ("10.1.2.3.", "IP_ADDRESS", "10.1.2.3"),
        ("10.1.2.3 host", "IP_ADDRESS", "10.1.2.3"),
        ("fe80::1%eth0", "IP_ADDRESS", "fe80::1%eth0"),
        ("at 2001:db8::7: no", "IP_ADDRESS", "2001:db8::7"),
        ("::ffff:192.0.2.128", "IP_ADDRESS", "::ffff:192.0.2.128"),
        ("4111 1111 1111 1111 12/25", "CREDIT_CARD", "4111 1111 1111 1111"),
        ("DE89 3704 0044 0532 0130 00 AND MORE", "IBAN_CODE", "DE89 3704 0044 0532 0130 00"),
        ("tel. (+49) 30 1234567", "PHONE_NUMBER", "(+49) 30 1234567"),
        ("(call 212-555-0142)", "PHONE_NUMBER", "212-555-0142"),
        ("😀 +1\u00a0212\u00a0555\u20110142", "PHONE_NUMBER", "+1\u00a0212\u00a0555\u20110142"),
        ("212 555 0142", "PHONE_NUMBER", "212 555 0142"),
        ("AKIAIOSFODNN7EXAMPLE", "AWS_KEY", "AKIAIOSFODNN7EXAMPLE"),
        ('"apiKey": "Zx81kQ0mTr72LpWv"', "SECRET", "Zx81kQ0mTr72LpWv"),
        ("PASSWORD := Zx81kQ0mTr72LpWv\n", "SECRET", "Zx81kQ0mTr72LpWv"),
    ],
)
def test_is_found(text, kind, value):
    assert found(text) == [(kind, value)]


@pytest.mark.parametrize(
    "text",
    [
        f"{'a' * 65}@b.de", "a@b", "a@b.png", "a@b.c1", "git@github.com:a/b", "@user", "a@.de",
        "256.1.1.1", "1.2.3", "1.2.3.4.5", "v1.2.3.4", "version: 1.2.3.4", "7.2.1.1 The macro",
        "linux-2.6.32.71", "127.0.0.1", "255.255.0.0", "0.0.0.0", "::1", "::", "a::b", "x[::2]",
        "12:30:45", "std::dec::face", "00:00:00:00:00:00", "4111 1111 1111 1112",
        "41111111111111111111", "4111-1111 1111 1111", "3.4111111111111111",
        "DE88370400440532013000",
        "XX89370400440532013000", "2004-05-06 12", "Order 212-555-0142", "+999 999 999 999",
        "0.2125550142", "000-12-3456", "666-12-3456", "123-00-4567", "900-12-3456", "1-123-45-6789",
        "AKIAAAAAAAAAAAAAAAAA", "ghp_short", "ghp_" + "xX1" * 12,
        "eyJhbGciOiJIUzI1NiJ9", "eyJub3BlIjoxfQ.eyJhIjoxfQ.xx",
        "key=abcdefghijklmnopqrstuvwxyz", "key=1234567890123456", "donkey=Zx81kQ0mTr72LpWv",
        "key=aaaaaaaaaaaaaaa1", "id=Zx81kQ0mTr72LpWv", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", "-----BEGIN CERTIFICATE-----",
    ],
)  # fmt: skip
def test_is_not_found(text):
    assert found(text) == []


def test_a_private_key_without_its_end_goes_as_far_as_it_is():
    text = "-----BEGIN PRIVATE KEY-----\nMIIEvQ\nabc=\n\nNo, not all of this: it is cut off."
    [(kind, value)] = found(text)

    assert kind == "PRIVATE_KEY"
    assert value.startswith("-----BEGIN PRIVATE KEY-----\nMIIEvQ\nabc=")


def test_checks():
    assert luhn("4111111111111111")
    assert not luhn("4111111111111110")
    assert mod97("GB29NWBK60161331926819")
    assert not mod97("GB92NWBK60161331926819")
    assert entropy("aaaa") == 0.0
    assert entropy("abcd") == 2.0


def test_overlapping_matches_become_one():
    matches = [
        Match(8, 15, "B", 0.5), Match(0, 10, "A", 1.0), Match(15, 20, "C", 0.7),
        Match(30, 34, "B", 0.6), Match(30, 34, "A", 0.4), Match(33, 36, "C", 0.4),
    ]  # fmt: skip
    assert without_overlaps(matches, {"A": 0, "B": 1, "C": 2}) == [
        Match(0, 15, "A", 1.0), Match(15, 20, "C", 0.7), Match(30, 36, "A", 0.4),
    ]  # fmt: skip
