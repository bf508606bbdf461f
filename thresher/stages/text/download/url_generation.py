# SPDX-License-Identifier: Apache-2.0
"""URLGenerator: says which URLs to download; the stage that makes a part of each; their names."""

from __future__ import annotations

import re
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

import xxhash

from thresher.errors import DataError, PlanError
from thresher.stages.parameters import Parametrised
from thresher.stages.partitioning import PartitioningStage
from thresher.stages.resources import Resources
from thresher.tasks import FileGroupTask, FileSlice

if TYPE_CHECKING:
    from thresher.stages.text.download.downloader import DocumentDownloader

_DEFAULT_PORTS = {"http": 80, "https": 443}
_AROUND = re.compile(r"\A[\s\x00-\x20\x7f\u200b\ufeff]+|[\s\x00-\x20\x7f\u200b\ufeff]+\Z")
_HTTP = re.compile(r"https?:", re.IGNORECASE)
_MISTYPED = re.compile(
    r"(?:h+[tx]*p+s*|t+ps?)(?::|\W{0,3}//)"  # htp://, hxxp://, http//, ttps://
    r"|(?:ftps?|s3|gs)(?://|:(?!//))"  # ftp//, s3:
    r"|[a-z][a-z0-9+.-]*://(?:[?#]|\Z)"  # nothing behind the scheme
    r"|:|[^\w/.]+https?:",  # nothing before the colon; quotes or brackets around the URL
    re.IGNORECASE,
)
_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?|\[[0-9a-f:.]+\]")
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_LEGAL = "!$&'()*+,;=:@/?%-._~"
"""ASCII characters of a path or query, besides letters and digits, that need no escape."""

_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_ESCAPED_BLANKS = re.compile(r"(?:%(?:20|0[9AaDd]))+\Z")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")
_MATRIX_PARAMETERS = re.compile(r"(?:;[^;=./]*(?:=[^;/]*)?)+\Z")
_UNSAFE = re.compile(r"[^\w.+=@,~%-]+")
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+=@,~_-]*")
_ENDINGS = re.compile(r"(?:\.[A-Za-z0-9+=@,~%_-]{1,20}){1,4}\Z")
_LONGEST_NAME = 200
"""Bytes of a file name: file systems take 255, and endings of our own are added."""

_LONGEST_PATH = 800
"""Bytes of a part name: object stores take 1024, local file systems 4096 with the folder."""

_WRITTEN = (".jsonl", ".jsonl.gz", ".jsonl.zst", ".parquet")
"""Endings that writers add to a part name that has them not."""

_MISTAKES_SHOWN = 10
_SHOWN = 200
"""Characters of a URL in an error message."""


class URLGenerator(Parametrised, ABC):
    """Says which URLs to download. Define :meth:`generate_urls`."""

    @abstractmethod
    def generate_urls(self) -> list[str]:
        """The URLs, in the order of the output. Asked once, when the pipeline is planned."""

    def part_name(self, url: str) -> str:
        """What the part of a URL, and so its output file, is called.

        The path of the URL; a query goes into it as a hash. Where several URLs have one name, one
        keeps it, and the names of the others get their host or a hash. A generator that defines
        this method must give each URL a name of its own: two with one name are refused.
        """
        return name_of(url)


class UrlList(URLGenerator):
    """URLs that are known.

    Parameters
    ----------
    urls : list[str]
        The URLs.
    """

    def __init__(self, urls: Sequence[str]) -> None:
        self.urls: list[str] = _as_list(urls, "urls")

    def generate_urls(self) -> list[str]:
        """The URLs as given."""
        return list(self.urls)


class URLGenerationStage(PartitioningStage):
    """Make one task of every URL; each is a part, committed and retried by itself.

    Parameters
    ----------
    url_generator : URLGenerator
        Says which URLs there are.
    limit : int | None
        URLs to take at most, from the first on.
    downloader : DocumentDownloader | None
        Refuses URLs that it cannot download, when the pipeline is planned.
    """

    placement_parameters: ClassVar[frozenset[str]] = frozenset(("downloader",))
    resources = Resources(cpus=0.5)

    def __init__(
        self,
        url_generator: URLGenerator,
        limit: int | None = None,
        downloader: DocumentDownloader | None = None,
    ) -> None:
        if limit is not None and limit < 1:
            raise PlanError(f"limit={limit} is no number of URLs", todo="give 1 or more")
        self.url_generator = url_generator
        self.limit = limit
        self.downloader = downloader
        self.name = f"url_generation_{type(url_generator).__name__.lower()}"

    def num_workers(self) -> int | None:
        """One: it is asked once."""
        return 1

    def partitions(self) -> list[tuple[str, FileGroupTask]]:
        """(part name, task) of every URL; a URL that comes twice is taken once.

        Raises
        ------
        PlanError
            If there are no URLs, one of them is no URL, or two of them would have one name.
        """
        generator = type(self.url_generator).__name__
        urls = _as_list(self.url_generator.generate_urls(), f"what {generator} generates")
        unique = self._unique(urls)
        where = f"stage {self.name!r}"
        if len(unique) < len(urls):
            warnings.warn(
                f"{where}: {len(urls) - len(unique)} URLs come twice and are taken once",
                stacklevel=2,
            )
        if not unique:
            raise PlanError(f"{generator} gives no URLs", where=where, todo="check its parameters")
        # In an order of their own: names must not depend on the order in which URLs are given.
        names = self._names([unique[requested] for requested in sorted(unique)])
        chosen = list(unique.values())[: self.limit]
        return [(names[url], self._task(url)) for url in chosen]

    def _task(self, url: str) -> FileGroupTask:
        return FileGroupTask(
            type(self.url_generator).__name__.lower(),
            [url],
            slices=(FileSlice(url, version=url),),
            _metadata={"source_url": url},
        )

    def _unique(self, urls: Sequence[Any]) -> dict[str, str]:
        """The URLs without blanks around them, by the form in which they are requested."""
        unique: dict[str, str] = {}
        mistakes: list[str] = []
        for number, url in enumerate(urls, 1):
            try:
                requested = requested_form(url)
                if self.downloader is not None:
                    self.downloader.check_url(url)
                unique.setdefault(requested, without_blanks(url))
            except (ValueError, DataError) as error:
                reason = error.what if isinstance(error, DataError) else error
                mistakes.append(f"URL {number} of {len(urls)}, {_quoted(url)}: {reason}")
        if mistakes:
            left = len(mistakes) - _MISTAKES_SHOWN
            more = [f"and {left} more"] if left > 0 else []
            raise PlanError(
                "; ".join([*mistakes[:_MISTAKES_SHOWN], *more]),
                where=f"stage {self.name!r}",
                todo=f"correct or leave out what {type(self.url_generator).__name__} gives there",
            )
        return unique

    def _names(self, urls: Sequence[str]) -> dict[str, str]:
        """A part name for every URL."""
        name = self.url_generator.part_name
        is_own = type(self.url_generator).part_name is not URLGenerator.part_name
        names = {url: name(url) for url in urls} if is_own else _distinct_names(urls)
        seen: dict[str, str] = {}
        for url, part in names.items():
            other = seen.setdefault(part, url)
            if other != url:
                raise PlanError(
                    f"two URLs would both be named {part!r} in the output",
                    where=f"stage {self.name!r}, {_quoted(other)} and {_quoted(url)}",
                    todo="define part_name(self, url) in the URLGenerator: a name for each URL",
                )
        return names


def _distinct_names(urls: Sequence[str]) -> dict[str, str]:
    """A part name for every URL: its :func:`name_of`, which the first in order keeps.

    The others get their host or a hash.
    """
    names: dict[str, str] = {}
    outputs = _Outputs()
    waiting = list(urls)
    for form in (name_of, _name_with_host):
        for url in waiting:
            name = form(url)
            if outputs.take(name):
                names[url] = name
        waiting = [url for url in waiting if url not in names]
    return names | {url: _name_with_hash(url) for url in waiting}


class _Outputs:
    """The output files of part names, and the folders they lie in."""

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._folders: set[str] = set()

    def take(self, name: str) -> bool:
        """Add a part; false if a writer would put it in the place of another part's file."""
        files = {f"{name.removesuffix(ending)}{ending}" for ending in _WRITTEN}
        folders = {name[:at] for at, character in enumerate(name) if character == "/"}
        if files & self._files or files & self._folders or folders & self._files:
            return False
        self._files |= files
        self._folders |= folders
        return True


# -- URLs -------------------------------------------------------------------------------------


def without_blanks(url: str) -> str:
    """A URL without blanks, line ends and byte order marks around it, as text files have them."""
    return _AROUND.sub("", url)


def without_userinfo(url: str) -> str:
    """A URL without ``user:password@``, to be shown."""
    return re.sub(r"//[^/?#]*@", "//", url)


def requested_form(url: object) -> str:
    """What two URLs have in common if they are one download.

    For http and https the URL that is requested, see :func:`normalised`. Any other text is taken
    as it is: downloaders may take paths and schemes of their own.

    Raises
    ------
    ValueError
        If it is no URL, with the reason.
    """
    if not isinstance(url, str):
        raise ValueError(f"this is of type {type(url).__name__}, not str")
    text = without_blanks(url)
    if not text:
        raise ValueError("this is empty")
    if _HTTP.match(text):
        return normalised(text)
    if _MISTYPED.match(text):
        raise ValueError("this is no URL: it does not begin with a scheme and a host")
    _split(text)
    return text


def normalised(url: str) -> str:
    """The URL that is requested for an http:// or https:// URL.

    Scheme and host are in lower case, an international host is in its ASCII form (IDNA 2003), the
    default port and the fragment are left out, and characters that no URL may hold are escaped as
    UTF-8. What is escaped already stays as it is.

    >>> normalised("HTTP://Bücher.example:80/a b/%C3%A4.txt?q=[1]#top")
    'http://xn--bcher-kva.example/a%20b/%C3%A4.txt?q=%5B1%5D'

    Raises
    ------
    ValueError
        If it is none, with the reason.
    """
    try:
        parts, port = _split(without_blanks(url))
        if parts.scheme not in _DEFAULT_PORTS:
            known = f"its scheme is {parts.scheme!r}" if parts.scheme else "it has no scheme"
            raise ValueError(known)
        host = _ascii_host(parts.hostname or "")
        userinfo = _escaped(parts.netloc.rpartition("@")[0]).replace("@", "%40")
        path, query = _escaped(parts.path) or "/", _escaped(parts.query)
    except ValueError as error:
        raise ValueError(f"this is no http:// or https:// URL: {error}") from None
    site = host if port in (None, _DEFAULT_PORTS[parts.scheme]) else f"{host}:{port}"
    netloc = f"{userinfo}@{site}" if userinfo else site
    return urlunsplit((parts.scheme, netloc, path, query, ""))


def _split(url: str) -> tuple[SplitResult, int | None]:
    """The parts of a URL, and the port that an http URL names."""
    try:
        parts = urlsplit(url)
        return parts, parts.port if parts.scheme in _DEFAULT_PORTS else None
    except ValueError:  # whose text may hold a password
        raise ValueError("its host or port cannot be read") from None


def _ascii_host(host: str) -> str:
    if not host:
        raise ValueError("it names no host")
    if ":" in host:
        host = f"[{host}]"
    try:
        host = unquote(host, errors="strict").encode("idna").decode().lower()
    except UnicodeError as error:
        raise ValueError(f"its host cannot be encoded ({error.__cause__ or error})") from None
    if not _HOST.fullmatch(host):
        raise ValueError(f"its host {host!r} is no host name")
    return host


def _escaped(text: str) -> str:
    try:
        return quote(_LONE_PERCENT.sub("%25", text), safe=_LEGAL, errors="surrogateescape")
    except UnicodeError:
        raise ValueError("it holds half of a surrogate pair") from None


def _quoted(url: object) -> str:
    """A URL for an error message."""
    text = repr(without_userinfo(url) if isinstance(url, str) else url)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


# -- names ------------------------------------------------------------------------------------


def name_of(url: str) -> str:
    """A relative path made of a URL alone: its path, and a hash of its query if it has one.

    Matrix parameters count as part of the query. The ending of the path stays at the end.

    >>> name_of("https://host/sets/one/part-0.txt")
    'sets/one/part-0.txt'
    >>> name_of("https://host/get?id=7")
    'get-ffad385c'
    >>> name_of("https://host/sets/x.jsonl.gz?download=true")
    'sets/x-384445cf.jsonl.gz'
    """
    segments = _segments(url)
    name = "/".join(segments)
    return name if len(name.encode()) <= _LONGEST_PATH else _shortened("-".join(segments))


def local_name(url: str) -> str:
    """The local path of a normalised URL: ``<host>-<hash>/<name>``.

    The name is :func:`name_of` with ``-`` for ``/``. The hash makes the path the URL's own, as the
    name alone is not: it leaves out scheme, host and port, so that mirrors share it, and ``/a/b``
    and ``/a-b`` do. It is the hash of all of the URL before the last ``/``, so that the files of
    one remote folder lie in one local folder, if what follows is a plain file name, which the name
    then ends with; otherwise it is the hash of the whole URL. The path depends on nothing but the
    URL: what a server calls the file (``Content-Disposition``) is known only after the request.
    """
    parts = urlsplit(url)
    flat = "-".join(_segments(url))
    name = _shortened(flat)
    folder, _, last = url.rpartition("/")
    # No URL holds a blank: the folder of one is never hashed like the whole of another.
    is_plain = not parts.query and name == flat and _PLAIN.fullmatch(last)
    hashed = _hash(f"{folder} " if is_plain else url)
    return f"{host_name(url)}-{hashed}/{name}"


def host_name(url: str) -> str:
    """The host of a URL as a file name."""
    return _UNSAFE.sub("-", urlsplit(url).hostname or "").lstrip("._-")[:150] or "index"


def _name_with_host(url: str) -> str:
    return f"{host_name(url)}/{name_of(url)}" if urlsplit(url).hostname else name_of(url)


def _name_with_hash(url: str) -> str:
    """The name with a hash of the URL, but not of its password: part names are published."""
    *folders, last = name_of(url).split("/")
    hashed = _hash(without_userinfo(requested_form(url)))
    return _shortened("-".join([*folders, _with_hash(last, hashed)]))


def _segments(url: str) -> list[str]:
    """The segments of a URL's path as file names; its host if there are none."""
    parts = urlsplit(url)
    path = _ESCAPE.sub(_unreserved, parts.path).rstrip("/")
    found = _MATRIX_PARAMETERS.search(path)
    parameters = found[0] if found else ""
    segments = [_file_name(each) for each in path.removesuffix(parameters).split("/")]
    segments = [segment for segment in segments if segment]
    rest = "?".join(each for each in (parameters, parts.query) if each)
    if not segments:
        return [f"{host_name(url)}-{_hash(rest)[:8]}" if rest else host_name(url)]
    if rest:
        segments[-1] = _with_hash(segments[-1], _hash(rest)[:8])
    return [_shortened(segment) for segment in segments]


def _unreserved(escape: re.Match[str]) -> str:
    """The character of an escape, if a URL means the same with and without the escape."""
    character = chr(int(escape[1], 16))
    return character if _UNRESERVED.fullmatch(character) else escape[0]


def _file_name(segment: str) -> str:
    """A segment without characters that are no good in file names; may be empty.

    Readers pass by names that begin with a dot or an underscore.
    """
    name = _UNSAFE.sub("-", _ESCAPED_BLANKS.sub("", segment))
    stem, dot, endings = name.lstrip(".").partition(".")
    if not stem.strip("_-") and endings.strip("."):
        return f"file{dot}{endings}"
    return name.lstrip("._-")


def _with_hash(name: str, hashed: str) -> str:
    """A file name with a hash before its endings."""
    stem, dot, endings = name.partition(".")
    return f"{stem}-{hashed}{dot}{endings}"


def _shortened(name: str) -> str:
    """A file name of at most 200 bytes: where one is longer, a hash stands for what is cut out."""
    if len(name.encode()) <= _LONGEST_NAME:
        return name
    found = _ENDINGS.search(name)
    endings = found[0] if found else ""
    hashed = _hash(name)
    stem = name.encode()[: _LONGEST_NAME - len(hashed) - 1 - len(endings)]
    return f"{stem.decode(errors='ignore')}-{hashed}{endings}"


def _hash(text: str) -> str:
    return xxhash.xxh3_64_hexdigest(text.encode(errors="surrogatepass"))


def _as_list(urls: object, what: str) -> list[Any]:
    if isinstance(urls, str | bytes):
        raise PlanError(f"{what} is one URL: {_quoted(urls)}", todo="give a list of URLs")
    if not isinstance(urls, Iterable):
        raise PlanError(f"{what} is no list: {_quoted(urls)}", todo="give a list of URLs")
    return list(urls)
