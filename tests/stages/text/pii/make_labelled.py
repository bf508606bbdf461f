# SPDX-License-Identifier: Apache-2.0
"""Write ``labelled.jsonl``: texts in which personal data is marked, and texts that only look so.

    python -m tests.stages.text.pii.make_labelled

``"origin": "real"``: values that somebody else has published, as examples, test values or contacts
of institutions, in sentences of ours. ``"origin": "made up"``: values drawn here from a fixed seed,
by generators that share no code with the recognizers. A text is kept in pieces, cut inside every
key and token, so that scanners for leaked keys do not take the file for a leak.
"""

import base64
import hashlib
import json
import random
import string
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

from tests.stages.text.pii.published import REAL

DRAW = random.Random()
HERE = Path(__file__).parent
UPPER, DIGITS, ALNUM = string.ascii_uppercase, string.digits, string.ascii_letters + string.digits
TOKENS = ("AWS_KEY", "GITHUB_TOKEN", "SLACK_TOKEN", "GOOGLE_API_KEY", "API_KEY", "JWT",
          "PRIVATE_KEY", "SECRET")  # fmt: skip

FIRST = ("anna", "jan", "maria", "john", "li", "fatima", "pedro", "olga", "søren", "zoë", "j.r.",
         "m-l", "kim_s", "d_vries")  # fmt: skip
LAST = ("smith", "müller", "garcia", "nguyen", "o'neil", "kowalski", "tanaka", "ivanova", "berg",
        "dubois", "lee")  # fmt: skip
HOSTS = ("gmail.com", "mail.ru", "uni-köln.de", "cs.stanford.edu", "company.co.uk", "web.de",
         "startup.io", "dept.state.gov", "museum.museum", "abc.photography", "qq.com",
         "xn--bcher-kva.example.org")  # fmt: skip


def digits(n: int) -> str:
    return "".join(DRAW.choices(DIGITS, k=n))


def alnum(n: int, characters: str = ALNUM) -> str:
    return "".join(DRAW.choices(characters, k=n))


def email() -> str:
    first, last, host = DRAW.choice(FIRST), DRAW.choice(LAST), DRAW.choice(HOSTS)
    forms = (f"{first}.{last}", f"{last}{digits(2)}", f"{first}+news", f"{last}%{first}", last)
    made = f"{DRAW.choice(forms)}@{host}"
    return made.upper() if DRAW.random() < 0.1 else made


def phone() -> str:
    area = DRAW.choice("23456789") + DRAW.choice("02345678") + DRAW.choice("02345678")
    rest = DRAW.choice("23456789") + DRAW.choice("023456789") + digits(1)
    four = digits(4)
    dash = DRAW.choice("--.\u2011")
    forms = (
        f"({area}) {rest}-{four}", f"{area}{dash}{rest}{dash}{four}", f"+1 {area} {rest} {four}",
        f"+1{area}{rest}{four}", f"1-{area}-{rest}-{four}", f"+44 20 {digits(4)} {four}",
        f"+44 (0)1{digits(3)} {digits(6)}", f"+49 {DRAW.choice(('30', '89', '221'))} {digits(7)}",
        f"0049 40 {digits(6)}", f"+33 6 {digits(2)} {digits(2)} {digits(2)} {digits(2)}",
        f"06 {digits(2)} {digits(2)} {digits(2)} {digits(2)}", f"030/{digits(7)}",
        f"020 {digits(4)} {four}", f"+91 9{digits(4)} {digits(5)}", f"+86 138 {digits(4)} {four}",
        f"+7 (495) {digits(3)}-{digits(2)}-{digits(2)}", f"+55 11 9{digits(4)}-{four}",
        f"+81-3-{digits(4)}-{four}", f"+353 1 {digits(3)} {four}", f"{area} {rest} {four}",
    )  # fmt: skip
    return DRAW.choice(forms)


def local_phone() -> str:
    forms = (f"{digits(3)} {digits(4)}", f"0{digits(9)}", f"{digits(2)} {digits(2)} {digits(2)}",
             f"{digits(4)}-{digits(4)}", f"{digits(10)}")  # fmt: skip
    return DRAW.choice(forms)


def ipv4() -> str:
    return ".".join(str(DRAW.randrange(1, 255)) for _ in range(4))


def ipv6() -> str:
    groups = [f"{DRAW.randrange(65536):x}" for _ in range(8)]
    form = DRAW.random()
    if form < 0.4:
        return ":".join(groups)
    if form < 0.8:
        return f"2{alnum(3, '0123456789abcdef')}:{groups[1]}::{groups[2]}"
    return f"fe80::{groups[1]}:{groups[2]}:{groups[3]}:{groups[4]}".upper()


def mac() -> str:
    pairs = [f"{DRAW.randrange(256):02x}" for _ in range(6)]
    made = DRAW.choice(":-").join(pairs)
    return made.upper() if DRAW.random() < 0.5 else made


def card() -> str:
    prefix, length, groups = DRAW.choice((
        ("4", 16, (4, 4, 4, 4)), ("51", 16, (4, 4, 4, 4)), ("55", 16, (4, 4, 4, 4)),
        ("37", 15, (4, 6, 5)), ("6011", 16, (4, 4, 4, 4)), ("3528", 16, (4, 4, 4, 4)),
        ("36", 14, (4, 6, 4)), ("2221", 16, (4, 4, 4, 4)), ("4", 13, (13,)), ("4", 19, (19,)),
    ))  # fmt: skip
    body = prefix + digits(length - len(prefix) - 1)
    made = next(body + c for c in DIGITS if _luhn_sum(body + c) % 10 == 0)
    return grouped(made, groups, DRAW.choice(("", " ", "-")))


def _luhn_sum(number: str) -> int:
    doubled = "0246813579"
    return sum(int(d if i % 2 else doubled[int(d)]) for i, d in enumerate(number, len(number) % 2))


def grouped(value: str, groups: tuple[int, ...], separator: str) -> str:
    pieces, place = [], 0
    for size in groups:
        pieces.append(value[place : place + size])
        place += size
    return separator.join(pieces)


def iban() -> str:
    country, form = DRAW.choice((
        ("DE", "n" * 18), ("GB", "aaaa" + "n" * 14), ("FR", "n" * 10 + "c" * 11 + "nn"),
        ("NL", "aaaa" + "n" * 10), ("CH", "nnnnn" + "c" * 12), ("PL", "n" * 24),
        ("TR", "nnnnn0" + "c" * 16), ("NO", "n" * 11), ("LT", "n" * 16), ("PT", "n" * 21),
    ))  # fmt: skip
    kinds = {"n": DIGITS, "a": UPPER, "c": DIGITS + UPPER, "0": "0"}
    body = "".join(DRAW.choice(kinds[c]) for c in form)
    number = int("".join(str(int(c, 36)) for c in body + country) + "00")
    made = f"{country}{98 - number % 97:02d}{body}"
    if DRAW.random() < 0.5:
        return made
    return " ".join(made[i : i + 4] for i in range(0, len(made), 4))


def ssn() -> str:
    return (
        f"{DRAW.randrange(1, 600):03d}-{DRAW.randrange(1, 100):02d}-{DRAW.randrange(1, 9999):04d}"
    )


def api_key() -> str:
    forms = (f"sk_live_{alnum(24)}", f"glpat-{alnum(20)}", f"npm_{alnum(36)}", f"sk-{alnum(48)}",
             f"hf_{alnum(34, string.ascii_letters)}", f"SG.{alnum(22)}.{alnum(43)}",
             f"sk-proj-{alnum(48)}", f"pypi-AgEIcHlwaS5vcmc{alnum(120)}")  # fmt: skip
    return DRAW.choice(forms)


def github() -> str:
    forms = (f"gh{DRAW.choice('pousr')}_{alnum(36)}", f"github_pat_{alnum(22)}_{alnum(59)}")
    return DRAW.choice(forms)


def slack() -> str:
    kind = DRAW.choice(("xoxb", "xoxp", "xoxa"))
    return f"{kind}-{digits(12)}-{digits(12)}-{alnum(24)}"


def jwt() -> str:
    parts = ({"alg": "RS256", "kid": alnum(6)}, {"iss": alnum(8), "exp": int(digits(9))})
    encoded = [base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts]
    return ".".join((*encoded, alnum(43)))


def pem() -> str:
    kind = DRAW.choice(("RSA PRIVATE KEY", "PRIVATE KEY", "OPENSSH PRIVATE KEY", "EC PRIVATE KEY"))
    body = "\n".join(alnum(64, ALNUM + "+/") for _ in range(4))
    return f"-----BEGIN {kind}-----\n{body}==\n-----END {kind}-----"


def secret() -> str:
    forms = (alnum(32, "0123456789abcdef"), alnum(40), f"{alnum(20)}+/{alnum(20)}=", alnum(20))
    made = DRAW.choice(forms)
    return made if any(c.isdigit() for c in made) else made[:-3] + "7" + made[-2:]


def bitcoin() -> str:
    if DRAW.random() < 0.4:
        return "0x" + alnum(40, "0123456789abcdef")
    raw = DRAW.choice((b"\x00", b"\x05")) + DRAW.randbytes(20)
    raw += hashlib.sha256(hashlib.sha256(raw).digest()).digest()[:4]
    number, made = int.from_bytes(raw, "big"), ""
    while number:
        number, rest = divmod(number, 58)
        made = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"[rest] + made
    return "1" * (len(raw) - len(raw.lstrip(b"\0"))) + made


MADE_UP: dict[str, tuple[int, Callable[[], str], tuple[str, ...]]] = {
    "EMAIL_ADDRESS": (60, email, (
        "Write to {}.", "Contact: {}, or in person", "<{}>", "mailto:{}", "邮箱:{}。谢谢",
        "'{}'", "e-mail={};", "Reply-To: {}\nSubject: hello", "{}",
    )),
    "PHONE_NUMBER": (90, phone, (
        "Call {} now.", "Tel.: {}", "{} (office)", "Fax {}; room 12", "电话:{}", "Ring {} today",
        "My number is {}, ask for Ann.", "reach me on {}!", "☎ {}",
    )),
    "IP_ADDRESS": (34, ipv4, (
        "Host {} is down.", "from {} port 22", "http://{}:8080/x", "{} - - [10/Oct/2000:13:55:36]",
        "iptables -A INPUT -s {}/32", "({})", "адрес {}, порт 80",
    )),
    "MAC_ADDRESS": (14, mac, ("ether {}", "MAC={}", "({})", "Gerät {}, Anschluss 3")),
    "CREDIT_CARD": (50, card, (
        "Card: {}", "{} exp 12/29", "paid with {}.", "CC#{}", "Karte {}, gültig",
        "カード番号{}です",
    )),
    "IBAN_CODE": (45, iban, (
        "IBAN {}", "Bitte auf {} überweisen.", "{}", "account {}, reference A1", "IBAN:{};",
    )),
    "US_SSN": (22, ssn, ("SSN {}", "social security number: {}.", "{}", "ID {} (US)")),
    "AWS_KEY": (12, lambda: DRAW.choice(("AKIA", "ASIA")) + alnum(16, UPPER + "234567"),
                ("key {}", "AWS_ACCESS_KEY_ID={}", '"{}"')),
    "GITHUB_TOKEN": (12, github, ("git clone https://{}@github.com/a/b", "token {}", "{}")),
    "SLACK_TOKEN": (12, slack, ("SLACK={}", "bot token: {}", "{}")),
    "GOOGLE_API_KEY": (10, lambda: "AIza" + alnum(35, ALNUM + "_-") ,
                       ("maps.js?key={}&v=3", "{}", "apiKey: '{}',")),
    "API_KEY": (20, api_key, ("export KEY={}", "Authorization: {}", "{}")),
    "JWT": (10, jwt, ("Authorization: Bearer {}", "cookie={}; path=/", "{}")),
    "PRIVATE_KEY": (8, pem, ("{}", "my key:\n{}\nkeep it")),
    "SECRET": (34, secret, (
        "password={}", "api_key: '{}'", '"client_secret": "{}"', "DB_PASSWORD={}\n", "token = {}",
        "SECRET_KEY = '{}'", "secretKey: {}", "access_token => \"{}\"", "auth-token:{}",
    )),
    "CRYPTO": (16, bitcoin, ("donate: {}", "{}", "wallet {} please")),
}  # fmt: skip


def negatives() -> Iterator[str]:
    """Texts that only look as if they held personal data."""
    for _ in range(10):
        yield f"version {DRAW.randrange(20)}.{DRAW.randrange(20)}.{DRAW.randrange(9)}.{digits(2)}"
        yield f"v{DRAW.randrange(9)}.{DRAW.randrange(20)}.{DRAW.randrange(9)}.{digits(1)} is out"
        yield f"on {digits(2)}.{digits(2)}.20{digits(2)} at {digits(2)}:{digits(2)}:{digits(2)}"
        yield f"20{digits(2)}-0{DRAW.randrange(1, 9)}-1{digits(1)}T10:{digits(2)}:00Z done"
        yield f"Order no. {digits(3)}-{digits(3)}-{digits(4)} has shipped"
        yield f"order {digits(10)}, invoice #{digits(4)}-{digits(6)}"
        yield f"ISBN {isbn13()}"
        yield f"commit {alnum(40, '0123456789abcdef')}"
        yield f"md5 {alnum(32, '0123456789abcdef')}"
        yield f"doi:10.{digits(4)}/{alnum(6)}.{digits(4)}.{digits(6)}"
        yield f"weighs {digits(3)}.{digits(12)} kg, costs ${digits(3)},{digits(3)}.{digits(2)}"
        yield "id " + grouped(alnum(32, "0123456789abcdef"), (8, 4, 4, 4, 12), "-")
        yield f"card-like {not_luhn()} fails its check"
        yield f"IBAN-like DE{digits(2)} {' '.join(digits(4) for _ in range(4))} 0{digits(1)}X"
        yield f"values {' '.join(digits(3) for _ in range(8))}"
        yield f"{digits(3)} {digits(3)} {digits(3)} people in 20{digits(2)}"
        yield f"epoch {1_500_000_000 + int(digits(8))}, pid {digits(5)}"
        yield f"key: {DRAW.choice(FIRST)}_{DRAW.choice(LAST)}_settings_v2_default"
        yield f"token = tokenizer.from_pretrained_{digits(2)}(name)"
        yield f"0x{alnum(8, '0123456789abcdef')} 0x{alnum(16, '0123456789abcdef')}"
        yield f"at {digits(2)}:{digits(2)}:{digits(2)}.{digits(6)} and Foo::bar::baz{digits(1)}"
        yield f"page {digits(3)}-{digits(3)}, vol. {digits(2)}({digits(1)}), 19{digits(2)}"
        yield f"https://e.org/{digits(4)}/{digits(2)}/{alnum(10)}?id={digits(9)}"
        yield f"{DRAW.choice(FIRST)}@{DRAW.choice(LAST)} said so on the forum"


def isbn13() -> str:
    body = "978" + digits(9)
    check = -sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(body)) % 10
    return grouped(f"{body}{check}", (3, 1, 5, 3, 1), "-")


def not_luhn() -> str:
    body = "4" + digits(14)
    return next(body + c for c in DIGITS if _luhn_sum(body + c) % 10)


def item(marked: str, type: str, origin: str) -> dict[str, object]:
    """A text with its values between « and »."""
    text, spans = "", []
    pieces = marked.split("«")
    text = pieces[0]
    for piece in pieces[1:]:
        value, _, behind = piece.partition("»")
        spans.append([len(text), len(text) + len(value), type])
        text += value + behind
    cuts = [0, *(start + 3 for start, _, kind in spans if kind in TOKENS), len(text)]
    cut = [text[a:b] for a, b in pairwise(cuts)]
    return {"text": cut if len(cut) > 1 else text, "spans": spans, "origin": origin}


def items() -> Iterator[dict[str, object]]:
    for type, lines in REAL.items():
        for line in filter(None, map(str.strip, lines.split("\n"))):
            yield item(line, type, "real")
    for type, (count, value, templates) in MADE_UP.items():
        for i in range(count):
            yield item(templates[i % len(templates)].replace("{}", f"«{value()}»"), type, "made up")
    for _ in range(16):
        yield item(f"IPv6 «{ipv6()}» is up.", "IP_ADDRESS", "made up")
        told = DRAW.choice(("Tel: ", "phone ", "Fax no. ", "mobile: ", "call us at ", "Handy: "))
        yield item(f"{told}«{local_phone()}».", "PHONE_NUMBER", "made up")
    for text in negatives():
        yield item(text, "", "made up")


def main() -> None:
    (HERE / "labelled.jsonl").write_text(made(), encoding="utf-8")


def made() -> str:
    """What the file holds."""
    DRAW.seed(20_240_229)
    return "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in items())


if __name__ == "__main__":
    main()
