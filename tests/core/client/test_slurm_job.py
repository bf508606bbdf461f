# SPDX-License-Identifier: Apache-2.0
"""What is known of a Slurm job, and how its nodes meet; without Ray."""

from __future__ import annotations

import os
import pickle
import socket
from pathlib import Path

import pytest

from thresher.core.client import SlurmRayClient, slurm
from thresher.core.client.allocation import Allocation
from thresher.core.client.holding import PRIVATE
from thresher.core.client.meeting_point import FOLDER, Head, MeetingPoint
from thresher.core.client.ports import Claims
from thresher.errors import EngineError

HEAD = Head("10.0.0.1:6379", "secret")


@pytest.fixture(autouse=True)
def _a_job(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [*filter(lambda name: name.startswith("SLURM_"), os.environ), "RAY_ADDRESS"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))  # no scontrol
    monkeypatch.setenv(FOLDER, str(tmp_path))
    monkeypatch.setenv("SLURM_JOB_ID", "77")
    monkeypatch.setenv("SLURM_JOB_NODELIST", "n[08-10]")
    monkeypatch.setenv("SLURM_NODEID", "1")


@pytest.fixture
def meeting() -> MeetingPoint:
    return MeetingPoint(Allocation("77", ("n08", "n09"), 0))


def test_a_job_is_what_slurm_says(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Allocation.from_environment()
    monkeypatch.setenv("SLURM_STEP_NODELIST", "n09")
    step = Allocation.from_environment()
    monkeypatch.delenv("SLURM_JOB_ID")

    assert whole == Allocation("77", ("n08", "n09", "n10"), 1)
    assert step == Allocation("77", ("n09",), 1)
    assert Allocation.from_environment() is None


def test_slurm_itself_expands_its_lists(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tool = tmp_path / "scontrol"
    tool.write_text('#!/bin/sh\n[ "$*" = "show hostnames n[08-10]" ] && echo x && echo y\n')
    tool.chmod(0o755)

    asked = Allocation.from_environment()
    tool.write_text("#!/bin/sh\nexit 1\n")
    without = Allocation.from_environment()

    assert asked is not None
    assert asked.nodes == ("x", "y")
    assert without is not None
    assert without.nodes == ("n08", "n09", "n10")


def test_two_tasks_on_a_node_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_LOCALID", "1")

    with pytest.raises(EngineError) as caught:
        SlurmRayClient().start()

    assert "--ntasks-per-node=1" in caught.value.todo


def test_the_share_of_the_node_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_CPUS_ON_NODE", "12")
    monkeypatch.setenv("SLURM_GPUS_ON_NODE", "a100:2")
    inside, asked = SlurmRayClient(), SlurmRayClient(num_cpus=3, num_gpus=0)
    monkeypatch.delenv("SLURM_JOB_ID")
    outside = SlurmRayClient()

    assert (inside.num_cpus, inside.num_gpus) == (12, 2)
    assert (asked.num_cpus, asked.num_gpus) == (3, 0)
    assert (outside.num_cpus, outside.num_gpus) == (None, None)
    assert inside.ray_dashboard_host == "0.0.0.0"
    assert (inside.worker_connect_timeout_s, inside.cleanup_on_start) == (300, True)


def test_a_number_that_is_none_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_CPUS_ON_NODE", "many")

    with pytest.raises(EngineError, match="SLURM_CPUS_ON_NODE: 'many'"):
        SlurmRayClient()


def test_what_the_head_tells_is_read(meeting: MeetingPoint, tmp_path: Path) -> None:
    before = meeting.read()
    meeting.publish(HEAD)
    file = tmp_path / "ray_head_port_77"
    told = meeting.read()

    assert before is None
    assert told == HEAD
    assert file.read_text().splitlines()[0] == "6379"
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]
    meeting.withdraw()
    meeting.withdraw()
    assert meeting.read() is None


def test_a_head_that_only_tells_its_port_is_on_the_first_node(
    meeting: MeetingPoint, tmp_path: Path
) -> None:
    (tmp_path / "ray_head_port_77").write_text("7001")

    assert meeting.read() == Head("n08:7001", None)


@pytest.mark.parametrize("text", ["", "\n", "port", "1\n[]", '1\n{"address"', "1\n{}", "1\n7"])
def test_what_is_half_there_is_not_there(text: str, meeting: MeetingPoint, tmp_path: Path) -> None:
    (tmp_path / "ray_head_port_77").write_text(text)

    assert meeting.read() is None


def test_a_file_of_somebody_else_is_neither_read_nor_removed(
    meeting: MeetingPoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting.publish(HEAD)
    monkeypatch.setattr(os, "getuid", lambda: 12345)

    assert meeting.read() is None
    meeting.withdraw()
    assert (tmp_path / "ray_head_port_77").exists()


def test_a_folder_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER, "/nowhere")

    with pytest.raises(EngineError) as caught:
        MeetingPoint(Allocation("77", ("n08",), 0)).publish(HEAD)

    assert FOLDER in caught.value.todo


def test_a_head_that_does_not_answer_is_no_head(meeting: MeetingPoint) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        there = Head(f"127.0.0.1:{server.getsockname()[1]}", None)
        meeting.publish(there)
        assert slurm.wait_for_head(meeting, 5) == there

    with pytest.raises(TimeoutError, match="did not tell its port"):
        slurm.wait_for_head(meeting, 0)


def test_a_node_whose_head_never_comes_ends_with_a_time_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(slurm, "HEAD_TIMEOUT_S", 0.1)
    before = set(PRIVATE.glob("thresher-job-77-*"))

    with pytest.raises(EngineError, match="did not tell its port") as caught:
        SlurmRayClient().start()

    assert isinstance(caught.value, TimeoutError)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    assert set(PRIVATE.glob("thresher-job-77-*")) == before


def test_leftovers_of_a_job_go_unless_their_client_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slurm, "PRIVATE", tmp_path)
    names = ["thresher-job-77-stale", "thresher-job-77-running", "thresher-job-770-other", "ray"]
    for name in names:
        (tmp_path / name / "ray").mkdir(parents=True)
    claims = Claims()
    claims.claim(str(tmp_path / names[1]))

    slurm.remove_leftovers("thresher-job-77-")
    claims.release()

    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names[1:])
