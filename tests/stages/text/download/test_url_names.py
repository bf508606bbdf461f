# SPDX-License-Identifier: Apache-2.0
"""URLs as they are requested, and the names of their local files and parts."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from thresher.errors import DataError, PlanError
from thresher.stages.text.download import HttpDownloader, URLGenerationStage, URLGenerator, UrlList
from thresher.stages.text.download.url_generation import local_name, name_of, normalised

# URL, the URL that is requested, name of the local file without its folder, part name.
TABLE = [
    ("http://h/a.txt", "http://h/a.txt", "a.txt", "a.txt"),
    ("http://h/a/b.txt", "http://h/a/b.txt", "a-b.txt", "a/b.txt"),
    ("http://h/a-b.txt", "http://h/a-b.txt", "a-b.txt", "a-b.txt"),
    ("http://h/x.jsonl.gz?d=1", "http://h/x.jsonl.gz?d=1", "x-#.jsonl.gz", "x-#.jsonl.gz"),
    ("http://h/x.jsonl.gz#top", "http://h/x.jsonl.gz", "x.jsonl.gz", "x.jsonl.gz"),
    ("http://h/x.parquet;v=1", "http://h/x.parquet;v=1", "x-#.parquet", "x-#.parquet"),
    ("http://h/x.gz;a=1;b=2.5?q#f", "http://h/x.gz;a=1;b=2.5?q", "x-#.gz", "x-#.gz"),
    ("http://h/x.warc.gz/", "http://h/x.warc.gz/", "x.warc.gz", "x.warc.gz"),
    ("http://h/x.gz;v=1//", "http://h/x.gz;v=1//", "x-#.gz", "x-#.gz"),
    ("http://h/x%2Ejsonl%2egz", "http://h/x%2Ejsonl%2egz", "x.jsonl.gz", "x.jsonl.gz"),
    ("http://h/x.gz%20%0A", "http://h/x.gz%20%0A", "x.gz", "x.gz"),
    ("http://h/a;b.jsonl", "http://h/a;b.jsonl", "a-b.jsonl", "a-b.jsonl"),
    ("http://h/get?id=7", "http://h/get?id=7", "get-ffad385c", "get-ffad385c"),
    ("http://h/get;id=7", "http://h/get;id=7", "get-#", "get-#"),
    ("http://h/?id=7", "http://h/?id=7", "h-ffad385c", "h-ffad385c"),
    ("http://h.org?id=7", "http://h.org/?id=7", "h.org-ffad385c", "h.org-ffad385c"),
    ("http://h", "http://h/", "h", "h"),
    # Blanks, characters that no URL may hold, and escapes.
    ("http://h/a b.gz", "http://h/a%20b.gz", "a%20b.gz", "a-b.gz"),
    ("http://h/a%20b.gz", "http://h/a%20b.gz", "a%20b.gz", "a%20b.gz"),
    ("\ufeff http://h/a.gz\r\n", "http://h/a.gz", "a.gz", "a.gz"),
    ("http://h/ä.gz?ü=ß", "http://h/%C3%A4.gz?%C3%BC=%C3%9F", "%C3%A4-#.gz", "ä-#.gz"),
    ("http://h/[1]|\"<>\\^`{}.gz", "http://h/%5B1%5D%7C%22%3C%3E%5C%5E%60%7B%7D.gz",
     "%5B1%5D%7C%22%3C%3E%5C%5E%60%7B%7D.gz", "1-.gz"),
    ("http://h/a\x01\x7fb.gz", "http://h/a%01%7Fb.gz", "a%01%7Fb.gz", "a-b.gz"),
    ("http://h/a\n\tb.gz", "http://h/ab.gz", "ab.gz", "ab.gz"),
    ("http://h/100%.gz", "http://h/100%25.gz", "100%25.gz", "100%.gz"),
    ("http://h/%25.gz", "http://h/%25.gz", "%25.gz", "%25.gz"),
    ("http://h/%FF.gz", "http://h/%FF.gz", "%FF.gz", "%FF.gz"),
    ("http://h/\udcff.gz", "http://h/%FF.gz", "%FF.gz", "file.gz"),
    ("http://h/a%2Fb.gz", "http://h/a%2Fb.gz", "a%2Fb.gz", "a%2Fb.gz"),
    ("http://h/a+b,c=d~e@f.gz", "http://h/a+b,c=d~e@f.gz", "a+b,c=d~e@f.gz", "a+b,c=d~e@f.gz"),
    # Names that are none.
    ("http://h/..", "http://h/..", "h", "h"),
    ("http://h/%2E%2e/x", "http://h/%2E%2e/x", "x", "x"),
    ("http://h/.hidden.gz", "http://h/.hidden.gz", "hidden.gz", "hidden.gz"),
    ("http://h/%5Fx.gz", "http://h/%5Fx.gz", "x.gz", "x.gz"),
    ("http://h/_.jsonl.gz", "http://h/_.jsonl.gz", "file.jsonl.gz", "file.jsonl.gz"),
    ("http://h//a///b.gz", "http://h//a///b.gz", "a-b.gz", "a/b.gz"),
    # Scheme, host, port, userinfo.
    ("HTTP://H.ORG:80/A.gz", "http://h.org/A.gz", "A.gz", "A.gz"),
    ("https://h:443/a.gz", "https://h/a.gz", "a.gz", "a.gz"),
    ("https://h:80/a.gz", "https://h:80/a.gz", "a.gz", "a.gz"),
    ("http://h:/a.gz", "http://h/a.gz", "a.gz", "a.gz"),
    ("http://bücher.example/", "http://xn--bcher-kva.example/", "xn--bcher-kva.example",
     "bücher.example"),
    ("http://b%C3%BCcher.example/", "http://xn--bcher-kva.example/", "xn--bcher-kva.example",
     "b%C3%BCcher.example"),
    ("http://u:p@ss@h/a.gz", "http://u:p%40ss@h/a.gz", "a.gz", "a.gz"),
    ("http://@h/a.gz", "http://h/a.gz", "a.gz", "a.gz"),
    ("http://[::1]:8080/a.gz", "http://[::1]:8080/a.gz", "a.gz", "a.gz"),
]  # fmt: skip


@pytest.mark.parametrize(("url", "requested", "local", "part"), TABLE)
def test_a_url_and_its_names(url: str, requested: str, local: str, part: str) -> None:
    def as_pattern(name: str) -> str:
        return re.escape(name).replace(r"\#", "[0-9a-f]{8}")

    assert normalised(url) == normalised(requested) == requested
    folder, _, name = local_name(requested).partition("/")
    assert re.fullmatch(as_pattern(local), name)
    assert re.fullmatch(r"[a-z0-9][a-z0-9.-]*-[0-9a-f]{16}", folder)
    stage = URLGenerationStage(UrlList([url]))
    [(part_name, task)] = stage.partitions()
    assert re.fullmatch(as_pattern(part), part_name)
    assert task.data == [url.strip("\ufeff \r\n")]


def test_plain_files_of_a_remote_folder_lie_in_one_local_folder() -> None:
    names = [local_name(f"http://h/a/{name}") for name in ("x.txt", "y.txt", "z.txt?1", "..")]
    folders = [name.partition("/")[0] for name in names]
    assert folders[0] == folders[1]
    assert len(set(folders)) == 3


def test_local_names_are_the_same_on_every_machine() -> None:
    assert local_name("https://example.org/a/x.txt") == "example.org-73028948a0415502/a-x.txt"
    url = "https://example.org/a/x.txt?b"
    code = (
        "from thresher.stages.text.download.url_generation import local_name;"
        f"print(local_name({url!r}))"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == local_name(url)


@pytest.mark.parametrize("host", ["h", "a." * 100 + "org"])
@pytest.mark.parametrize("segment", ["a" * 300, "ä" * 120, "a." * 200, "a" * 195 + "-b"])
@pytest.mark.parametrize("behind", ["", "?q", "/"])
def test_long_names_are_shortened(host: str, segment: str, behind: str) -> None:
    names = set()
    for other in ("", "x"):
        url = f"http://{host}/{'d' * 300}/{segment}{other}.jsonl.gz{behind}"
        for name in (local_name(normalised(url)), name_of(url)):
            assert name.endswith(".jsonl.gz")
            assert all(len(component.encode()) <= 200 for component in name.split("/"))
            names.add(name)
    assert len(names) == 4
    deep = name_of(f"http://{host}/" + f"{'d' * 100}/" * 50 + "x.jsonl.gz")
    assert len(deep.encode()) <= 200
    assert deep.endswith(".jsonl.gz")


# -- made-up URLs -----------------------------------------------------------------------------

PIECES = (
    "a", "b", "-", "/", "//", ".", "..", "_", ";", "=", "?", "#", "%2F", "%2f", "%2E", "%5F", "%20",
    "%FF", "%", " ", "ä", "~", "+", "@", ":", "[", "|", "\x01", "x.jsonl.gz", "x.txt", "a" * 190,
)  # fmt: skip
SITES = (
    "http://h",
    "https://h",
    "http://H:80",
    "http://h:81",
    "http://u@h",
    "http://g",
    "http://ä",
)
SITE = st.sampled_from(SITES)
REST = st.lists(st.sampled_from(PIECES), max_size=6).map("".join)
URLS = st.builds(lambda site, rest: f"{site}/{rest}", SITE, REST)


def check_local_name(name: str) -> None:
    folder, slash, last = name.partition("/")
    assert slash
    for component in (folder, last):
        assert re.fullmatch(r"[\w%~+=@,][\w.+=@,~%-]*", component)
        assert not component.startswith(("_", "."))
        assert len(component.encode()) <= 200


@settings(deadline=None)
@given(st.lists(URLS, min_size=2, max_size=30))
@example(["http://h/", "http://h/h", "http://h/h/", "http://h//h"])
@example(["http://h/a%20b", "http://h/a%20b/x", "http://h/a%20b/x?"])
def test_different_urls_have_different_local_names(urls: list[str]) -> None:
    requested = {normalised(url) for url in urls}
    assert all(normalised(url) == url and url.isascii() for url in requested)
    names = {local_name(url) for url in requested}
    assert len(names) == len(requested)
    for name in names:
        check_local_name(name)


@settings(deadline=None)
@given(
    SITE, REST,
    st.text(st.characters(codec="utf-8", exclude_characters="/?#;%"), max_size=250),
    st.sampled_from((".jsonl.gz", ".parquet", ".warc.gz", ".tar.bz2", ".txt", ".JSON")),
    st.sampled_from(("", "/", ";v=1", ";v=1.5;w", "?a.b/c", "#x.y", ";v/?d=t#f", "%20", "?q=%2E")),
)  # fmt: skip
def test_local_names_keep_the_ending(
    site: str, rest: str, stem: str, ending: str, behind: str
) -> None:
    assume(not {"?", "#"} & set(rest))
    url = normalised(f"{site}/{rest}/{stem}a{ending}{behind}")
    assert local_name(url).endswith(ending)
    check_local_name(local_name(url))
    assert name_of(url).endswith(ending)


@settings(deadline=None)
@given(st.lists(URLS, min_size=1, max_size=15, unique_by=normalised), st.randoms())
def test_part_names_do_not_depend_on_the_order(urls: list[str], random: Any) -> None:
    names = parts(urls)
    assert len(set(names.values())) == len(urls)
    assert parts(random.sample(urls, len(urls))) == names
    outputs = [f"{name.removesuffix('.jsonl')}.jsonl" for name in names.values()]
    assert len(set(outputs)) == len(urls)
    assert not any(one.startswith(f"{other}/") for one in outputs for other in outputs)


# -- the parts of a pipeline ------------------------------------------------------------------


def parts(urls: list[Any], **options: Any) -> dict[str, str]:
    stage = URLGenerationStage(UrlList(urls), **options)
    return {task.data[0]: name for name, task in stage.partitions()}


@pytest.mark.parametrize(
    ("urls", "names"),
    [
        (["http://one/x.txt", "http://two/x.txt"], ["x.txt", "two/x.txt"]),
        (["http://two/x.txt", "http://one/x.txt"], ["two/x.txt", "x.txt"]),
        (["http://h/x", "http://h/x/"], ["x", "h/x"]),
        (["http://h/a/x", "http://h/a-x"], ["a/x", "a-x"]),
        (["http://h/x", "http://h/x.jsonl"], ["x", "h/x.jsonl"]),
        (["http://h/x.jsonl/y", "http://h/x.jsonl"], ["h/x.jsonl/y", "x.jsonl"]),
        (["http://h/x.csv", "http://h/x.txt", "http://h/X.txt"], ["x.csv", "x.txt", "X.txt"]),
        (["http://a/x", "http://b/x", "http://c/b/x"], ["x", "x-?", "b/x"]),
        (["http://h/x", "http://h/x/", "https://h/x"], ["x", "h/x", "x-?"]),
        (["http://u:p@h/x", "http://u:q@h/x"], ["x", "h/x"]),
        (["/in/a b", "/in/a*b"], ["in/a-b", "in-a-b-?"]),
    ],
)
def test_parts_that_would_share_a_name(urls: list[str], names: list[str]) -> None:
    found = parts(urls)
    patterns = [re.escape(name).replace(r"\?", "[0-9a-f]{16}") for name in names]
    for url, pattern in zip(urls, patterns, strict=True):
        assert re.fullmatch(pattern, found[url])
    assert parts(urls, limit=1) == {urls[0]: found[urls[0]]}


def test_passwords_are_not_in_part_names() -> None:
    urls = [f"http://u:{{}}@h/x{behind}" for behind in ("", "/", "//")]
    names = [list(parts([url.format(word) for url in urls]).values()) for word in ("one", "two")]
    assert names[0] == names[1]


def test_a_generator_that_names_two_urls_alike_is_told() -> None:
    class Alike(UrlList):
        def part_name(self, url: str) -> str:
            return "x"

    with pytest.raises(PlanError, match="would both be named 'x'") as caught:
        URLGenerationStage(Alike(["http://u:secret@a/x", "http://b/x"])).partitions()
    assert "http://a/x" in caught.value.where
    assert "http://b/x" in caught.value.where
    assert "secret" not in str(caught.value)


def test_spellings_of_a_url_are_one_download() -> None:
    urls = ["http://h/ä?q#1", " HTTP://H:80/%C3%A4?q\n", "http://h/ä?q#2", "http://h/ä?q"]
    with pytest.warns(UserWarning, match="3 URLs come twice"):
        assert list(parts(urls)) == urls[:1]
    own = ["/in/a#1", "/in/a#2", "docker://h/a:tag", "docker://h:tag", "x.txt"]
    assert list(parts(own)) == own  # for downloaders that take them


NO_URLS = [
    "", "  ", "\n", "\ufeff", None, 3, b"http://h/x", ["http://h/x"], "ftp//x", "htp://", "htp://h/x",
    "hxxp://h/x", "ttps://h/x", "http//h/x", "http;//h/x", "http:/h/x", "http:h/x", "http://",
    "http:///x", "http://?x", "http://:80/x", "http://@/x", "://h/x", "s3:b/x", "ftp://", '"http://h/x"',
    "<http://h/x>", "http://h:x/", "http://h:99999/", "http://[::1/x", "http://exa mple/x", "http://h|/",
    "http://a..b/x", "http://.h/x", f"http://{'a' * 64}.org/", f"http://{'a.' * 130}org/", "http://%FF/x",
    "http://h/\ud800", "http:\\\\h\\x", "http://h\\x", "//[h/x", "http://a\u2025b/", "http://h\u2100/",
]  # fmt: skip


@pytest.mark.parametrize("wrong", NO_URLS, ids=repr)
def test_what_is_no_url_is_told_when_it_is_planned(wrong: Any) -> None:
    with pytest.raises(PlanError, match=r"URL 2 of 3, .*: ") as caught:
        parts(["http://h/a", wrong, "http://h/b"])
    assert "url_generation_urllist" in caught.value.where
    assert "UrlList" in caught.value.todo


def test_all_wrong_urls_are_told_without_secrets() -> None:
    with pytest.raises(PlanError) as caught:
        parts(["http://u:secret@h\u2100/", *[None] * 20])
    assert "URL 1 of 21" in caught.value.what
    assert "URL 10 of 21, None" in caught.value.what
    assert caught.value.what.endswith("; and 11 more")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("wrong", ["ftp://h/x", "example.com/x", "x.txt", "/in/x", "s3://b/x"])
def test_a_downloader_refuses_what_it_cannot_download(wrong: str) -> None:
    assert list(parts([wrong])) == [wrong]
    with pytest.raises(PlanError, match=r"URL 1 of 1.*this is no http:// or https:// URL"):
        parts([wrong], downloader=HttpDownloader("raw"))
    with pytest.raises(DataError, match="this is no http"):
        HttpDownloader("raw").check_url(wrong)


@pytest.mark.parametrize("wrong", ["http://h/x", b"http://h/x", None, 3])
def test_what_is_no_list_of_urls_is_told(wrong: Any) -> None:
    class Wrong(URLGenerator):
        def generate_urls(self) -> list[str]:
            return wrong  # type: ignore[no-any-return]

    with pytest.raises(PlanError, match=r"is one URL|is no list"):
        UrlList(wrong)
    with pytest.raises(PlanError, match=r"what Wrong generates is"):
        URLGenerationStage(Wrong()).partitions()


def test_names_of_local_files_are_no_folders_of_others() -> None:
    names = [PurePosixPath(local_name(f"http://h{path}")) for path in ("/a", "/a/b", "/a/b/c")]
    assert not any(one in other.parents for one in names for other in names)
