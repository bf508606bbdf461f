# SPDX-License-Identifier: Apache-2.0
"""Messages of an engine's workers reach the driver, also those of workers that end at once."""

import contextlib
import os
import pickle
import socket
import time
from multiprocessing.connection import Connection

import pytest

from thresher.backends.executor import Failed, Heartbeat
from thresher.backends.ray.cluster import engine
from thresher.backends.ray.mailbox import Mailbox, Sender
from thresher.errors import EngineError

pytestmark = pytest.mark.engine


WHERE = {"a": "at work"}


class Worker:
    """An actor that tells something, and may end."""

    def __init__(self, address):
        self.sender = Sender(engine("ray"), address, WHERE.get)

    def tell(self, count, ends):
        for number in range(count):
            self.sender.beat(Heartbeat("a", number, "stage"))
            self.sender.send(Failed(str(number), (), 0, "died", "x" * 10_000))
        if ends:
            os._exit(1)
        return os.getpid()


@pytest.fixture
def mailbox(cluster):
    made = Mailbox(engine("ray"))
    yield made
    made.close()


def failures(mailbox, count):
    found = []
    deadline = time.monotonic() + 60
    while len(found) < count and time.monotonic() < deadline:
        found += [message for message in mailbox.taken() if isinstance(message, Failed)]
        time.sleep(0.01)
    return [int(message.token) for message in found]


def test_what_was_sent_arrives_in_order_though_its_worker_is_gone(mailbox):
    ray = engine("ray")
    worker = ray.remote(num_cpus=0, max_restarts=0)(Worker).remote(mailbox.address)
    with pytest.raises(ray.exceptions.RayActorError):
        ray.get(worker.tell.remote(200, True))
    assert failures(mailbox, 200) == list(range(200))
    assert mailbox.taken() == []


def test_workers_can_be_ended(mailbox):
    ray = engine("ray")
    kind = ray.remote(num_cpus=0, max_restarts=0)(Worker)
    workers = [kind.remote(mailbox.address) for _ in range(2)]
    pids = ray.get([worker.tell.remote(1, False) for worker in workers])
    assert len(failures(mailbox, 2)) == 2
    mailbox.end_workers()
    for worker in workers:
        with pytest.raises(ray.exceptions.RayActorError):
            ray.get(worker.tell.remote(1, False), timeout=60)
    assert len(set(pids)) == 2


def test_workers_say_where_they_are(mailbox):
    ray = engine("ray")
    worker = ray.remote(num_cpus=0, max_restarts=0)(Worker).remote(mailbox.address)
    ray.get(worker.tell.remote(1, False))
    assert failures(mailbox, 1) == [0]
    assert mailbox.stack("a") == "at work"
    assert mailbox.stack("b") == ""


@pytest.mark.parametrize("key", [b"", b"x", b"x" * 32, b"x" * 1_000_000])
def test_strangers_are_not_listened_to(mailbox, key):
    told = pickle.dumps(Failed("stranger", (), 0, "died", ""))
    with socket.create_connection((mailbox.address.host, mailbox.address.port)) as client:
        client.settimeout(30)
        with contextlib.suppress(ConnectionError):  # it hangs up before all is said
            client.sendall(key)
            connection = Connection(os.dup(client.fileno()))
            connection.send_bytes(told)
            connection.send_bytes(told)
            connection.close()
            with contextlib.suppress(OSError):  # of one that has hung up already
                client.shutdown(socket.SHUT_WR)
            assert client.recv(1) == b""
    assert mailbox.taken() == []


def test_workers_that_do_not_reach_the_driver_say_where_they_looked(mailbox):
    mailbox.close()
    with pytest.raises(EngineError, match=f"{mailbox.address.host}:{mailbox.address.port}"):
        Sender(engine("ray"), mailbox.address, str)
