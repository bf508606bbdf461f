# SPDX-License-Identifier: Apache-2.0
"""Ports: which are free, and that no two clients take the same."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from thresher.core.client import ports
from thresher.core.client.ports import WORKER_PORTS, Claims, answers, is_free
from thresher.errors import EngineError


@pytest.fixture
def claims() -> Iterator[Claims]:
    found = Claims()
    yield found
    found.release()


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as found:
        yield found


def port_of(server: socket.socket) -> int:
    return int(server.getsockname()[1])


def test_a_port_where_something_listens_is_not_free(server: socket.socket) -> None:
    assert not is_free(port_of(server))
    assert answers(f"127.0.0.1:{port_of(server)}")


def test_a_port_whose_server_has_ended_is_free_at_once(server: socket.socket) -> None:
    port = port_of(server)
    with socket.create_connection(("127.0.0.1", port)):
        server.accept()[0].close()  # the side that closes first is the one that lingers
    server.close()

    assert is_free(port)
    assert not answers(f"127.0.0.1:{port}")


def test_a_busy_default_port_gives_way_to_the_next(server: socket.socket, claims: Claims) -> None:
    busy = port_of(server)

    assert claims.port(busy, busy, "Ray") > busy


def test_another_busy_port_is_an_error(server: socket.socket, claims: Claims) -> None:
    with pytest.raises(EngineError) as caught:
        claims.port(port_of(server), 6379, "Ray's dashboard")

    assert f"port {port_of(server)} for Ray's dashboard is in use" in caught.value.what
    assert "another" in caught.value.todo


def test_two_clients_take_different_ports_though_nothing_listens_yet(claims: Claims) -> None:
    other = Claims()
    first = claims.port(30111, 30111, "Ray")
    second = other.port(30111, 30111, "Ray")
    with pytest.raises(EngineError):
        other.port(first, 6379, "Ray")
    claims.release()
    third = other.port(first, 6379, "Ray")
    other.release()

    assert first != second
    assert third == first


def test_ports_of_workers_are_left_to_them(claims: Claims) -> None:
    assert claims.port(WORKER_PORTS.start, WORKER_PORTS.start, "Ray") >= WORKER_PORTS.stop


def test_no_port_left_is_said(claims: Claims, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda port: False)

    with pytest.raises(EngineError, match="no port from 65000 on is free"):
        claims.port(65000, 65000, "Ray")


@pytest.mark.parametrize("address", ["nowhere", "127.0.0.1:", "127.0.0.1:x", "[::1]:1"])
def test_nothing_answers_at_what_is_no_address(address: str) -> None:
    assert not answers(address, 1)
