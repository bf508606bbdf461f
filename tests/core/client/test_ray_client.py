# SPDX-License-Identifier: Apache-2.0
"""Real clusters: that they start, answer, end, and leave nothing and nobody else behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from thresher.core.client import RayClient
from thresher.core.client.ports import answers
from thresher.errors import EngineError

pytest.importorskip("ray")
pytestmark = pytest.mark.engine

SMALL = 100 << 20
OPTIONS = f"num_cpus=1, object_store_memory={SMALL}, include_dashboard=False"


def client(**options: object) -> RayClient:
    small = {"num_cpus": 1, "object_store_memory": SMALL, "include_dashboard": False}
    return RayClient(**{**small, **options})  # type: ignore[arg-type]


def processes_of(folder: str | Path) -> list[str]:
    """Command lines that name a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in line:
            found.append(line)
    return found


def private_folders() -> set[Path]:
    return set(Path("/tmp").glob("thresher-ray-*"))


def wait_until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


@pytest.fixture
def _no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "")  # so that it is put back
    monkeypatch.delenv("RAY_ADDRESS")


@pytest.fixture(scope="module")
def running() -> Iterator[RayClient]:
    """A cluster that the tests must leave alone."""
    found = client()
    before = os.environ.pop("RAY_ADDRESS", None)
    found.start()
    del os.environ["RAY_ADDRESS"]
    yield found
    found.stop()
    if before is not None:
        os.environ["RAY_ADDRESS"] = before


def run(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=180,
        check=False,
    )


@pytest.mark.usefixtures("_no_address")
def test_two_clusters_live_side_by_side_and_one_ends_alone(running: RayClient) -> None:
    with client() as second:
        assert os.environ["RAY_ADDRESS"] == second.address != running.address
        assert second.temp_dir != running.temp_dir
        assert second.temp_dir is not None
        folder, address = Path(second.temp_dir), str(second.address)
        assert answers(address)
        assert processes_of(folder)
        second.start()  # nothing happens

    second.stop()
    assert "RAY_ADDRESS" not in os.environ
    assert processes_of(folder) == []
    assert not folder.parent.exists()
    assert not answers(address)
    assert answers(str(running.address))


DRIVER = """
import os, ray
from thresher.core.client import RayClient
with RayClient({options}) as client:
    ray.init(log_to_driver=False)
    store = ray.cluster_resources()["object_store_memory"]
    asked = ray.get(ray.remote(lambda: dict(os.environ)).remote())
    print(client.address == ray.get_runtime_context().gcs_address, int(store))
    print(asked["RAY_AUTH_MODE"], asked["RAY_MAX_LIMIT_FROM_API_SERVER"])
    print(asked["RAY_automatic_object_spilling_enabled"], os.path.isdir(client.temp_dir + "/spill"))
print(ray.is_initialized(), "RAY_ADDRESS" in os.environ, "RAY_AUTH_MODE" in os.environ)
"""


@pytest.mark.usefixtures("_no_address")
def test_a_script_works_on_its_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RAY_AUTH_MODE", "RAY_automatic_object_spilling_enabled"):
        monkeypatch.delenv(name, raising=False)

    ran = run(DRIVER.format(options=f"{OPTIONS}, enable_object_spilling=True"))

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == [
        f"True {SMALL}", "token 40000", "1 True", "False False False",
    ]  # fmt: skip


INTRUDER = """
import sys
from ray._raylet import GcsClient
try:
    GcsClient(address=sys.argv[1]).get_all_node_info(timeout=5)
except Exception as error:
    sys.exit(type(error).__name__)
"""


def test_nobody_gets_in_without_the_token(running: RayClient, tmp_path: Path) -> None:
    def ask(**environment: str) -> str:
        asked = subprocess.run(
            [sys.executable, "-c", INTRUDER, str(running.address)],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return asked.stderr.splitlines()[-1] if asked.returncode else "in"

    assert ask(RAY_AUTH_MODE="token") == "in"
    assert ask(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN="f" * 64) == "AuthenticationError"
    assert ask(RAY_AUTH_MODE="disabled") == "AuthenticationError"


def test_a_running_cluster_is_used_and_left(
    running: RayClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", str(running.address))
    before = private_folders()

    with client() as second:
        assert second.address == running.address
        assert second.temp_dir is None
        assert private_folders() == before

    assert os.environ["RAY_ADDRESS"] == running.address
    assert answers(str(running.address))


@pytest.mark.usefixtures("_no_address")
def test_a_busy_port_that_was_asked_for_is_an_error(running: RayClient) -> None:
    port = int(str(running.address).rpartition(":")[2])
    before = private_folders()
    other = client(ray_port=6378, ray_client_server_port=port)

    with pytest.raises(EngineError, match=f"port {port} for Ray's client server is in use"):
        other.start()

    assert private_folders() == before
    assert other.address is None
    assert "RAY_ADDRESS" not in os.environ


@pytest.mark.usefixtures("_no_address")
def test_a_start_that_fails_shows_its_log(tmp_path: Path) -> None:
    log = tmp_path / "ray.log"
    other = client(num_cpus=-1, ray_stdouterr_capture_file=str(log))
    before = private_folders()

    with pytest.raises(EngineError) as caught:
        other.start()

    left = private_folders() - before
    assert caught.value.where == str(log)
    assert log.read_text().splitlines()[-1] in caught.value.what
    assert [processes_of(folder) for folder in left] == [[]]
    for folder in left:
        subprocess.run(["rm", "-r", str(folder)], check=True)


BUSY = f"""
import os, time
from thresher.core.client import RayClient
client = RayClient({OPTIONS})
try:
    client.start()
except KeyboardInterrupt:
    print("interrupted", client.address, "RAY_ADDRESS" in os.environ, flush=True)
else:
    print(client.temp_dir, flush=True)
    time.sleep(300)
"""


@pytest.fixture
def script() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, "-c", BUSY], stdout=subprocess.PIPE, text=True)
    yield process
    process.kill()
    process.communicate()


@pytest.mark.usefixtures("_no_address")
def test_ctrl_c_during_start_leaves_nothing(
    running: RayClient, request: pytest.FixtureRequest
) -> None:
    before = private_folders()
    script: subprocess.Popen[str] = request.getfixturevalue("script")
    wait_until(
        lambda: any("gcs_server" in line for f in private_folders() - before
                    for line in processes_of(f)),
        "Ray is starting",
    )  # fmt: skip
    folders = private_folders() - before

    script.send_signal(signal.SIGINT)

    assert script.communicate(timeout=60)[0].split() == ["interrupted", "None", "False"]
    assert [processes_of(folder) for folder in folders] == [[]]
    assert private_folders() == before
    assert answers(str(running.address))


@pytest.mark.usefixtures("_no_address")
def test_a_cluster_does_not_outlive_a_script_that_is_killed(
    request: pytest.FixtureRequest,
) -> None:
    script: subprocess.Popen[str] = request.getfixturevalue("script")
    assert script.stdout is not None
    folder = Path(script.stdout.readline().strip())
    assert processes_of(folder)

    script.kill()

    wait_until(lambda: not processes_of(folder), "all processes end")
    wait_until(lambda: not folder.parent.exists(), "the folder is removed")


JOB = """
import os, time, ray
from thresher.core.client import SlurmRayClient
with SlurmRayClient(object_store_memory=100 << 20, include_dashboard=False) as client:
    ray.init(log_to_driver=False)
    print(os.environ["SLURM_NODEID"], ray.cluster_resources()["CPU"], flush=True)
"""


@pytest.mark.usefixtures("_no_address")
def test_the_nodes_of_a_slurm_job_become_one_cluster(tmp_path: Path) -> None:
    job = {
        "SLURM_JOB_ID": str(os.getpid()),
        "SLURM_JOB_NODELIST": "n[1-2]",
        "SLURM_CPUS_ON_NODE": "1",
        "RAY_PORT_BROADCAST_DIR": str(tmp_path),
    }
    nodes = [
        subprocess.Popen(
            [sys.executable, "-c", JOB],
            env={**os.environ, **job, "SLURM_NODEID": str(index)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for index in (1, 0)
    ]
    told = [node.communicate(timeout=180) for node in nodes]

    assert [node.returncode for node in nodes] == [0, 0], told
    assert [out for out, _ in told] == ["", "0 2.0\n"]
    assert list(tmp_path.iterdir()) == []
    assert list(Path("/tmp").glob(f"thresher-job-{os.getpid()}-*")) == []
