# SPDX-License-Identifier: Apache-2.0
"""What is settled before Ray starts: options, variables, token, memory, folder."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest

from thresher.core.client import RayClient, authentication, metrics, object_store, ray_client
from thresher.core.client import head as head_module
from thresher.core.client.environment import HEALTH, XENNA, Variables, ray_environment
from thresher.core.client.holding import DEFAULT_TEMP_DIR, LONGEST_TEMP_DIR, Holding
from thresher.errors import EngineError, PlanError

AUTH = (authentication.MODE, authentication.TOKEN, authentication.TOKEN_PATH)


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (*AUTH, *XENNA, *HEALTH, "RAY_ADDRESS"):
        monkeypatch.setenv(name, "")  # so that it is put back
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


def test_the_documented_defaults() -> None:
    client = RayClient()

    assert (client.ray_port, client.ray_dashboard_port) == (6379, 8265)
    assert (client.ray_client_server_port, client.ray_metrics_port) == (10001, 8080)
    assert (client.ray_temp_dir, client.ray_dashboard_host) == ("/tmp/ray", "127.0.0.1")
    assert client.include_dashboard
    assert not client.enable_object_spilling
    assert client.num_cpus is client.num_gpus is client.object_store_memory is None
    assert client.ray_stdouterr_capture_file is client.metrics_dir is None
    assert client.address is client.dashboard_url is client.temp_dir is None


def test_a_capture_file_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "ray.log"
    RayClient(ray_stdouterr_capture_file=str(file))
    file.touch()

    with pytest.raises(FileExistsError, match=r"ray\.log exists already"):
        RayClient(ray_stdouterr_capture_file=str(file))


def test_stop_before_start_is_nothing() -> None:
    client = RayClient()

    client.stop()

    assert client.address is None


def test_without_ray_the_line_to_install_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head_module, "find_spec", lambda name: None)

    with pytest.raises(PlanError, match=r"pip install 'thresher\[ray\]'"):
        RayClient().start()


def test_an_address_where_nothing_answers_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")

    with pytest.raises(EngineError) as caught:
        RayClient().start()

    assert caught.value.where == "RAY_ADDRESS=127.0.0.1:1"
    assert "unset RAY_ADDRESS" in caught.value.todo


def test_a_users_own_variables_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = "RAY_health_check_period_ms"
    monkeypatch.setenv(chosen, "7")

    made = ray_environment(spill=True)

    assert chosen not in made
    assert made["RAY_MAX_LIMIT_FROM_API_SERVER"] == "40000"
    assert made["RAY_automatic_object_spilling_enabled"] == "1"
    assert ray_environment(spill=False)["RAY_automatic_object_spilling_enabled"] == "0"


def test_variables_go_back_unless_somebody_has_changed_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RAY_A", "before")
    monkeypatch.delenv("RAY_B", raising=False)
    monkeypatch.delenv("RAY_C", raising=False)
    variables = Variables()
    for name in ("RAY_A", "RAY_B", "RAY_C"):
        variables.set(name, "ours")
    monkeypatch.setenv("RAY_C", "of another cluster")

    variables.restore()
    variables.restore()

    assert os.environ["RAY_A"] == "before"
    assert "RAY_B" not in os.environ
    assert os.environ["RAY_C"] == "of another cluster"


def test_a_token_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    variables = Variables()
    authentication.turn_on(variables)
    file = tmp_path / ".ray/auth_token"
    first = file.read_text()
    authentication.turn_on(variables)

    assert os.environ[authentication.MODE] == "token"
    assert authentication.token() == first == file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["auth_token"]
    variables.restore()
    assert authentication.MODE not in os.environ


def test_a_token_that_is_there_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("abc\n")
    monkeypatch.setenv(authentication.TOKEN_PATH, str(tmp_path / "mine"))
    authentication.turn_on(Variables())
    from_file = authentication.token()
    monkeypatch.setenv(authentication.TOKEN, "def")
    authentication.turn_on(Variables())
    monkeypatch.delenv(authentication.MODE)

    assert (from_file, authentication.token()) == ("abc", "def")
    assert not (tmp_path / ".ray").exists()


def test_without_a_home_to_write_to_the_token_is_in_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    variables = Variables()

    authentication.turn_on(variables)

    assert len(os.environ[authentication.TOKEN]) == 64
    variables.restore()
    assert authentication.TOKEN not in os.environ


def test_who_opts_out_has_no_token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(authentication.MODE, "disabled")

    authentication.turn_on(Variables())

    assert os.environ[authentication.MODE] == "disabled"
    assert authentication.token() is None
    assert not (tmp_path / ".ray").exists()


GIB = 1 << 30


@pytest.mark.parametrize(
    ("memory", "shared", "disk", "expected"),
    [
        (10 * GIB, 100 * GIB, 0, 3 * GIB),
        (10 * GIB, 2 * GIB, 100 * GIB, GIB),
        (10 * GIB, 64 << 20, 100 * GIB, 3 * GIB),  # a container's /dev/shm: Ray takes the disk
        (10 * GIB, 64 << 20, 2 * GIB, GIB),
        (100 << 20, GIB, GIB, object_store.LEAST),
        (4000 * GIB, 4000 * GIB, 0, object_store.MOST),
    ],
)
def test_the_object_store_fits_memory_and_place(
    memory: int, shared: int, disk: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def disk_usage(place: Path) -> SimpleNamespace:
        return SimpleNamespace(free=shared if place == object_store.SHARED_MEMORY else disk)

    monkeypatch.setattr(object_store, "memory_limit", lambda: memory)
    monkeypatch.setattr(object_store.shutil, "disk_usage", disk_usage)

    assert abs(object_store.object_store_bytes(Path("/tmp/x")) - expected) <= 1


def test_each_cluster_has_a_folder_of_its_own() -> None:
    first, second = (Holding(DEFAULT_TEMP_DIR, "thresher-test-") for _ in range(2))
    private = first.folder.parent

    assert first.folder != second.folder
    assert len(str(first.folder)) <= LONGEST_TEMP_DIR
    assert private.stat().st_mode & 0o777 == 0o700
    first.let_go()
    second.let_go()
    assert not private.exists()


def test_a_folder_asked_for_is_for_one_cluster_and_stays() -> None:
    folder = Path("/tmp") / f"thresher-test-{os.getpid()}"
    first = Holding(str(folder), "")
    with pytest.raises(EngineError, match="another Ray cluster"):
        Holding(str(folder), "")
    first.let_go()
    Holding(str(folder), "").let_go()

    assert folder.exists()
    folder.rmdir()


def test_a_folder_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="shorter ray_temp_dir"):
        Holding("/tmp/" + "x" * LONGEST_TEMP_DIR, "")
    with pytest.raises(EngineError, match="cannot be made"):
        Holding("/dev/null/ray", "")


def test_prometheus_is_told_where_one_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, str, str | None]] = []
    discovery = SimpleNamespace(
        register=lambda folder, place: bool(calls.append(("register", folder, place))),
        unregister=lambda folder, place: bool(calls.append(("unregister", folder, place))),
    )
    monkeypatch.setitem(sys.modules, "thresher.metrics", SimpleNamespace(discovery=discovery))
    monkeypatch.setitem(sys.modules, "thresher.metrics.discovery", discovery)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        metrics.register("/tmp/ray-1", None)
    with pytest.warns(UserWarning, match="no Prometheus of Thresher runs for /tmp/m"):
        metrics.register("/tmp/ray-1", "/tmp/m")
    metrics.unregister("/tmp/ray-1", None)

    assert calls == [
        ("register", "/tmp/ray-1", None),
        ("register", "/tmp/ray-1", "/tmp/m"),
        ("unregister", "/tmp/ray-1", None),
    ]


class Nodes:
    """Stands for what is launched: each start ends as told."""

    folder = Path("/tmp/thresher-test/ray")

    def __init__(self, *ends: EngineError | int) -> None:
        self.ends = list(ends)
        self.log = Path("/tmp/thresher-test/ray/start.log")

    def launch(self, *_: object) -> Nodes:
        return self

    def wait_for_nodes(self, address: str, count: int, timeout: float) -> int:
        end = self.ends.pop(0)
        if isinstance(end, EngineError):
            raise end
        return end

    def tail(self) -> str:
        return "\n    the last line"


COMMAND = head_module.Command("127.0.0.1:6379", [], {})


def test_ray_that_gives_up_on_a_busy_machine_is_started_again() -> None:
    slow = EngineError(f"ray start ended: The current node {ray_client.TOO_SLOW}.")
    nodes = Nodes(slow, slow, 1)

    assert RayClient()._launch(nodes, COMMAND) is nodes  # type: ignore[arg-type]
    with pytest.raises(EngineError, match="no such option"):
        RayClient()._launch(Nodes(EngineError("no such option"), 1), COMMAND)  # type: ignore[arg-type]


def test_a_cluster_that_does_not_answer_shows_its_log() -> None:
    with pytest.raises(EngineError, match="the last line") as caught:
        RayClient()._launch(Nodes(0), COMMAND)  # type: ignore[arg-type]

    assert caught.value.where == "/tmp/thresher-test/ray/start.log"
