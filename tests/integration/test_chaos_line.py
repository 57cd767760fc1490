"""The proxy with which the fault rig spoils the manager's stream."""

import contextlib
import socket
import threading
import time

import pytest

from chaos.line import Line

EVENT = b"Event: UserEvent\r\nUserEvent: ObzEnded\r\nUniqueid: %d\r\n\r\n"
ANSWER = b"Response: Success\r\nActionID: %d\r\n\r\n"


class Server:
    """Remembers what it gets; ``say`` sends to the newest connection."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.got = b""
        self.ended = threading.Event()
        self.connections = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.connections.append(connection)
                threading.Thread(target=self._read, args=(connection,), daemon=True).start()

    def _read(self, connection):
        with contextlib.suppress(OSError):
            while data := connection.recv(65536):
                self.got += data
        self.ended.set()

    def say(self, data):
        self.connections[-1].sendall(data)

    def close(self):
        self.listener.close()
        for connection in self.connections:
            connection.close()


def wait_for(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def server():
    made = Server()
    yield made
    made.close()


@pytest.fixture
def line(server):
    made = Line(lambda: server.port, seed=1)
    yield made
    made.close()


@pytest.fixture
def client(server, line):
    with socket.create_connection(("127.0.0.1", line.port), 10) as made:
        wait_for(lambda: server.connections)
        yield made


def read(client, size):
    data = b""
    while len(data) < size:
        more = client.recv(65536)
        if not more:
            break
        data += more
    return data


def test_passes_both_ways(server, client):
    client.sendall(b"Action: Ping\r\n\r\n")
    wait_for(lambda: server.got == b"Action: Ping\r\n\r\n")
    server.say(EVENT % 1)
    assert read(client, len(EVENT % 1)) == EVENT % 1


def test_split_and_delayed_bytes_are_the_same_bytes(server, line, client):
    expected = b"".join(EVENT % number for number in range(5))
    for way in ("split", "delay"):
        with line.spoiled(way):
            server.say(expected)
            assert read(client, len(expected)) == expected


def test_every_message_twice(server, line, client):
    expected = ANSWER % 1 * 2 + EVENT % 2 * 2
    with line.spoiled("duplicate"):
        server.say(ANSWER % 1 + EVENT % 2)
        assert read(client, len(expected)) == expected


def test_events_are_dropped_and_answers_are_not(server, line, client):
    sent = b"".join(EVENT % number for number in range(50)) + ANSWER % 1

    data = b""
    with line.spoiled("drop"):
        server.say(sent)
        while ANSWER % 1 not in data:
            data += client.recv(65536)
    assert 10 < data.count(b"Uniqueid:") < 50


def test_a_cut_in_half_leaves_half_an_action(server, line, client):
    action = b"Action: Originate\r\nActionID: 1\r\n\r\n"
    cutting = threading.Thread(target=line.cut, args=(True,))
    cutting.start()
    wait_for(lambda: line._cut_in_half)
    client.sendall(action)
    cutting.join()
    wait_for(server.ended.is_set)
    assert server.got == action[: len(action) // 2]
    assert client.recv(10) == b""


def test_held_bytes_arrive_late_even_when_their_sender_has_closed(server, line, client):
    """As TCP does: what was given to the kernel is sent again once the line is mended."""

    with line.spoiled("hold"):
        client.sendall(b"Action: Originate\r\n\r\n")
        client.close()
        time.sleep(0.5)
        assert server.got == b""
    wait_for(lambda: server.got == b"Action: Originate\r\n\r\n")


def test_held_bytes_are_lost_when_their_sender_has_reset_the_connection(server, line, client):
    with line.spoiled("hold"):
        client.sendall(b"Action: Originate\r\n\r\n")
        time.sleep(0.5)  # the line has read it, and holds it
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        client.close()
    wait_for(server.ended.is_set)
    assert server.got == b""
