# SPDX-License-Identifier: Apache-2.0
"""Starting and stopping a Prometheus, and telling it of clusters."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.metrics.scraping import ask, needs_prometheus
from thresher.cli import main
from thresher.errors import EngineError, PlanError
from thresher.metrics import server
from thresher.metrics.discovery import RAY_FILE, register, unregister
from thresher.metrics.folder import CONFIG, PID, PORT


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture
def prometheus(tmp_path: Path) -> Iterator[server.Status]:
    """A real one, with its own folder and port."""
    needs_prometheus()
    yield server.start(free_port(), tmp_path / "m", ["node1:9464"])
    server.stop(tmp_path / "m")


def ray_files(folder: Path) -> list[str]:
    config = yaml.safe_load((folder / CONFIG).read_text())
    (job,) = (job for job in config["scrape_configs"] if job["job_name"] == "ray")
    return [file for each in job["file_sd_configs"] for file in each["files"]]


@pytest.mark.engine
def test_it_is_started_once_and_stopped(prometheus: server.Status) -> None:
    folder = prometheus.folder
    again = server.start(free_port(), folder)

    assert again == prometheus == server.status(folder)
    assert ask(prometheus.url, "vector(1)")[0]["value"][1] == "1"
    assert server.stop(folder)
    assert server.status(folder).pid is None
    assert not server.stop(folder)
    assert not (folder / PID).exists()


@pytest.mark.engine
def test_clusters_come_and_go(prometheus: server.Status, tmp_path: Path) -> None:
    cluster = tmp_path / "ray"
    cluster.mkdir()
    target = [{"labels": {"job": "ray"}, "targets": ["127.0.0.1:1"]}]
    (cluster / RAY_FILE).write_text(json.dumps(target))

    assert register(cluster, prometheus.folder)
    assert register(str(cluster), prometheus.folder)
    assert ray_files(prometheus.folder) == [str(cluster / RAY_FILE)]
    while not ask(prometheus.url, 'up{instance="127.0.0.1:1"}'):  # it was told to read it again
        pass
    assert unregister(cluster, prometheus.folder)
    assert unregister(cluster, prometheus.folder)
    assert ray_files(prometheus.folder) == []


@pytest.mark.engine
def test_a_port_that_is_taken(tmp_path: Path) -> None:
    needs_prometheus()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(EngineError, match="address already in use") as raised:
            server.start(port, tmp_path / "m")

    assert "--port" in raised.value.todo
    assert not (tmp_path / "m" / PID).exists()


@pytest.mark.engine
def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    needs_prometheus()
    at = ["--metrics-dir", str(tmp_path / "m")]
    assert main(["metrics", "status", *at]) == 0
    assert "no Prometheus runs" in capsys.readouterr().out
    try:
        assert main(["metrics", "start", "--port", str(free_port()), *at]) == 0
        assert "Prometheus: http://127.0.0.1:" in capsys.readouterr().out
        assert main(["metrics", "start", *at]) == 0
        assert "runs already" in capsys.readouterr().out
        assert main(["metrics", "status", "--json", *at]) == 0
        assert json.loads(capsys.readouterr().out)["running"] is True
    finally:
        assert main(["metrics", "stop", *at]) == 0
    assert "stopped" in capsys.readouterr().out


# -- without one ---------------------------------------------------------------------------------


def test_no_prometheus_is_told_with_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert main(["metrics", "start", "--metrics-dir", str(tmp_path / "m")]) == 2
    assert "apt-get install prometheus" in capsys.readouterr().err
    assert not (tmp_path / "m").exists()


def test_what_is_no_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "prometheus").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "prometheus").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    for target in ("node1", "http://node1:1", ":9464", "node1:port"):
        with pytest.raises(PlanError, match="HOST:PORT"):
            server.start(1, tmp_path / "m", [target])


def test_a_process_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / PORT).write_text("9090")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        for pid in (other.pid, os.getpid(), 2**22 + 1, "?"):
            (tmp_path / PID).write_text(str(pid))
            assert server.status(tmp_path).pid is None
            assert not server.stop(tmp_path)
        assert other.poll() is None
        other.communicate(b"\n")


@pytest.mark.parametrize("folder", ["nothing", "stale"])
def test_clusters_without_a_prometheus(tmp_path: Path, folder: str) -> None:
    (tmp_path / "stale").mkdir()
    (tmp_path / "stale" / PID).write_text("1")

    assert register(tmp_path, tmp_path / folder) is False
    assert unregister(tmp_path, tmp_path / folder) is False
    assert not (tmp_path / "nothing").exists()
