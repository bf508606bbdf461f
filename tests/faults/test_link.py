# SPDX-License-Identifier: Apache-2.0
"""A link that is cut in the middle of a run: no packet says so, and no call returns."""

import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from tests.faults.engines import SCRIPT
from tests.faults.hosts import ADDRESSES, TwoHosts, two_hosts
from tests.faults.jobs import ROOT, Job, committed_parts, problems, read

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def hosts() -> Iterator[TwoHosts]:
    with two_hosts() as hosts:
        yield hosts


@pytest.mark.parametrize("engine", ["ray actor pool", "xenna"])
def test_a_link_is_cut(engine: str, hosts: TwoHosts, tmp_path: Path) -> None:
    source = tmp_path / "input"
    for language in ("en", "fr", "ru"):
        shutil.copytree(ROOT / "examples" / "corpus" / language, source / language)
    job = Job(tmp_path / "local", source, {"JOB_SLOW": "0"}, script=SCRIPT)
    said = job.finish()
    assert job.process.returncode == 0, said
    reference = read(tmp_path / "local")
    output = tmp_path / "out"

    run = hosts.run(
        0,
        [sys.executable, str(SCRIPT), str(output)],
        JOB_INPUT=str(source),
        JOB_ENGINE=engine,
        JOB_SLOW="1",
    )
    told: list[tuple[float, str]] = []
    listener = Thread(target=lambda: told.extend((time.monotonic(), x) for x in run.stdout or ()))
    listener.start()
    while run.poll() is None and committed_parts(output) < 2:
        time.sleep(0.05)
    hosts.cut()
    cut = time.monotonic()
    run.wait(timeout=300)
    listener.join()
    assert run.stdout is not None
    run.stdout.close()
    hosts.mend()
    hosts.start_other()

    said = "".join(line for _, line in told)
    assert run.returncode == 0, said
    assert problems(output, reference) == []
    noticed = [when - cut for when, line in told if f"{ADDRESSES[1]} does not answer" in line]
    assert noticed, [x for _, x in told if "warning" in x or "rror" in x]
    print(f"{engine}: noticed after {noticed[0]:.1f} s, done after {told[-1][0] - cut:.1f} s")
    assert noticed[0] < 30
