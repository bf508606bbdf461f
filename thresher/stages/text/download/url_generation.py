# SPDX-License-Identifier: Apache-2.0
"""URLGenerator: says what to download; and the stage that makes a part of every address."""

from __future__ import annotations

import re
import warnings
from abc import ABC, abstractmethod
from collections.abc import Sequence
from urllib.parse import urlsplit

import xxhash

from thresher.errors import PlanError
from thresher.stages.parameters import Parametrised
from thresher.stages.partitioning import PartitioningStage
from thresher.stages.resources import Resources
from thresher.tasks import FileGroupTask, FileSlice

_UNSAFE = re.compile(r"[^\w.+=@,~%-]+")


class URLGenerator(Parametrised, ABC):
    """Says which addresses to download. Define :meth:`generate_urls`."""

    @abstractmethod
    def generate_urls(self) -> list[str]:
        """The addresses, in the order of the output. Asked once, when the pipeline is planned."""

    def part_name(self, url: str) -> str:
        """What the part of an address, and so its output file, is called.

        The path of the address; a query goes into it as a hash.
        """
        return name_of(url)


class UrlList(URLGenerator):
    """Addresses that are known.

    Parameters
    ----------
    urls : list[str]
        The addresses.
    """

    def __init__(self, urls: Sequence[str]) -> None:
        if isinstance(urls, str):
            raise PlanError(f"urls={urls!r} is one address", todo=f"give a list: [{urls!r}]")
        self.urls = list(urls)

    def generate_urls(self) -> list[str]:
        """The addresses as given."""
        return list(self.urls)


class URLGenerationStage(PartitioningStage):
    """Make one task of every address; each is a part, committed and retried by itself.

    Parameters
    ----------
    url_generator : URLGenerator
        Says which addresses there are.
    limit : int | None
        Addresses to take at most, from the first on.
    """

    resources = Resources(cpus=0.5)

    def __init__(self, url_generator: URLGenerator, limit: int | None = None) -> None:
        if limit is not None and limit < 1:
            raise PlanError(f"limit={limit} is no number of addresses", todo="give 1 or more")
        self.url_generator = url_generator
        self.limit = limit
        self.name = f"url_generation_{type(url_generator).__name__.lower()}"

    def num_workers(self) -> int | None:
        """One: it is asked once."""
        return 1

    def partitions(self) -> list[tuple[str, FileGroupTask]]:
        """(part name, task) of every address; an address that comes twice is taken once.

        Raises
        ------
        PlanError
            If there are no addresses, or two of them would have one name.
        """
        urls = list(self.url_generator.generate_urls())
        unique = list(dict.fromkeys(urls))
        where = f"stage {self.name!r}"
        if len(unique) < len(urls):
            warnings.warn(
                f"{where}: {len(urls) - len(unique)} addresses come twice and are taken once",
                stacklevel=2,
            )
        if not unique:
            raise PlanError(
                f"{type(self.url_generator).__name__} gives no addresses",
                where=where,
                todo="check its parameters",
            )
        self._refuse_collisions(unique)
        chosen = unique[: self.limit]
        return [(self.url_generator.part_name(url), self._task(url)) for url in chosen]

    def _task(self, url: str) -> FileGroupTask:
        return FileGroupTask(
            type(self.url_generator).__name__.lower(),
            [url],
            slices=(FileSlice(url, version=url),),
            _metadata={"source_url": url},
        )

    def _refuse_collisions(self, urls: Sequence[str]) -> None:
        seen: dict[str, str] = {}
        for url in urls:
            name = self.url_generator.part_name(url)
            other = seen.setdefault(name, url)
            if other != url:
                raise PlanError(
                    f"two addresses would both be named {name!r} in the output",
                    where=f"{other} and {url}",
                    todo="define part_name(self, url) in the URLGenerator",
                )


def name_of(url: str) -> str:
    """A relative path made of an address alone: its path, and a hash of its query if it has one.

    >>> name_of("https://host/sets/one/part-0.txt")
    'sets/one/part-0.txt'
    >>> name_of("https://host/get?id=7")
    'get-ffad385c'
    """
    parts = urlsplit(url)
    segments = [_UNSAFE.sub("-", segment).lstrip("._-") for segment in parts.path.split("/")]
    name = "/".join(segment for segment in segments if segment) or parts.hostname or "index"
    if not parts.query:
        return name
    return f"{name}-{xxhash.xxh3_64_hexdigest(parts.query.encode())[:8]}"
